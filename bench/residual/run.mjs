/**
 * A training step and an evaluation batch of each residual variant, ours against the same mathematics written plainly in
 * PyTorch (`plain_pytorch.py`): same weights, same batches, same optimiser settings, alternating in one run.
 *
 *     npm run bench -- residual --shape demo --threads 2 --record
 *
 * A ratio below 1 means that ours takes less time. Times are medians of wall time, ratios medians of each round's own ratio: its two
 * sides ran next to each other, so what else the machine does weighs on both. Losses are compared as they go.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { alternate } from '../alternate.mjs';
import { PyTorchSide } from '../pytorch-side.mjs';
import { cells, record } from '../results.mjs';

const shapes = {
  demo: { batch: 8, block: 128, vocab: 256, hidden: 64, intermediate: 128, layers: 4, heads: 4, kvHeads: 2 },
  small: { batch: 8, block: 128, vocab: 2048, hidden: 128, intermediate: 256, layers: 6, heads: 4, kvHeads: 2 },
  sotu: { batch: 4, block: 256, vocab: 8192, hidden: 256, intermediate: 688, layers: 8, heads: 8, kvHeads: 4 },
  note: { batch: 1, block: 2048, vocab: 32000, hidden: 512, intermediate: 1024, layers: 8, heads: 8, kvHeads: 4 },
};
const allVariants = ['baseline', '1', '2', '3.1', '3.2', '4.1', '4.2'];
const optimiser = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.1 };
const maxGradNorm = 1;
// Further apart than rounding explains, the two sides would not be doing the same work.
const largestLossDifference = { float32: 1e-3, bf16: 5e-2 };

const { values: options } = parseArgs({
  options: {
    shape: { type: 'string', default: 'demo' },
    variants: { type: 'string', default: allVariants.join(',') },
    precision: { type: 'string', default: 'float32' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    rounds: { type: 'string', default: '9' },
    python: { type: 'string', default: process.env.TORCHWRIGHT_PYTHON ?? 'python3' },
    record: { type: 'boolean', default: false },
  },
});
const shape = shapes[options.shape];
const variants = options.variants.split(',');
const threads = Number(options.threads);
const rounds = Number(options.rounds);
for (const [wrong, message] of [
  [!shape, `--shape must be one of ${Object.keys(shapes).join(', ')}`],
  [variants.some((name) => !allVariants.includes(name)), `--variants must be from ${allVariants.join(',')}`],
  [!(options.precision in largestLossDifference), '--precision must be float32 or bf16'],
  [!Number.isInteger(threads) || threads < 1, '--threads must be a whole number above 0'],
  [!Number.isInteger(rounds) || rounds < 3, '--rounds must be a whole number, at least 3'],
]) {
  if (wrong) {
    console.error(message);
    process.exit(2);
  }
}

// Both processes read this when they load OpenMP.
process.env.OMP_NUM_THREADS = String(threads);
const require = createRequire(import.meta.url);
const { native } = require('../../dist/native.js');
const { ResidualLlama, optim, torch, withSignal } = require('../../dist/index.js');

const autocast = options.precision === 'bf16' ? 'bfloat16' : null;
const batchCount = 4;

/** A file of random token ids, `batchCount` batches long. Both sides read it. */
function writeTokens(file) {
  const { batch, block, vocab } = shape;
  const ids = new Uint16Array(batchCount * batch * block);
  let state = 12345;
  for (let i = 0; i < ids.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    ids[i] = Math.floor((state / 2 ** 32) * vocab);
  }
  fs.writeFileSync(file, ids);
}

function createModel(variant) {
  torch.manualSeed(0);
  return ResidualLlama.create({
    vocabSize: shape.vocab,
    hiddenSize: shape.hidden,
    intermediateSize: shape.intermediate,
    numHiddenLayers: shape.layers,
    numAttentionHeads: shape.heads,
    numKeyValueHeads: shape.kvHeads,
    residual: variant,
  });
}

/** Our side: the jobs that the trainer runs. */
class OurSide {
  constructor(model, tokensFile) {
    this.model = model;
    this.optimizer = new optim.AdamW(model.parameters(), optimiser);
    this.tokens = native.tokensOpen(tokensFile, 'uint16').id;
    const offsets = Float64Array.from({ length: batchCount * shape.batch }, (_, i) => i * shape.block);
    this.batches = native.batchesCreate(this.tokens, offsets, shape.block, shape.batch, null, 'cpu');
  }

  async train() {
    const step = {
      module: this.model.id,
      batches: this.batches,
      optimizer: this.optimizer.id,
      microBatches: 1,
      learningRates: [optimiser.lr],
      maxGradNorm,
      autocast,
    };
    const start = performance.now();
    const { loss } = await withSignal(undefined, (token) => native.trainStep(token, step));
    return { seconds: (performance.now() - start) / 1000, loss };
  }

  async evaluate() {
    const start = performance.now();
    const { loss } = await withSignal(undefined, (token) =>
      native.evaluateBatch(token, this.model.id, this.batches, autocast),
    );
    return { seconds: (performance.now() - start) / 1000, loss };
  }

  dispose() {
    for (const id of [this.batches, this.tokens]) native.objectFree(id);
    this.optimizer.dispose();
    this.model.dispose();
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-bench-'));
const theirs = new PyTorchSide(options.python, import.meta.dirname, threads);
try {
  const versions = await theirs.versions();
  const tokensFile = path.join(folder, 'tokens.bin');
  writeTokens(tokensFile);
  const rows = [];
  for (const variant of variants) {
    const model = createModel(variant);
    const weights = path.join(folder, variant);
    await model.save(weights);
    await theirs.prepare({ ...shape, variant, weights, tokensFile, batchCount, optimiser, maxGradNorm, autocast });
    const ours = new OurSide(model, tokensFile);
    const measure = (work) =>
      alternate(
        () => ours[work](),
        () => theirs.run(work),
        rounds,
        largestLossDifference[options.precision],
      );
    const training = await measure('train');
    const evaluation = await measure('evaluate');
    ours.dispose();
    rows.push({ variant, training, evaluation });
    const report = (name, { ours, theirs, ratio }) =>
      `${name} ${(theirs * 1000).toFixed(1)} -> ${(ours * 1000).toFixed(1)} ms (x${ratio.toFixed(2)})`;
    console.log(`${variant.padEnd(8)} ${report('training', training)}  ${report('evaluation', evaluation)}`);
  }
  if (options.record) {
    const { layers, hidden, intermediate, heads, kvHeads, vocab, batch, block } = shape;
    record({
      title: `Residual decoder, shape ${options.shape}, ${options.precision}, ${threads} threads`,
      description: `${layers} x ${hidden}, ff ${intermediate}, heads ${heads}/${kvHeads}, vocabulary ${vocab}, batch ${batch} x ${block}`,
      ...{ rounds, versions, native },
      header: [
        ...['variant', 'training: PyTorch', 'ours', 'ratio'],
        ...['evaluation: PyTorch', 'ours', 'ratio', 'largest loss difference'],
      ],
      rows: rows.map(({ variant, training, evaluation }) => {
        const difference = Math.max(training.difference, evaluation.difference).toExponential(0);
        return [variant, ...cells(training), ...cells(evaluation), difference];
      }),
    });
  }
} finally {
  theirs.end();
  fs.rmSync(folder, { recursive: true, force: true });
}
