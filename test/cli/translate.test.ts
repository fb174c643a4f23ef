import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

import { main } from '../../lib/cli/main';
import { Translator } from '../../lib/delight';
import { temporaryFolder } from '../data/temporary';
import { sentences, smallModelFolder } from '../delight/search/folder';

const cwd = temporaryFolder();
const home = process.cwd();
let expected: string[];

beforeAll(async () => {
  const folder = await smallModelFolder(cwd);
  using translator = await Translator.load(folder);
  expected = [];
  for await (const { text } of translator.translate(sentences, { maxLengthB: 6 }))
    expected.push(text.replaceAll(/\s/g, ' '));
  process.chdir(cwd);
  fs.writeFileSync('in.txt', sentences.map((line) => `${line}\n`).join(''));
  fs.writeFileSync('long.txt', `A\n${'xyz '.repeat(30)}\n\nQuick!\n`);
});
afterAll(() => process.chdir(home));

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation((text, done) => {
      printed.stdout += String(text);
      if (typeof done === 'function') (done as () => void)();
      return true;
    }),
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((printed.stderr += String(text)))),
    jest.spyOn(console, 'error').mockImplementation((text) => void (printed.stderr += `${text}\n`)),
  ];
  try {
    return { code: await main(['translate', 'model', '--max-length-b', '6', ...args]), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

test('a file to the standard output, with a summary on the standard error', async () => {
  const { code, stdout, stderr } = await run('--input', 'in.txt');
  expect(stdout).toBe(expected.map((line) => `${line}\n`).join(''));
  expect(stderr).toMatch(/^5 lines, \d+ tokens, \d+ tokens\/s\n$/);
  expect(code).toBe(0);
});

test('a file to a file', async () => {
  const { code, stdout } = await run('--input', 'in.txt', '--output', 'sub/out.txt');
  expect(code).toBe(0);
  expect(stdout).toBe('');
  expect(fs.readFileSync('sub/out.txt', 'utf8')).toBe(expected.map((line) => `${line}\n`).join(''));
  expect(fs.readdirSync('sub')).toEqual(['out.txt']);
});

test('n-best lists name the line and the score', async () => {
  const { stdout } = await run('--input', 'in.txt', '--n-best', '3', '--beam', '4');
  const rows = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
  expect(rows.map(([number]) => number)).toEqual(
    [1, 2, 3, 4, 5].flatMap((number) => [number, number, number].map(String)),
  );
  expect(rows.every((row) => row.length === 3 && /^-\d+\.\d{4}$/.test(row[1]!))).toBe(true);
});

test('drawn translations are the same for the same seed', async () => {
  const drawn = async (seed: string) =>
    (await run('--input', 'in.txt', '--sample', '--seed', seed, '--top-k', '9')).stdout;
  expect(await drawn('1')).toBe(await drawn('1'));
  expect(await drawn('1')).not.toBe(await drawn('2'));
});

test('a line that is too long is an error and leaves no file; or it is left out', async () => {
  const failed = await run('--input', 'long.txt', '--output', 'none.txt');
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/text 2 has \d+ tokens/) });
  expect(fs.readdirSync('.').filter((name) => name.startsWith('none'))).toEqual([]);
  const { code, stdout, stderr } = await run('--input', 'long.txt', '--too-long', 'skip');
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line === '')).toEqual([false, true, true, false, true]);
  expect(stderr).toMatch(/4 lines, 1 too long/);
});

test.each<[string, string[], number, RegExp]>([
  ['a missing input', ['--input', 'nothing.txt'], 1, /cannot read nothing\.txt: there is no such file/],
  ['a number that is none', ['--beam', 'five'], 2, /Expected a number/],
  ['no beams', ['--input', 'in.txt', '--beam', '0'], 2, /beams is 0/],
  ['too many of the best', ['--input', 'in.txt', '--n-best', '9'], 2, /nBest is 9/],
  ['a wrong choice', ['--too-long', 'drop'], 2, /Allowed choices are error, skip, cut/],
  ['sampling without --sample', ['--input', 'in.txt', '--top-p', '0.5'], 2, /--top-p.*--sample/],
])('%s is an error', async (_name, args, code, message) => {
  const result = await run(...args);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^ +at /m);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe('');
});

test('a folder without a model is an error', async () => {
  fs.mkdirSync('bare', { recursive: true });
  const errors: string[] = [];
  const spy = jest.spyOn(console, 'error').mockImplementation((text) => void errors.push(String(text)));
  expect(await main(['translate', path.join(cwd, 'bare')])).toBe(1);
  spy.mockRestore();
  expect(errors.join()).toMatch(/there is no translation tokenizer/);
});

test('with a window of 1 each line is answered at once; Ctrl-C ends the wait for the next', async () => {
  const cli = path.join(home, 'dist/cli/main.js');
  const child = spawn(process.execPath, [cli, 'translate', 'model', '--max-length-b', '6', '--window', '1'], { cwd });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  child.stdin.write(`${sentences[0]}\n`);
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  expect(answer.toString()).toBe(`${expected[0]}\n`);
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(130);
  expect(errors).toMatch(/Stopping in good order/);
});
