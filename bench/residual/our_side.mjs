/** Our half of the residual benchmark, in a process of its own: the jobs that the trainer runs. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(import.meta.url);
const { native } = require('../../dist/native');
const { ResidualLlama, optim, withSignal } = require('../../dist/index.js');

/** MiB, of a line of Linux's account of this process; null elsewhere. */
function memory(line) {
  if (!fs.existsSync('/proc/self/status')) return null;
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
}

class OurSide {
  static async prepare(task) {
    const side = new OurSide();
    side.task = task;
    side.model = await ResidualLlama.load(task.weights);
    side.optimizer = new optim.AdamW(side.model.parameters(), task.optimiser);
    const { batch, block, batchCount } = task;
    const tokens = native.tokensOpen(task.tokensFile, 'uint16').id;
    const offsets = Float64Array.from({ length: batchCount * batch }, (_, i) => i * block);
    side.batches = native.batchesCreate(tokens, offsets, block, batch, null, 'cpu');
    side.before = memory('VmRSS');
    return side;
  }

  train() {
    const step = {
      module: this.model.id,
      batches: this.batches,
      optimizer: this.optimizer.id,
      microBatches: 1,
      learningRates: [this.task.optimiser.lr],
      maxGradNorm: this.task.maxGradNorm,
      autocast: this.task.autocast,
    };
    return withSignal(undefined, (token) => native.trainStep(token, step));
  }

  evaluate() {
    return withSignal(undefined, (token) =>
      native.evaluateBatch(token, this.model.id, this.batches, this.task.autocast),
    );
  }

  /** How far the process's memory has grown since weights and batches were there, at its highest. */
  peak() {
    return { loss: this.before === null ? null : memory('VmHWM') - this.before };
  }
}

let side;
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: work, ...task } = JSON.parse(line);
  if (work === 'prepare') {
    side = await OurSide.prepare(task);
    console.log('{}');
    continue;
  }
  const start = performance.now();
  const { loss } = await side[work]();
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, loss }));
}
process.exit(0);
