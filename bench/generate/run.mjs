/**
 * Decoding, a token at a time: ours against Hugging Face's LlamaForCausalLM with its cache, in its own `generate`, greedy, the same weights,
 * alternating in one run; and the time a token of each residual variant takes, beside the baseline's.
 *
 *     npm run bench -- generate --shape note --threads 2 --record
 *
 * What counts is the time from the first new token to the last, as the reader of `model.generate` sees it. A ratio below 1 means that ours
 * takes less. The tokens must be the same.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { alternate, median } from '../alternate.mjs';
import { PyTorchSide } from '../pytorch-side.mjs';
import { record } from '../results.mjs';

const shapes = {
  small: { vocab: 2048, hidden: 128, intermediate: 256, layers: 6, heads: 4, kvHeads: 2 },
  sotu: { vocab: 8192, hidden: 256, intermediate: 688, layers: 8, heads: 8, kvHeads: 4 },
  note: { vocab: 32000, hidden: 512, intermediate: 1024, layers: 8, heads: 8, kvHeads: 4 },
};
const allVariants = ['baseline', '1', '2', '3.1', '3.2', '4.1', '4.2'];
const prompt = 64;

const { values: options } = parseArgs({
  options: {
    shape: { type: 'string', default: 'sotu' },
    variants: { type: 'string', default: allVariants.join(',') },
    batches: { type: 'string', default: '1,8' },
    tokens: { type: 'string', default: '64' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    rounds: { type: 'string', default: '5' },
    python: { type: 'string', default: process.env.TORCHWRIGHT_PYTHON ?? 'python3' },
    record: { type: 'boolean', default: false },
  },
});
const shape = shapes[options.shape];
const [threads, rounds, newTokens] = [options.threads, options.rounds, options.tokens].map(Number);
const variants = options.variants.split(',');
const batches = options.batches.split(',').map(Number);
const whole = (value, least) => Number.isInteger(value) && value >= least;
for (const [wrong, message] of [
  [!shape, `--shape must be one of ${Object.keys(shapes).join(', ')}`],
  [variants[0] !== 'baseline', '--variants must begin with baseline'],
  [variants.some((name) => !allVariants.includes(name)), `--variants must be from ${allVariants.join(',')}`],
  [!batches.every((rows) => whole(rows, 1)), '--batches must be whole numbers above 0'],
  [!whole(newTokens, 2), '--tokens must be a whole number, at least 2'],
  [!whole(threads, 1), '--threads must be a whole number above 0'],
  [!whole(rounds, 3), '--rounds must be a whole number, at least 3'],
]) {
  if (wrong) {
    console.error(message);
    process.exit(2);
  }
}

// Both processes read this when they load OpenMP.
process.env.OMP_NUM_THREADS = String(threads);
const require = createRequire(import.meta.url);
const { native } = require('../../dist/native');
const { ResidualLlama, torch } = require('../../dist/index.js');

function createModel(residual) {
  torch.manualSeed(0);
  return ResidualLlama.create({
    vocabSize: shape.vocab,
    hiddenSize: shape.hidden,
    intermediateSize: shape.intermediate,
    numHiddenLayers: shape.layers,
    numAttentionHeads: shape.heads,
    numKeyValueHeads: shape.kvHeads,
    residual,
  });
}

let state = 12345;
const random = (count) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * count);
};
const prompts = Array.from({ length: Math.max(...batches) }, () =>
  Array.from({ length: prompt }, () => random(shape.vocab)),
);

/** The tokens, as a number. */
const checksum = (rows) => rows.flat().reduce((total, token) => (total * 31 + token) % 1000003, 0);

/** Seconds for all tokens but the first. */
async function generate(model, rows) {
  const found = Array.from({ length: rows }, () => []);
  let first;
  for await (const { index, token } of model.generate(prompts.slice(0, rows), {
    temperature: 0,
    maxNewTokens: newTokens,
    eosTokenId: null,
  })) {
    first ??= performance.now();
    found[index].push(token);
  }
  return { seconds: (performance.now() - first) / 1000, loss: checksum(found) };
}

const perToken = (seconds) => seconds / (newTokens - 1);
/** Milliseconds; a step of a small model is a fraction of one. */
const show = (seconds) => (seconds * 1000).toFixed(2);

/** Median seconds a step of each model, which take turns. */
async function compare(models, batch) {
  const times = models.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, model] of models.entries()) {
      const { seconds } = await generate(model, batch);
      if (round >= 0) times[i].push(perToken(seconds));
    }
  }
  return times.map(median);
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-bench-'));
const theirs = new PyTorchSide(options.python, import.meta.dirname, threads);
try {
  const versions = await theirs.versions();
  const models = variants.map(createModel);
  const [baseline] = models;
  await baseline.save(folder);
  await theirs.prepare({ weights: folder, prompts, newTokens });
  const rows = [];
  for (const batch of batches) {
    const {
      ours,
      theirs: transformers,
      ratio,
    } = await alternate(
      () => generate(baseline, batch),
      () => theirs.run('generate', { rows: batch }),
      rounds,
      0,
    );
    const both = [transformers, ours].map(perToken).map(show);
    console.log(`${batch} texts: transformers ${both[0]} -> ours ${both[1]} ms a step (x${ratio.toFixed(2)})`);
    const times = await compare(models, batch);
    times.forEach((time, i) => {
      const factor = (time / times[0]).toFixed(2);
      const compared = i === 0 ? [...both, ratio.toFixed(2)] : ['', show(time), ''];
      rows.push([batch, variants[i], ...compared, factor]);
      console.log(`${batch} texts: ${variants[i].padEnd(8)} ${show(time)} ms a step, x${factor} of the baseline`);
    });
  }
  for (const model of models) model.dispose();
  if (options.record) {
    const { layers, hidden, intermediate, heads, kvHeads, vocab } = shape;
    record({
      title: `Decoding, shape ${options.shape}, float32, ${threads} threads`,
      description:
        `${layers} x ${hidden}, ff ${intermediate}, heads ${heads}/${kvHeads}, vocabulary ${vocab}; prompts of ${prompt} tokens, ` +
        `${newTokens} new ones, greedy; one step of all texts; transformers' LlamaForCausalLM.generate`,
      ...{ rounds, versions, native },
      header: ['texts', 'variant', 'transformers', 'ours', 'ratio', 'of our baseline'],
      rows,
    });
  }
} finally {
  theirs.end();
  fs.rmSync(folder, { recursive: true, force: true });
}
