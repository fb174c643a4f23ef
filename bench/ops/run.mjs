/**
 * What calls cost: the same operators on tiny tensors from TypeScript and from Python's eager PyTorch, on one thread, in turns; inside a
 * scope (which frees what it made at its end) and without one (where the garbage collector's work is part of the time). Then the time
 * from loading the library to the first tensor.
 *
 *     npm run bench -- ops --record
 *     npm run bench -- ops --only add,view
 *
 * A ratio below 1 means that ours takes less. Inside scopes times are medians of rounds; without, all time of all rounds counts, since
 * the collector does its work now and then.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { alternate } from '../alternate.mjs';
import { PyTorchSide } from '../pytorch-side.mjs';
import { record } from '../results.mjs';
import { SideProcess } from '../side-process.mjs';
import { defaultRepeats, operations } from './operations.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '15' },
    python: { type: 'string', default: process.env.TORCHWRIGHT_PYTHON ?? 'python3' },
    record: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const asked = options.only?.split(',') ?? operations.map(({ name }) => name);
const chosen = operations.filter(({ name }) => asked.includes(name));
if (chosen.length < asked.length || !Number.isInteger(rounds) || rounds < 1) {
  console.error(
    `--rounds takes a whole number, at least 1; --only takes names from: ${operations.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

// Both sides read this when they load OpenMP.
process.env.OMP_NUM_THREADS = '1';
const require = createRequire(import.meta.url);
const dist = path.join(import.meta.dirname, '..', '..', 'dist');

/** Rounds of the slow start-ups. */
const startRounds = 5;
/** Rounds in which V8 compiles what is called. */
const warmUps = 8;
/** Results of the two sides may differ by rounding; sums of products of 64 numbers are large. */
const largestDifference = 1e-2;

const geometricMean = (ratios) => Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
const microseconds = (seconds) => (seconds * 1e6).toFixed(2);

/** One operation both ways: microseconds a call of each side, and the ratios. */
async function measure(ours, theirs, { name, python, repeats = defaultRepeats, pythonReduce = 'result.sum()' }) {
  const statement = { statement: python, reduce: pythonReduce, repeats };
  const compare = (way) =>
    alternate(
      () => ours.run('call', { name, way, repeats }),
      () => theirs.run('call', statement),
      rounds,
      largestDifference,
      warmUps,
      0,
    );
  const scoped = await compare('scoped');
  const bare = await compare('bare');
  return {
    name,
    theirs: scoped.theirs / repeats,
    scoped: scoped.ours / repeats,
    ratio: scoped.ratio,
    bare: bare.sums.ours / repeats / rounds,
    bareRatio: bare.sums.ours / bare.sums.theirs,
  };
}

/** Seconds that a program prints. */
function secondsOf(command, parameters) {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, { encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(stderr);
  return { seconds: Number(stdout), loss: 0 };
}

/** From loading the library to the first tensor; neither counts how long Node or Python themselves take to start. */
const startUp = () =>
  alternate(
    () =>
      secondsOf(process.execPath, [
        '-e',
        `const start = performance.now();
         require(${JSON.stringify(path.join(dist, 'index.js'))}).torch.zeros([1]);
         console.log((performance.now() - start) / 1000);`,
      ]),
    () =>
      secondsOf(options.python, [
        '-c',
        'import time; start = time.perf_counter(); import torch; torch.zeros(1); print(time.perf_counter() - start)',
      ]),
    startRounds,
    0,
    1,
  );

const ours = new SideProcess(process.execPath, [path.join(import.meta.dirname, 'our_side.mjs')]);
const theirs = new PyTorchSide(options.python, import.meta.dirname, 1);
try {
  const versions = await theirs.versions();
  await Promise.all([theirs.prepare({}), ours.prepare({})]);
  const results = [];
  for (const operation of chosen) {
    const result = await measure(ours, theirs, operation);
    results.push(result);
    const { name, theirs: python, scoped, ratio, bare, bareRatio } = result;
    console.log(
      `${name.padEnd(36)} PyTorch ${microseconds(python)}, in a scope ${microseconds(scoped)} us (x${ratio.toFixed(2)}), ` +
        `without ${microseconds(bare)} us (x${bareRatio.toFixed(2)})`,
    );
  }
  const means = [
    geometricMean(results.map(({ ratio }) => ratio)),
    geometricMean(results.map(({ bareRatio }) => bareRatio)),
  ].map((mean) => mean.toFixed(2));
  console.log(`geometric mean: x${means[0]} in a scope, x${means[1]} without`);
  const start = await startUp();
  const milliseconds = (seconds) => (seconds * 1000).toFixed(0);
  console.log(
    `start-up: PyTorch ${milliseconds(start.theirs)}, ours ${milliseconds(start.ours)} ms (x${start.ratio.toFixed(2)})`,
  );
  if (options.record) {
    const { native } = require(path.join(dist, 'native'));
    record({
      title: 'Calls of operators on tiny tensors, 1 thread',
      description: '2 x 2 float32 unless the name says otherwise; the MLP is 8 - 32 - 32 - 1 on a batch of 4',
      ...{ rounds, versions, native },
      measure: 'microseconds a call',
      header: ['call', 'PyTorch', 'ours, in a scope', 'ratio', 'ours, without a scope', 'ratio'],
      rows: [
        ...results.map((each) => [
          each.name,
          ...[each.theirs, each.scoped].map(microseconds),
          each.ratio.toFixed(2),
          microseconds(each.bare),
          each.bareRatio.toFixed(2),
        ]),
        ['geometric mean', '', '', means[0], '', means[1]],
      ],
      notes: [
        "Python's time is that of the statement in timeit, with its garbage collector off. Without a scope all time counts, that of our garbage collector too; a turn of the event loop after each 1000 calls lets it free what it found.",
        `From loading the library to the first tensor: PyTorch ${milliseconds(start.theirs)} ms, ours ${milliseconds(start.ours)} ms, ratio ${start.ratio.toFixed(2)} (median of ${startRounds}).`,
      ],
    });
  }
} finally {
  theirs.end();
  ours.end();
}
