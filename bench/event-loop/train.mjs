/** Trains for some seconds and prints, as JSON, how late timers came meanwhile: `node train.mjs KIND SECONDS`. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { ResidualLlama, Trainer, nn, torch } from '../../dist/index.js';

const [kind, seconds] = process.argv.slice(2);
const vocabSize = 4096;
const blockSize = 128;

/** Random tokens. */
function tokens(folder, blocks) {
  const file = path.join(folder, `${blocks}.bin`);
  const ids = Uint16Array.from({ length: blocks * blockSize }, () => Math.random() * vocabSize);
  fs.writeFileSync(file, ids);
  const offsets = Float64Array.from({ length: blocks }, (_, block) => block * blockSize);
  return { file, dtype: 'uint16', blockSize, offsets, tokens: ids.length };
}

function decoder() {
  const sizes = { hiddenSize: 128, intermediateSize: 512, numHiddenLayers: 4, numAttentionHeads: 4 };
  return ResidualLlama.create({ vocabSize, ...sizes, residual: '3.2' });
}

const often = { maxMinutes: Number(seconds) / 60, schedule: 'constant', evalEvery: 10 };

function native(folder) {
  const data = { train: tokens(folder, 512), validation: tokens(folder, 8) };
  return new Trainer(decoder(), {
    data,
    batchSize: 4,
    ...often,
    maxTrainTokens: 2 ** 40,
    out: path.join(folder, 'run'),
  });
}

/** A module of one's own, a perceptron. @param width of its layers */
function module(width) {
  const net = new nn.Sequential(new nn.Linear(width, width), new nn.ReLU(), new nn.Linear(width, 1));
  const batch = { x: torch.randn([64, width]), y: torch.randn([64, 1]) };
  const loss = (own, { x, y }) => nn.functional.mseLoss(own.forward(x), y);
  return new Trainer(net, { data: { train: [batch] }, loss, ...often, maxSteps: 1_000_000_000 });
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-event-loop-'));
try {
  const trainer = {
    idle: () => null,
    native: () => native(folder),
    small: () => module(64),
    large: () => module(2048),
  }[kind]();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let steps = 0;
  if (trainer === null) {
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  } else {
    // The first steps load and compile.
    for await (const { type } of trainer) {
      if (type === 'step' && ++steps === 3) delay.enable();
    }
  }
  delay.disable();
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map(
    (nanoseconds) => nanoseconds / 1e6,
  );
  process.stdout.write(JSON.stringify({ p50, p99, max, steps }));
} finally {
  fs.rmSync(folder, { recursive: true });
}
