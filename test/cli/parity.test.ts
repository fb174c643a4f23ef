import fs from 'node:fs';
import path from 'node:path';

import { temporaryFolder } from '../train/tokens';
import { runCli } from './run-cli';

const golden = path.resolve(__dirname, '../fixtures');
let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

jest.setTimeout(60_000);

const parity = (fixtures: string, ...args: string[]) =>
  runCli(['parity', '--fixtures', fixtures, ...args], { cwd: folder, cacheDir: path.join(folder, 'cache') });
const lastLine = (stdout: string) => stdout.trimEnd().split('\n').at(-1);

/** A copy of some residual cases, as the index lists them, each changed by `change`. */
function copyCases(
  names: string[],
  change: (content: Record<string, unknown>) => Record<string, unknown> | null,
): string {
  const target = path.join(folder, 'somewhere/deep/cases');
  fs.cpSync(path.join(golden, 'residual'), target, { recursive: true });
  const file = path.join(target, 'index.json');
  const index = JSON.parse(fs.readFileSync(file, 'utf8')) as { cases: Record<string, unknown>[] };
  const cases = names.map((name) => change(structuredClone(index.cases.find((each) => each.name === name)!)));
  fs.writeFileSync(file, JSON.stringify({ ...index, cases }));
  return target;
}

test('every golden case passes in both dtypes', async () => {
  const { code, stdout } = await parity(golden);
  expect(stdout.match(/^pass {2}/gm)).toHaveLength(113);
  expect(stdout).not.toMatch(/^FAIL/m);
  expect(lastLine(stdout)).toBe('113 passed, 0 failed');
  expect(code).toBe(0);
});

test('one dtype can be chosen', async () => {
  copyCases(['mini-kv2-m1-mid'], (each) => each);
  const { code, stdout } = await parity(folder, '--dtype', 'float64');
  expect(stdout).toMatch(
    /^pass {2}somewhere\/deep\/cases\/mini-kv2-m1-mid {2}worst error \S+, tolerance \S+ \(float64 .*\)\n1 passed, 0 failed\n$/,
  );
  expect(code).toBe(0);
});

type Change = (each: Record<string, unknown>) => Record<string, unknown> | null;
/** What is wrong with a case, and what its line must say. */
const hostile: [string, Change, RegExp][] = [
  [
    'another variant',
    (each) => ({ ...each, config: { ...(each.config as object), residual_variant: 'm2' } }),
    /worst error/,
  ],
  [
    'another switch',
    (each) => ({ ...each, config: { ...(each.config as object), residual_window: 1 } }),
    /worst error/,
  ],
  ['another accuracy', (each) => ({ ...each, accuracy: 0.9 }), /accuracy/],
  ['another loss', (each) => ({ ...each, loss_f64: (each.loss_f64 as number) + 1e-9 }), /float64 loss/],
  [
    'another trace',
    (each) => ({ ...each, adamw_trace_f64: { ...(each.adamw_trace_f64 as object), clip: 0.5 } }),
    /AdamW trace/,
  ],
  [
    'a case file that is not there',
    (each) => ({ ...each, file: 'gone.safetensors' }),
    /cannot be run: .*gone\.safetensors/,
  ],
  ['weights of another shape', (each) => ({ ...each, weights: 'weights-h16-kv2.safetensors' }), /cannot be run/],
  ['a path out of the folder', (each) => ({ ...each, file: '../../../passwd' }), /cannot be run: .*same folder/],
  [
    'sizes beyond all memory',
    (each) => ({ ...each, config: { ...(each.config as object), vocab_size: 2 ** 30, hidden_size: 2 ** 30 } }),
    /cannot be run/,
  ],
  ['a configuration that is none', (each) => ({ ...each, config: 'tiny' }), /cannot be run/],
  ['a loss that is no number', (each) => ({ ...each, loss_f64: null }), /cannot be run/],
  ['no case at all', () => null, /cannot be run/],
];

test('each broken case fails in a line of its own, and those beside it are run', async () => {
  const changes = hostile.flatMap(([, change]) => [change, (each: Record<string, unknown>) => each]);
  const names = hostile.flatMap(() => ['tiny-kv2-m1', 'mini-kv4-m1']);
  let next = 0;
  copyCases(names, (each) => changes[next++]!(each));
  const { code, stdout } = await parity(folder, '--dtype', 'float64');
  const lines = stdout.trimEnd().split('\n');
  hostile.forEach(([what, , message], index) => {
    expect(`${what}: ${lines[2 * index]}`).toMatch(/: FAIL {2}/);
    expect(`${what}: ${lines[2 * index]}`).toMatch(message);
    expect(lines[2 * index + 1]).toMatch(/^pass {2}somewhere\/deep\/cases\/mini-kv4-m1 /);
  });
  expect(lines.at(-1)).toBe(`${hostile.length} passed, ${hostile.length} failed`);
  expect(code).toBe(1);
});

test('a damaged weight file fails its case', async () => {
  const target = copyCases(['mini-kv4-m1'], (each) => each);
  fs.truncateSync(path.join(target, 'weights-h16-kv4.safetensors'), 1000);
  const { code, stdout } = await parity(folder);
  expect(stdout).toMatch(/^FAIL .*mini-kv4-m1 {2}cannot be run: .*weights-h16-kv4\.safetensors/);
  expect(code).toBe(1);
});

test('a missing tolerance fails its case', async () => {
  const target = copyCases(['mini-kv4-m1'], (each) => each);
  const file = path.join(target, 'index.json');
  const { tolerance: _none, ...index } = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
  fs.writeFileSync(file, JSON.stringify(index));
  expect((await parity(folder)).stdout).toMatch(/^FAIL .*tolerance/);
});

test('a wrong greedy continuation fails its case', async () => {
  const target = path.join(folder, 'hf');
  fs.cpSync(path.join(golden, 'hf-llama'), target, { recursive: true });
  const file = path.join(target, 'index.json');
  const index = JSON.parse(fs.readFileSync(file, 'utf8')) as { cases: { greedy_from_first5: number[] }[] };
  index.cases[2]!.greedy_from_first5[7] = 3;
  fs.writeFileSync(file, JSON.stringify(index));
  const { stdout } = await parity(target);
  expect(stdout).toMatch(
    /^FAIL {2}hf\/tied {2}worst error 1\.00e\+0, tolerance 0e\+0 \(float64 greedy ids that differ\)$/m,
  );
  expect(lastLine(stdout)).toBe('2 passed, 1 failed');
});

test('an index of another form is passed over in one line; nothing run is a failure', async () => {
  fs.mkdirSync(path.join(folder, 'other'));
  fs.writeFileSync(path.join(folder, 'other/index.json'), '{"_about": {}, "files": {}}');
  const { code, stdout } = await parity(folder);
  expect(stdout).toMatch(/^skip {2}other\/index\.json {2}.*\n0 passed, 0 failed\n$/);
  expect(code).toBe(1);
});

test('an index that is not JSON is a failure', async () => {
  fs.writeFileSync(path.join(folder, 'index.json'), '{"cases": [');
  const { code, stdout } = await parity(folder);
  expect(stdout).toMatch(/^FAIL {2}.*index\.json {2}cannot be read/);
  expect(lastLine(stdout)).toBe('0 passed, 1 failed');
  expect(code).toBe(1);
});
