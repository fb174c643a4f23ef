/** Several workers compute at once, each in an environment of its own. Prints what each found. */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { torch } from '../../../lib/tensor';

async function compute(seed: number): Promise<{ sum: number; left: number }> {
  const before = torch.memory().tensors;
  const sum = await torch.scope(async () => {
    let total = torch.zeros([64, 64]);
    for (let i = 0; i < 50; i++) {
      total = total.add(torch.full([64, 64], seed, { dtype: 'float32' }).matmul(torch.eye(64)));
      if (i % 10 === 0) await total.data();
    }
    return total.mean().item();
  });
  return { sum, left: torch.memory().tensors - before };
}

async function main(): Promise<void> {
  const run = (seed: number) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(__filename, { workerData: seed });
      worker.on('message', resolve).on('error', reject);
    });
  const results = await Promise.all([compute(1), run(2), run(3), run(4)]);
  const again = await run(5);
  console.log(JSON.stringify([...results, again]));
}

if (isMainThread) void main();
else void compute(workerData as number).then((result) => parentPort!.postMessage(result));
