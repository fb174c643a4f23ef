/** Our half of the benchmark of calling cost, in a process of its own. */
import { createRequire } from 'node:module';
import readline from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';

import { operations, perScope } from './operations.mjs';

const require = createRequire(import.meta.url);
const { torch, nn, optim, slice } = require('../../dist/index.js');

/** Calls without a scope between two turns of the event loop, in which forgotten tensors are freed. */
const perTurn = 1000;

const wave = (...shape) => {
  const count = shape.reduce((product, size) => product * size, 1);
  return torch.arange(count, { dtype: 'float64' }).sin().to('float32').reshape(shape);
};

function mlp() {
  const net = new nn.Sequential(
    new nn.Linear(8, 32),
    new nn.ReLU(),
    new nn.Linear(32, 32),
    new nn.ReLU(),
    new nn.Linear(32, 1),
  );
  torch.noGrad(() => {
    for (const parameter of net.parameters()) parameter.copy_(wave(...parameter.shape).mul(0.2));
  });
  return net;
}

const trained = mlp();
const values = {
  ...{ torch, slice, F: nn.functional, foreachMul: torch.operator('aten::_foreach_mul') },
  a: wave(2, 2),
  b: wave(2, 2).add(1),
  c: wave(2, 2),
  m: wave(64, 64),
  n: wave(64, 64).add(1),
  mask: wave(2, 2).gt(0.5),
  rows: torch.tensor([1n, 0n]),
  scale: wave(2).add(2),
  shift: wave(2),
  weight: wave(2, 2).sub(1).requiresGrad_(),
  many: Array.from({ length: 20 }, (_, i) => wave(2, 2).add(i)),
  net: mlp(),
  trained,
  optimizer: new optim.AdamW(trained.parameters(), { lr: 1e-3 }),
  x: wave(4, 8),
  y: wave(4, 1),
};
const works = new Map(operations.map(({ name, ours }) => [name, ours(values)]));

function repeat(work, count) {
  for (let i = 0; i < count; i++) work();
}

const ways = {
  scoped(work, repeats) {
    for (let done = 0; done < repeats; done += perScope) torch.scope(() => repeat(work, perScope));
  },
  async bare(work, repeats) {
    for (let done = 0; done < repeats; done += perTurn) {
      repeat(work, Math.min(perTurn, repeats - done));
      await turn();
    }
  },
};

/** The result of one more call, as a number. */
function reduced(name) {
  return torch.scope(() => {
    const result = works.get(name)();
    const { reduce = (tensor) => tensor.sum() } = operations.find((operation) => operation.name === name);
    return reduce(result).item();
  });
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: asked, name, way, repeats } = JSON.parse(line);
  if (asked === 'prepare') {
    console.log('{}');
    continue;
  }
  const work = works.get(name);
  const start = performance.now();
  await ways[way](work, repeats);
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ seconds, loss: reduced(name) }));
}
process.exit(0);
