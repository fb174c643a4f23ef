/**
 * A training step, its peak memory, and an evaluation batch of each residual variant, ours against the same mathematics written plainly
 * in PyTorch (`plain_pytorch.py`), and the baseline against Hugging Face's LlamaForCausalLM: same weights, same batches, same optimiser
 * settings, each side in a process of its own, in turns.
 *
 *     npm run bench -- residual --shape demo --threads 2 --record
 *     npm run bench -- residual --suite --record             # the note's shape in every way, and the demo's: some 6 minutes
 *
 * A ratio below 1 means that ours takes less. Times are medians of wall time, ratios medians of each round's own ratio: its two sides ran
 * next to each other, so what else the machine does weighs on both. Losses are compared as they go.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { alternate } from '../alternate.mjs';
import { PyTorchSide } from '../pytorch-side.mjs';
import { cells, record } from '../results.mjs';
import { SideProcess } from '../side-process.mjs';

const shapes = {
  demo: { batch: 8, block: 128, vocab: 256, hidden: 64, intermediate: 128, layers: 4, heads: 4, kvHeads: 2 },
  small: { batch: 8, block: 128, vocab: 2048, hidden: 128, intermediate: 256, layers: 6, heads: 4, kvHeads: 2 },
  sotu: { batch: 4, block: 256, vocab: 8192, hidden: 256, intermediate: 688, layers: 8, heads: 8, kvHeads: 4 },
  // The note's 32000 rows of the head are work that no variant changes; with fewer, what is compared weighs more.
  note: { batch: 1, block: 2048, vocab: 8192, hidden: 512, intermediate: 1024, layers: 8, heads: 8, kvHeads: 4 },
};
const allVariants = ['baseline', '1', '2', '3.1', '3.2', '4.1', '4.2'];
const optimiser = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.1 };
const maxGradNorm = 1;
// Further apart than rounding explains, the two sides would not be doing the same work.
const largestLossDifference = { float32: 1e-3, bf16: 5e-2 };
const batchCount = 4;

const { values: options } = parseArgs({
  options: {
    shape: { type: 'string', default: 'demo' },
    variants: { type: 'string', default: allVariants.join(',') },
    train: { type: 'string' },
    precision: { type: 'string', default: 'float32' },
    against: { type: 'string', default: 'plain' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    rounds: { type: 'string', default: '9' },
    suite: { type: 'boolean', default: false },
    python: { type: 'string', default: process.env.TORCHWRIGHT_PYTHON ?? 'python3' },
    record: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);

/** One table: its shape and precision, the variants to evaluate, those to train as well, and whom ours is compared with. */
const asked = {
  shape: options.shape,
  precision: options.precision,
  variants: options.variants.split(','),
  trained: (options.train ?? options.variants).split(',').filter(Boolean),
  against: options.against,
  rounds: Number(options.rounds),
};
// Variants of one site cost alike: one of each is trained at the note's shape, where PyTorch's steps take long.
const trained = ['baseline', '3.2', '4.2'];
const suite = [
  { shape: 'note', precision: 'float32', variants: allVariants, trained, against: 'plain', rounds: 1 },
  { shape: 'note', precision: 'bf16', variants: trained, trained, against: 'plain', rounds: 1 },
  { shape: 'note', precision: 'float32', variants: ['baseline'], trained, against: 'huggingface', rounds: 2 },
  { shape: 'note', precision: 'float32', variants: ['baseline'], trained, against: 'compiled', rounds: 2 },
  { shape: 'demo', precision: 'float32', variants: allVariants, trained: allVariants, against: 'plain', rounds: 9 },
];
const tables = options.suite ? suite : [asked];
for (const [wrong, message] of [
  [!shapes[asked.shape], `--shape must be one of ${Object.keys(shapes).join(', ')}`],
  [
    [...asked.variants, ...asked.trained].some((name) => !allVariants.includes(name)),
    `--variants and --train must be from ${allVariants.join(',')}`,
  ],
  [!(asked.precision in largestLossDifference), '--precision must be float32 or bf16'],
  [
    !['plain', 'huggingface', 'compiled'].includes(asked.against),
    '--against must be plain, huggingface or compiled (Hugging Face with torch.compile)',
  ],
  [
    asked.against !== 'plain' && asked.variants.join() !== 'baseline',
    'Hugging Face has the baseline only: --variants baseline',
  ],
  [!Number.isInteger(threads) || threads < 1, '--threads must be a whole number above 0'],
  [!Number.isInteger(asked.rounds) || asked.rounds < 1, '--rounds must be a whole number, at least 1'],
]) {
  if (wrong) {
    console.error(message);
    process.exit(2);
  }
}

// All processes read this when they load OpenMP.
process.env.OMP_NUM_THREADS = String(threads);
const require = createRequire(import.meta.url);
const { native } = require('../../dist/native');
const { ResidualLlama, torch } = require('../../dist/index.js');

/** A file of random token ids, `batchCount` batches long. Both sides read it. */
function writeTokens(file, { batch, block, vocab }) {
  const ids = new Uint16Array(batchCount * batch * block);
  let state = 12345;
  for (let i = 0; i < ids.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    ids[i] = Math.floor((state / 2 ** 32) * vocab);
  }
  fs.writeFileSync(file, ids);
}

