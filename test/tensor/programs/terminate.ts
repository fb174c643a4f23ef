/** Workers are ended in the middle of jobs; the process goes on, loads the addon in a new one, and exits cleanly. */
import { setTimeout as wait } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { torch } from '../../../lib/tensor';

async function workWithoutEnd(): Promise<void> {
  const matrix = torch.randn([512, 512]);
  for (let i = 0; ; i++) {
    using product = matrix.matmul(matrix);
    const reading = product.data();
    if (i === 0) parentPort!.postMessage('working');
    if (workerData !== 'hurry') await reading;
    else if (i % 50 === 0) await reading;
  }
}

async function endInTheMiddle(mode: string): Promise<void> {
  const worker = new Worker(__filename, { workerData: mode });
  await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
  await wait(20);
  await worker.terminate();
}

async function main(): Promise<void> {
  for (const mode of ['await', 'hurry', 'await', 'hurry']) await endInTheMiddle(mode);
  const product = torch.eye(8).matmul(torch.ones([8, 8]));
  console.log(`alive ${product.sum().item()} ${(await product.data()).length}`);
}

if (isMainThread) void main();
else void workWithoutEnd();
