import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { main } from '../../lib/cli/main';
import { temporaryFolder } from '../train/tokens';

let cwd: string;
const home = process.cwd();

const hypotheses = ['Das ist ein kleines Haus.', 'Guten Tag!', '', 'Das Wörter-Buch ist hier 👍'];
const references = ['Das ist ein Haus.', 'Guten Tag!', 'Nichts.', 'Das Wörter-Buch liegt hier 👍'];

beforeAll(() => {
  cwd = temporaryFolder();
  process.chdir(cwd);
  write('hyp.txt', hypotheses);
  write('ref.txt', references);
  write('ref2.txt', hypotheses);
  write('short.txt', ['one', 'two']);
  fs.writeFileSync('crlf.txt', hypotheses.join('\r\n')); // no line break at the end
  fs.writeFileSync('latin1.txt', Buffer.from('gut\nschön\n', 'latin1'));
  fs.writeFileSync('empty.txt', '');
  write('separators.txt', ['a\u2028b', 'c\u0085d', 'e\rf', '']);
});
afterAll(() => {
  process.chdir(home);
  fs.rmSync(cwd, { recursive: true });
});

function write(name: string, lines: string[]): void {
  fs.writeFileSync(name, lines.map((line) => `${line}\n`).join(''));
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const log = jest.spyOn(console, 'log').mockImplementation((text: string) => void (printed.stdout += `${text}\n`));
  const catchError = (text: unknown) => {
    printed.stderr += String(text);
    return true;
  };
  const error = jest.spyOn(console, 'error').mockImplementation(catchError);
  const raw = jest.spyOn(process.stderr, 'write').mockImplementation(catchError);
  try {
    return { code: await main(['score', ...args]), ...printed };
  } finally {
    for (const spy of [log, error, raw]) spy.mockRestore();
  }
}

// Expected figures are sacreBLEU 2.6.0's own for these lines.
test('BLEU with its signature', async () => {
  const { code, stdout } = await run('hyp.txt', 'ref.txt');
  expect(stdout).toBe(
    'BLEU = 31.82 85.7/63.6/25.0/10.0 (BP = 0.931 ratio = 0.933 hyp_len = 14 ref_len = 15)\n' +
      '  nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0\n',
  );
  expect(code).toBe(0);
});

test('lines may end with CR LF, the last with nothing', async () => {
  expect((await run('crlf.txt', 'ref.txt')).stdout).toBe((await run('hyp.txt', 'ref.txt')).stdout);
});

test('a byte order mark is no text', async () => {
  fs.writeFileSync('marked.txt', `\ufeff${hypotheses.join('\n')}\n`);
  const [plain, marked] = [await run('hyp.txt', 'ref.txt'), await run('marked.txt', 'ref.txt')];
  expect(marked).toEqual(plain);
});

test('only a line feed ends a line', async () => {
  expect((await run('separators.txt', 'ref.txt')).code).toBe(0);
});

test('all metrics as JSON', async () => {
  const { stdout } = await run('hyp.txt', 'ref.txt', '--metric', 'all', '--json', '--compound-split');
  const scores = JSON.parse(stdout) as Record<string, { score: number; signature?: string }>;
  expect(Object.keys(scores)).toEqual(['bleu', 'chrf', 'chrf++', 'fairseq-bleu']);
  expect(scores.chrf!.score).toBeGreaterThan(scores.bleu!.score);
  expect(scores['chrf++']!.signature).toMatch(/nw:2/);
  expect(scores['fairseq-bleu']).toMatchObject({ compoundSplit: true, hypothesisLength: 14 });
});

test('several references: one is the best for each line, and fairseq-bleu is left out of all', async () => {
  const { stdout } = await run('hyp.txt', 'ref.txt', 'ref2.txt', '--metric', 'all');
  expect(stdout).toMatch(/^BLEU = 100\.00 .*\n {2}nrefs:2\|/);
  expect(stdout).not.toMatch(/BLEU4/);
});

test('options of BLEU', async () => {
  const { stdout } = await run('hyp.txt', 'ref.txt', '--tokenize', 'char', '--smooth', 'floor', '--lowercase');
  expect(stdout).toMatch(/nrefs:1\|case:lc\|eff:no\|tok:char\|smooth:floor\[0\.10\]/);
});

test.each<[string, string[], number, RegExp]>([
  ['different numbers of lines', ['hyp.txt', 'short.txt'], 2, /hyp\.txt has 4 lines, but short\.txt has 2/],
  ['of a second reference', ['hyp.txt', 'ref.txt', 'short.txt'], 2, /hyp\.txt has 4 lines, but short\.txt has 2/],
  ['a file that is not there', ['nothing.txt', 'ref.txt'], 1, /cannot read nothing\.txt: there is no such file/],
  ['a folder', ['.', 'ref.txt'], 1, /cannot read \./],
  ['text that is not UTF-8', ['latin1.txt', 'ref.txt'], 1, /latin1\.txt is not UTF-8 text: byte 7/],
  ['empty files', ['empty.txt', 'empty.txt'], 2, /no hypotheses/],
  ['no reference', ['hyp.txt'], 2, /missing required argument 'references'/],
  ['an unknown metric', ['hyp.txt', 'ref.txt', '--metric', 'rouge'], 2, /Allowed choices are bleu, chrf, chrf\+\+/],
  ['hyphens without fairseq-bleu', ['hyp.txt', 'ref.txt', '--compound-split'], 2, /is for the metric fairseq-bleu/],
  [
    'a tokenizer without bleu',
    ['hyp.txt', 'ref.txt', '--metric', 'chrf', '--tokenize', 'intl'],
    2,
    /are for the metric bleu/,
  ],
  ['two references for one', ['hyp.txt', 'ref.txt', 'ref2.txt', '--metric', 'fairseq-bleu'], 2, /takes one reference/],
])('%s is an error', async (_name, args, code, message) => {
  const result = await run(...args);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^ +at /m);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe('');
});

test('reads the standard input, and never loads the addon', () => {
  const cli = path.join(home, 'dist/cli/main.js');
  const program =
    `require(${JSON.stringify(cli)}).main(['score', '-', 'ref.txt']).then((code) => { process.exitCode = code; ` +
    `console.log(Object.keys(require.cache).filter((file) => /native\\.js$|\\.node$|node-gyp-build/.test(file)).length); });`;
  const { stdout, status } = spawnSync(process.execPath, ['-e', program], {
    cwd,
    input: fs.readFileSync('hyp.txt'),
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^BLEU = 31\.82 [^]*\n0\n$/);
  expect(status).toBe(0);
});
