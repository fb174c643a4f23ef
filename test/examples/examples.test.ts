import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { writePairs } from '../study/pairs';
import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';

const root = path.resolve(__dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** What an example prints, run against the built package. */
async function run(example: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, TORCHWRIGHT_CACHE: path.join(folder, 'cache'), NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(root, 'examples', example), ...args], {
    env,
  });
  return stdout;
}

test('compare-two-variants.mjs', async () => {
  const stdout = await run('compare-two-variants.mjs', writeCorpus(folder), '20');
  expect(stdout).toMatch(/^baseline: step 20, loss \d\.\d{4}, accuracy 0\.\d{4}\nbaseline: "The .*"$/m);
  expect(stdout).toMatch(/^3\.2: step 20, loss \d\.\d{4}, accuracy 0\.\d{4}\n3\.2: "The .*"$/m);
}, 60_000);

test('delight-layers.mjs', async () => {
  const stdout = await run('delight-layers.mjs', '10');
  expect(stdout).toMatch(/^group linear layers: 32>32 g2, 64>64 g4, .*, 96>64 g2$/m);
  expect(stdout).toMatch(/^light: 23825 parameters, loss \d+\.\d{4} after 10 steps$/m);
}, 60_000);

test('translate.mjs', async () => {
  const { source, target } = writePairs(folder);
  const [sources, targets] = [source, target].map((file) => fs.readFileSync(file, 'utf8').trim().split('\n'));
  const pairs = path.join(folder, 'pairs.tsv');
  fs.writeFileSync(pairs, sources!.map((text, index) => `${text}\t${targets![index]}\n`).join(''));
  const stdout = await run('translate.mjs', pairs, '20');
  const perplexities = [...stdout.matchAll(/^step \d+: perplexity (\S+)/gm)].map(([, perplexity]) =>
    Number(perplexity),
  );
  expect(perplexities.at(-1)).toBeLessThan(perplexities[0]!);
  expect(stdout).toMatch(/^the .*\n {2}=> /m);
  expect(stdout).toMatch(/^\d+ sentences: BLEU \d+\.\d\d, chrF \d+\.\d\d$/m);
}, 60_000);
