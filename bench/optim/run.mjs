/**
 * A step of an optimiser: ours against torch.optim's, one parameter at a time (its default on a CPU), over lists of tensors and fused, in
 * one run, alternating.
 *
 *     npm run bench -- optim --threads 1 --record
 *
 * `many` are 200 parameters as small models have them, `large` a few millions of numbers in 12. A ratio below 1 means that ours takes
 * less than the fastest of PyTorch's ways. Both must end with the same weights.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

import { alternate } from '../alternate.mjs';
import { PyTorchSide } from '../pytorch-side.mjs';
import { record } from '../results.mjs';

const repeated = (count, ...shapes) => Array.from({ length: count }, () => shapes).flat();
const models = {
  many: { shapes: repeated(100, [32, 32], [32]), steps: 20 },
  large: { shapes: repeated(6, [512, 512], [512]), steps: 4 },
};
/** Settings in Python's words. */
const optimizers = [
  { name: 'SGD', options: { lr: 1e-3, momentum: 0.9 }, ways: ['single', 'foreach', 'fused'] },
  { name: 'Adam', options: { lr: 1e-3 }, ways: ['single', 'foreach', 'fused'] },
  { name: 'AdamW', options: { lr: 1e-3 }, ways: ['single', 'foreach', 'fused'] },
  { name: 'RMSprop', options: { lr: 1e-3 }, ways: ['single', 'foreach'] },
  { name: 'Adafactor', options: { lr: 1e-3 }, ways: ['single', 'foreach'] },
  { name: 'Lion', options: { lr: 1e-3, betas: [0.9, 0.99], weight_decay: 0.1 }, ways: ['single', 'foreach'] },
];

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: Object.keys(models).join(',') },
    optimizers: { type: 'string', default: optimizers.map(({ name }) => name).join(',') },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '7' },
    python: { type: 'string', default: process.env.TORCHWRIGHT_PYTHON ?? 'python3' },
    record: { type: 'boolean', default: false },
  },
});
const [threads, rounds] = [options.threads, options.rounds].map(Number);
const chosen = options.optimizers.split(',').map((name) => optimizers.find((each) => each.name === name));
const modelNames = options.models.split(',');
for (const [wrong, message] of [
  [chosen.includes(undefined), `--optimizers must be from ${optimizers.map(({ name }) => name).join(',')}`],
  [modelNames.some((name) => !models[name]), `--models must be from ${Object.keys(models).join(',')}`],
  [!(Number.isInteger(threads) && threads > 0), '--threads must be a whole number above 0'],
  [!(Number.isInteger(rounds) && rounds >= 3), '--rounds must be a whole number, at least 3'],
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
const { torch, optim } = require('../../dist/index.js');

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

function makeOurs({ name, options: given }, shapes) {
  const params = shapes.map((shape, index) =>
    torch.scope(() => {
      const count = shape.reduce((product, size) => product * size, 1);
      const wave = torch.arange(count, { dtype: 'float64' }).add(index).sin();
      const parameter = wave.to('float32').reshape(shape).requiresGrad_();
      parameter.grad = wave.cos().to('float32').reshape(shape);
      return parameter;
    }),
  );
  const settings = Object.fromEntries(Object.entries(given).map(([key, value]) => [camelCase(key), value]));
  return { params, optimizer: new optim[name](params, settings) };
}

function step({ params, optimizer }, steps) {
  const start = performance.now();
  for (let i = 0; i < steps; i++) optimizer.step();
  const seconds = (performance.now() - start) / 1000;
  const loss = torch.scope(() =>
    params.reduce((total, parameter) => total + parameter.detach().to('float64').sum().item(), 0),
  );
  return { seconds, loss };
}

const micros = (seconds, steps) => ((seconds / steps) * 1e6).toFixed(0);

const theirs = new PyTorchSide(options.python, import.meta.dirname, threads);
try {
  const versions = await theirs.versions();
  const rows = [];
  for (const modelName of modelNames) {
    const { shapes, steps } = models[modelName];
    await theirs.prepare({ shapes });
    for (const each of chosen) {
      const found = [];
      for (const way of each.ways) {
        await theirs.run('make', { optimizer: each.name, options: each.options, way });
        const ours = makeOurs(each, shapes);
        found.push(
          await alternate(
            () => step(ours, steps),
            () => theirs.run('run', { steps }),
            rounds,
            // Sums of up to 1.5 million weights in float32.
            1,
          ),
        );
        ours.optimizer.dispose();
        for (const parameter of ours.params) parameter.dispose();
      }
      const ratio = Math.max(...found.map((result) => result.ratio));
      const times = found.map((result) => micros(result.theirs, steps));
      const ours = micros(found.at(-1).ours, steps);
      rows.push([modelName, each.name, times[0], times[1], times[2] ?? '', ours, ratio.toFixed(2)]);
      const ways = each.ways.map((way, index) => `${way} ${times[index]}`).join(', ');
      console.log(`${modelName} ${each.name}: PyTorch ${ways} -> ours ${ours} us a step (x${ratio.toFixed(2)})`);
    }
  }
  if (options.record) {
    record({
      title: `A step of an optimiser, float32, ${threads} thread${threads === 1 ? '' : 's'}`,
      description:
        '`many`: 100 matrices of 32 x 32 and 100 vectors of 32; `large`: 6 matrices of 512 x 512 and 6 vectors; the ratio is ' +
        "to the fastest of PyTorch's ways, of which `single` is its default on a CPU",
      measure: 'microseconds a step',
      ...{ rounds, versions, native },
      header: ['model', 'optimiser', 'single', 'foreach', 'fused', 'ours', 'ratio'],
      rows,
    });
  }
} finally {
  theirs.end();
}
