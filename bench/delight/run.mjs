/**
 * DeLighT's translation model, ours against the same layers written plainly in PyTorch (`plain_pytorch.py`): a training step (forward,
 * label-smoothed loss, backward, gradient norm, AdamW), and incremental decoding with beams of one sentence and of several, the caches reordered
 * before each step and the best next tokens found; the encoder's pass is not counted. Same weights and tokens, alternating in one run.
 *
 *     npm run bench -- delight --sizes 128,256 --threads 2 --record
 *
 * A ratio below 1 means that ours takes less time. Times are medians of wall time, ratios medians of each round's own ratio. Losses, and
 * the best log-probabilities of decoding, are compared as they go.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { alternate } from '../alternate.mjs';
import { PyTorchSide } from '../pytorch-side.mjs';
import { cells, record } from '../results.mjs';

const optimiser = { lr: 1e-3, betas: [0.9, 0.98], eps: 1e-8, weightDecay: 0 };
const vocabulary = 8000;
const { paddingId, eosId, firstWord } = { paddingId: 1, eosId: 2, firstWord: 4 };
const training = { sentences: 64, shortest: 15, longest: 30 };
const decoding = { batches: [1, 8], beams: 5, candidates: 10, steps: 25 };
/** Further apart than rounding explains, the two sides would not be doing the same work. */
const largestDifference = 1e-2;

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '128,256,512' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    rounds: { type: 'string', default: '7' },
    python: { type: 'string', default: process.env.TORCHWRIGHT_PYTHON ?? 'python3' },
    record: { type: 'boolean', default: false },
  },
});
const sizes = options.sizes.split(',').map(Number);
const threads = Number(options.threads);
const rounds = Number(options.rounds);
for (const [wrong, message] of [
  [sizes.some((size) => !Number.isInteger(size) || size < 32), '--sizes must be model widths, such as 128,256'],
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
const { native } = require('../../dist/native');
const { DelightTransformer } = require('../../dist/delight/index.js');
const { translationNativePlan } = require('../../dist/delight/native-plan.js');
const { saveSafetensors } = require('../../dist/tensor/index.js');
const { optim, torch, withSignal } = require('../../dist/index.js');

let state = 12345;
/** A whole number below `limit`. */
function random(limit) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}
const sentence = () =>
  Array.from(
    { length: training.shortest + random(training.longest - training.shortest + 1) },
    () => firstWord + random(vocabulary - firstWord),
  );

const sources = Array.from({ length: training.sentences }, sentence);
const targets = Array.from({ length: training.sentences }, sentence);

/** Rows of one length, padded on the left or on the right. */
function pad(rows, side) {
  const length = Math.max(...rows.map((row) => row.length));
  return rows.map((row) => {
    const padding = new Array(length - row.length).fill(paddingId);
    return side === 'left' ? [...padding, ...row] : [...row, ...padding];
  });
}

/** A file of token ids without end marks, and where each sentence begins. */
function writeTokens(file, sentences) {
  fs.writeFileSync(file, Uint16Array.from(sentences.flat()));
  const offsets = [0];
  for (const { length } of sentences) offsets.push(offsets.at(-1) + length);
  return Float64Array.from(offsets);
}

/** What a batch of so many sentences is decoded from: its source, and for each step tokens and the order of rows. */
function decodingTask(sentences) {
  const rows = sentences * decoding.beams;
  const steps = (row) =>
    Array.from({ length: decoding.steps }, (_, step) => Array.from({ length: rows }, (_, index) => row(step, index)));
  return {
    sentences,
    source: pad(
      sources.slice(0, sentences).map((row) => [...row, eosId]),
      'left',
    ),
    tokens: steps((step) => (step === 0 ? eosId : firstWord + random(vocabulary - firstWord))),
    orders: steps((_, row) => row - (row % decoding.beams) + random(decoding.beams)),
  };
}
const decodingTasks = decoding.batches.map(decodingTask);

/** Our side: the jobs that the trainer and the search run. */
class OurSide {
  constructor(model, folder) {
    this.model = model;
    this.optimizer = new optim.AdamW(model.parameters(), optimiser);
    const open = (name, sentences) => {
      const file = path.join(folder, name);
      const offsets = writeTokens(file, sentences);
      return { id: native.tokensOpen(file, 'uint16').id, offsets };
    };
    const source = open('source.bin', sources);
    const target = open('target.bin', targets);
    this.tokens = [source.id, target.id];
    this.batches = native.pairBatchesCreate(source.id, target.id, {
      sourceOffsets: source.offsets,
      targetOffsets: target.offsets,
      paddingId,
      eosId,
      device: 'cpu',
    });
  }

  #queue() {
    const order = Int32Array.from({ length: training.sentences }, (_, index) => index);
    native.pairBatchesQueue(this.batches, order, Int32Array.of(training.sentences));
  }

  async train() {
    this.model.train();
    this.#queue();
    const step = {
      module: this.model.id,
      batches: this.batches,
      optimizer: this.optimizer.id,
      microBatches: 1,
      learningRates: [optimiser.lr],
      maxGradNorm: null,
      autocast: null,
    };
    const start = performance.now();
    const { loss } = await withSignal(undefined, (token) => native.trainStep(token, step));
    return { seconds: (performance.now() - start) / 1000, loss };
  }

  async decode({ sentences, source, tokens, orders }) {
    this.model.eval();
    const { beams, candidates, steps } = decoding;
    const rows = sentences * beams;
    const ids = torch.tensor(source, { dtype: 'int64' });
    const id = await withSignal(undefined, (token) =>
      native.decodingCreate(token, this.model.id, [ids.handle], sentences, beams, steps),
    );
    const start = performance.now();
    let total = 0;
    for (let step = 0; step < steps; step++) {
      const found = await withSignal(undefined, (token) =>
        native.decodingStep(token, id, {
          tokens: Int32Array.from(tokens[step]),
          order: step === 0 ? null : Int32Array.from(orders[step]),
          candidates,
          banned: new Int32Array(),
          only: null,
        }),
      );
      for (let row = 0; row < rows; row++) total += found.logProbabilities[row * candidates];
    }
    const seconds = (performance.now() - start) / 1000;
    native.objectFree(id);
    ids.dispose();
    return { seconds, loss: total / (rows * steps) };
  }

  dispose() {
    for (const id of [this.batches, ...this.tokens]) native.objectFree(id);
    this.optimizer.dispose();
    this.model.dispose();
  }
}

