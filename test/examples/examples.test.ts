import fs from 'node:fs';
import path from 'node:path';

import { writePairs } from '../study/pairs';
import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { runExample } from './run-example';

let folder: string;
let corpus: string;
const run = (example: string, ...args: string[]) =>
  runExample(example, args, { cacheDir: path.join(folder, 'cache'), cwd: folder });

beforeAll(() => {
  folder = temporaryFolder();
  corpus = writeCorpus(folder);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('train.mjs, and generate.mjs with the model that it leaves', async () => {
  const trained = await run('train.mjs', 'model', corpus, '30');
  expect(trained).toMatch(/^step 30: validation loss \d\.\d{4}, perplexity \d+\.\d\d a byte$/m);
  expect(trained).toMatch(/^30 steps; the model is in model: /m);
  expect(fs.readdirSync(path.join(folder, 'model')).sort()).toEqual(
    expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
  );

  const text = await run('generate.mjs', 'model', 'The whale', '20', '0.7');
  expect(text).toMatch(/^The whale./s);
  expect(Buffer.byteLength(text)).toBeGreaterThan('The whale'.length + 10);
  expect(await run('generate.mjs', 'model', 'The whale', '20', '0.7')).toBe(text); // the seed is the example's
}, 120_000);

test('generate.mjs by itself trains on its own source', async () => {
  expect(await run('generate.mjs')).toMatch(/^const .{20,}/s);
}, 120_000);

test('compare.mjs', async () => {
  const stdout = await run('compare.mjs', corpus, '20');
  expect(stdout).toMatch(/^baseline: step 20, loss \d\.\d{4}, accuracy 0\.\d{4}\nbaseline: "The .*"$/m);
  expect(stdout).toMatch(/^3\.2: step 20, loss \d\.\d{4}, accuracy 0\.\d{4}\n3\.2: "The .*"$/m);
}, 120_000);

test('sweep.mjs', async () => {
  const stdout = await run('sweep.mjs', corpus, '6');
  expect(stdout.match(/^Trial +learningRate +hiddenSize +Loss/gm)).toHaveLength(2);
  expect(stdout).toMatch(/^Best of all: learningRate 0\.\d+, hiddenSize \d+, loss \d\.\d{4}$/m);
}, 120_000);

test('delight-layers.mjs', async () => {
  const stdout = await run('delight-layers.mjs', '10');
  expect(stdout).toMatch(/^group linear layers: 32>32 g2, 64>64 g4, .*, 96>64 g2$/m);
  expect(stdout).toMatch(/^light: 23825 parameters, loss \d+\.\d{4} after 10 steps$/m);
}, 120_000);

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
}, 120_000);

test('mlp.mjs, which goes on from its checkpoint', async () => {
  const first = await run('mlp.mjs', 'mlp.pt', '4');
  expect(first).toMatch(/^ {2}fc_in +Linear +\[1000, 64\] +192 +yes$/m);
  expect(first).toMatch(/^epoch 4: loss 0\.\d{4}, accuracy [01]\.\d{3}$/m);
  const second = await run('mlp.mjs', 'mlp.pt', '20');
  expect(second).toMatch(/^goes on after epoch 4\n/);
  const [, accuracy] = /^epoch 20: loss 0\.\d{4}, accuracy ([01]\.\d{3})$/m.exec(second)!;
  expect(Number(accuracy)).toBeGreaterThan(0.95);
}, 120_000);

test('stream.mjs, stopped and called again, ends where it ends without a stop', async () => {
  const shards = path.join(folder, 'shards');
  fs.mkdirSync(shards);
  for (const shard of [0, 1, 2]) {
    const lines = Array.from({ length: 200 }, (_, n) =>
      JSON.stringify({ text: `text ${n} of shard ${shard}: the whale` }),
    );
    fs.writeFileSync(path.join(shards, `${shard}.jsonl`), shard === 1 ? 'damaged\n' : lines.join('\n'));
  }
  const first = await run('stream.mjs', 'streamed', 'shards', '25');
  expect(first).toMatch(/^.*1\.jsonl:1 is not JSON: .* It was passed over \(1 so far\)\.$/m);
  expect(first).toMatch(/^stopped after step 25; the model is in streamed\/latest$/m);
  const second = await run('stream.mjs', 'streamed', 'shards');
  expect(second).toMatch(/^goes on after step 25\n/);
  const whole = await run('stream.mjs', 'whole', 'shards');
  const lossesOf = (output: string) => output.match(/^step (?:[3-6]\d): loss .*$/gm);
  expect(lossesOf(second)).toHaveLength(7);
  expect(lossesOf(second)).toEqual(lossesOf(whole));
}, 120_000);
