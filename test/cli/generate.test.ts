import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

import { main } from '../../lib/cli/main';
import { ByteTokenizer } from '../../lib/data/byte-tokenizer';
import { temporaryFolder } from '../data/temporary';
import { smallLanguageModel } from '../delight/search/models';
import { smallLlama } from '../generation/models';

const cwd = temporaryFolder();
const home = process.cwd();
const options = { seed: 4, maxNewTokens: 20 };
let expected = '';

beforeAll(async () => {
  process.chdir(cwd);
  using model = smallLlama({ vocabSize: 256, residual: '3.2' });
  model.tokenizer = new ByteTokenizer();
  await model.save('model');
  for await (const { text } of model.generate('Call me', options)) expected += text;
  using delight = smallLanguageModel(256);
  delight.tokenizer = new ByteTokenizer();
  await delight.save('delight');
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
    return { code: await main(['generate', ...args]), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const usual = ['--seed', '4', '--max-new-tokens', '20'];

test('the text after a prompt, and nothing else', async () => {
  expect(await run('model', 'Call me', ...usual)).toMatchObject({ code: 0, stdout: `${expected}\n` });
});

test('JSON lines, a token each', async () => {
  const { stdout } = await run('model', 'Call me', ...usual, '--json');
  const pieces = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(pieces).toHaveLength(20);
  expect(pieces.map(({ text }) => text).join('')).toBe(expected);
  expect(Object.keys(pieces[0]!)).toEqual(['token', 'text', 'logProbability']);
  expect(pieces.at(-1)).toMatchObject({ finishReason: 'length' });
});

test('a stop string, and the rules', async () => {
  const stop = expected.slice(4, 6);
  expect((await run('model', 'Call me', ...usual, '--stop', 'zzz', '--stop', stop)).stdout).toBe(
    `${expected.slice(0, expected.indexOf(stop))}\n`,
  );
  const rules = [
    '--temperature',
    '0.5',
    '--top-k',
    '5',
    '--top-p',
    '0.9',
    '--min-p',
    '0.1',
    '--repetition-penalty',
    '1.2',
  ];
  const { code, stdout } = await run('model', 'Call me', ...usual, ...rules);
  expect(code).toBe(0);
  expect(stdout).not.toBe(`${expected}\n`);
});

test('a model of the other family', async () => {
  const { code, stdout } = await run('delight', 'Call', '--temperature', '0', '--max-new-tokens', '5');
  expect(code).toBe(0);
  expect(stdout.endsWith('\n')).toBe(true);
});

test.each<[string, string[], number, RegExp]>([
  ['a folder without a model', ['nothing', 'x'], 1, /nothing holds no config\.json; name the folder of a model/],
  ['a number that is none', ['model', 'x', '--top-k', 'five'], 2, /Expected a number/],
  ['a number out of its range', ['model', 'x', '--top-p', '2'], 2, /topP is 2/],
  ['no model', [], 2, /missing required argument 'model'/],
])('%s is an error', async (_name, args, code, message) => {
  const result = await run(...args);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^ +at /m);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe('');
});

const cli = path.join(home, 'dist/cli/main.js');

test('the prompt from the standard input; Ctrl-C ends a long text', async () => {
  fs.writeFileSync('prompt.txt', 'Call me\n');
  const start = (args: string[], input: 'pipe' | number) =>
    spawn(process.execPath, [cli, 'generate', 'model', ...args], { cwd, stdio: [input, 'pipe', 'pipe'] });
  const read = start(usual, fs.openSync('prompt.txt', 'r'));
  let text = '';
  read.stdout!.on('data', (data: Buffer) => (text += data.toString()));
  expect(await once(read, 'close')).toEqual([0, null]);
  expect(text).toBe(`${expected}\n`);

  const long = start(['Call', '--max-new-tokens', '1000000'], 'pipe');
  let errors = '';
  long.stderr!.on('data', (data: Buffer) => (errors += data.toString()));
  await once(long.stdout!, 'data');
  long.kill('SIGINT');
  expect(await once(long, 'close')).toEqual([130, null]);
  expect(errors).toMatch(/Stopping in good order/);
});