function createModel(hiddenSize) {
  torch.manualSeed(0);
  return DelightTransformer.create({
    type: 'delight',
    hiddenSize,
    sourceVocabSize: vocabulary,
    targetVocabSize: vocabulary,
    shareEmbeddings: true,
    labelSmoothing: 0.1,
    ...{ dropout: 0, ffnDropout: 0, attentionDropout: 0, unitDropout: 0, embeddingDropout: 0, positionDropout: 0 },
  });
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-bench-'));
const theirs = new PyTorchSide(options.python, import.meta.dirname, threads);
try {
  const versions = await theirs.versions();
  const data = path.join(folder, 'data.safetensors');
  const int64 = (values) => torch.tensor(values, { dtype: 'int64' });
  await saveSafetensors(data, [
    [
      'source',
      int64(
        pad(
          sources.map((row) => [...row, eosId]),
          'left',
        ),
      ),
    ],
    [
      'previous',
      int64(
        pad(
          targets.map((row) => [eosId, ...row]),
          'right',
        ),
      ),
    ],
    [
      'target',
      int64(
        pad(
          targets.map((row) => [...row, eosId]),
          'right',
        ),
      ),
    ],
    ...decodingTasks.flatMap(({ sentences, source, tokens, orders }) => [
      [`${sentences}.source`, int64(source)],
      [`${sentences}.tokens`, int64(tokens)],
      [`${sentences}.orders`, int64(orders)],
    ]),
  ]);
  const results = [];
  for (const size of sizes) {
    const model = createModel(size);
    const weights = path.join(folder, String(size));
    await model.save(weights);
    const { beams, candidates } = decoding;
    await theirs.prepare({ plan: translationNativePlan(model.config), weights, data, optimiser, candidates });
    const ours = new OurSide(model, folder);
    const measure = (ours, theirs) => alternate(ours, theirs, rounds, largestDifference);
    const parts = [
      [
        'training step',
        await measure(
          () => ours.train(),
          () => theirs.run('train'),
        ),
      ],
    ];
    for (const task of decodingTasks) {
      const batch = String(task.sentences);
      const decoded = await measure(
        () => ours.decode(task),
        () => theirs.run('decode', { batch, beams }),
      );
      parts.push([`decoding ${batch} x ${beams}`, decoded]);
    }
    ours.dispose();
    results.push({ size, parts });
    const report = ([name, { ours, theirs, ratio }]) =>
      `${name} ${(theirs * 1000).toFixed(1)} -> ${(ours * 1000).toFixed(1)} ms (x${ratio.toFixed(2)})`;
    console.log(`${String(size).padEnd(5)} ${parts.map(report).join('  ')}`);
  }
  if (options.record) {
    const { sentences, shortest, longest } = training;
    record({
      title: `DeLighT, translation, float32, ${threads} threads`,
      description:
        `Blocks of depth 4 to 8, vocabulary ${vocabulary}, tied; training: ${sentences} pairs of ${shortest} to ${longest} tokens; ` +
        `decoding: ${decoding.batches.join(' and ')} sentences x ${decoding.beams} beams, ${decoding.steps} steps, reordered each`,
      ...{ rounds, versions, native },
      header: [
        'width',
        ...results[0].parts.flatMap(([name]) => [`${name}: PyTorch`, 'ours', 'ratio']),
        'largest difference',
      ],
      rows: results.map(({ size, parts }) => {
        const difference = Math.max(...parts.map(([, measured]) => measured.difference)).toExponential(0);
        return [size, ...parts.flatMap(([, measured]) => cells(measured)), difference];
      }),
    });
  }
} finally {
  theirs.end();
  fs.rmSync(folder, { recursive: true, force: true });
}