async function writeWeights(folder, variant, shape) {
  torch.manualSeed(0);
  const model = ResidualLlama.create({
    vocabSize: shape.vocab,
    hiddenSize: shape.hidden,
    intermediateSize: shape.intermediate,
    numHiddenLayers: shape.layers,
    numAttentionHeads: shape.heads,
    numKeyValueHeads: shape.kvHeads,
    residual: variant,
  });
  await model.save(folder);
  model.dispose();
}

const names = { plain: 'PyTorch', huggingface: 'transformers', compiled: 'transformers, compiled' };
const shown = (measured) =>
  `${measured.theirs.toFixed(0)} -> ${measured.ours.toFixed(0)} MiB (x${measured.ratio.toFixed(2)})`;
const timed = ({ ours, theirs, ratio }) =>
  `${(theirs * 1000).toFixed(1)} -> ${(ours * 1000).toFixed(1)} ms (x${ratio.toFixed(2)})`;

/** What one variant takes: `{ evaluation, training, memory }`, the last two where it is trained. */
async function measureVariant(folder, variant, table) {
  const shape = shapes[table.shape];
  const task = {
    ...{ ...shape, variant, model: table.against, batchCount, optimiser, maxGradNorm },
    weights: path.join(folder, variant),
    tokensFile: path.join(folder, 'tokens.bin'),
    autocast: table.precision === 'bf16' ? 'bfloat16' : null,
  };
  writeTokens(task.tokensFile, shape);
  await writeWeights(task.weights, variant, shape);
  const theirs = new PyTorchSide(options.python, import.meta.dirname, threads);
  const ours = new SideProcess(process.execPath, [path.join(import.meta.dirname, 'our_side.mjs')]);
  try {
    const versions = await theirs.versions();
    await Promise.all([theirs.prepare(task), ours.prepare(task)]);
    const largest = largestLossDifference[table.precision];
    // Where steps take seconds, fewer to warm up, and none for PyTorch's slow training; a compiled step is compiled first.
    const warmUps = { train: table.against === 'plain' ? 0 : 1, evaluate: 1 };
    const measure = (work) =>
      alternate(
        () => ours.run(work),
        () => theirs.run(work),
        table.rounds,
        largest,
        table.shape === 'note' ? warmUps[work] : 2,
      );
    const result = { variant, versions };
    if (table.trained.includes(variant)) {
      result.training = await measure('train');
      const [our, their] = [(await ours.run('peak')).loss, (await theirs.run('peak')).loss];
      if (our !== null && their !== null) result.memory = { ours: our, theirs: their, ratio: our / their };
    }
    result.evaluation = await measure('evaluate');
    return result;
  } finally {
    theirs.end();
    ours.end();
  }
}

/** What to know of a table. */
const remarks = {
  peak: 'Peak memory: how far the resident memory of a process has grown beyond what it was with weights and batches loaded, at its highest, after training steps.',
  products:
    "At this shape nearly all time goes into products of matrices, where both sides run near the machine's limit: what is left to gain is memory, and the attention's forbidden half.",
};

const none = ['', '', ''];

async function run(table, folder) {
  console.log(`${table.shape}, ${table.precision}, against ${names[table.against]}:`);
  const rows = [];
  for (const variant of table.variants) {
    const row = await measureVariant(folder, variant, table);
    rows.push(row);
    const { training, memory, evaluation } = row;
    console.log(
      variant.padEnd(8),
      `evaluation ${timed(evaluation)}`,
      training === undefined ? '' : ` training ${timed(training)}`,
      memory === undefined ? '' : ` peak ${shown(memory)}`,
    );
  }
  if (!options.record) return;
  const shape = shapes[table.shape];
  const { layers, hidden, intermediate, heads, kvHeads, vocab, batch, block } = shape;
  const name = names[table.against];
  const beside = table.against === 'plain' ? '' : `, beside ${name}`;
  record({
    title: `Residual decoder, shape ${table.shape}, ${table.precision}, ${threads} threads${beside}`,
    description: `${layers} x ${hidden}, ff ${intermediate}, heads ${heads}/${kvHeads}, vocabulary ${vocab}, batch ${batch} x ${block}`,
    ...{ rounds: table.rounds, versions: rows[0].versions, native },
    header: [
      ...['variant', `evaluation: ${name}`, 'ours', 'ratio', `training: ${name}`, 'ours', 'ratio'],
      ...[`peak memory of training, MiB: ${name}`, 'ours', 'ratio', 'largest loss difference'],
    ],
    rows: rows.map(({ variant, training, memory, evaluation }) => {
      const difference = Math.max(training?.difference ?? 0, evaluation.difference).toExponential(0);
      const peak = memory && [memory.theirs.toFixed(0), memory.ours.toFixed(0), memory.ratio.toFixed(2)];
      return [variant, ...cells(evaluation), ...(training ? cells(training) : none), ...(peak ?? none), difference];
    }),
    notes: [remarks.peak, ...(['small', 'sotu'].includes(table.shape) ? [remarks.products] : [])],
  });
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-bench-'));
try {
  for (const table of tables) await run(table, folder);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
