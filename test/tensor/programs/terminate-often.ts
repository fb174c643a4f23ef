/**
 * Workers that compute are ended in the middle of it, many times: those that call operators, train, wait for elements, read files and share
 * memory. Prints what is left of them: bytes of tensors, threads, and resident memory gained after the first quarter.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { fromBuffer, loadSafetensors, saveSafetensors, torch } from '../../../lib/tensor';

interface Data {
  work: keyof typeof works;
  file: string;
  memory: SharedArrayBuffer;
}

const works = {
  async operators() {
    for (let size = 16; ; size = size < 256 ? size * 2 : 16) {
      torch.scope(() =>
        torch
          .randn([size, size])
          .matmul(torch.ones([size, size]))
          .softmax(1)
          .sum()
          .item(),
      );
      await Promise.resolve();
    }
  },
  async training() {
    const weight = torch.randn([64, 64], { requiresGrad: true });
    for (;;) {
      torch.scope(() => {
        torch.randn([32, 64]).matmul(weight).tanh().square().mean().backward();
        torch.noGrad(() => weight.sub_(weight.grad!, { alpha: 0.01 }));
        weight.grad = null;
      });
      await wait(0);
    }
  },
  async reading() {
    const matrix = torch.randn([512, 512]);
    for (;;) {
      using product = matrix.matmul(matrix);
      await Promise.all([product.data(), matrix.data()]);
    }
  },
  async files({ file }: Data) {
    for (;;) await torch.scope(async () => void (await loadSafetensors(file)));
  },
  async sharing({ memory }: Data) {
    const shared = fromBuffer(memory, { dtype: 'float32' });
    for (;;) {
      shared.add_(1);
      await shared.data();
    }
  },
};

const endings = Number(process.argv[2] ?? 200);
const atOnce = 4;

async function main(): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-'));
  const file = path.join(folder, 'x.safetensors');
  await torch.scope(() => saveSafetensors(file, [['x', torch.randn([256, 256])]]));
  const memory = new SharedArrayBuffer(4096);
  const names = Object.keys(works) as (keyof typeof works)[];
  const before = torch.memory.device('cpu').allocated;
  const threads = () => fs.readdirSync('/proc/self/task').length;
  let early = { resident: 0, threads: 0 };
  let ended = 0;
  const loop = async (): Promise<void> => {
    while (ended < endings) {
      const turn = ended++;
      if (turn === Math.floor(endings / 4)) early = { resident: process.memoryUsage.rss(), threads: threads() };
      const worker = new Worker(__filename, { workerData: { work: names[turn % names.length]!, file, memory } });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await wait(turn % 7);
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  fs.rmSync(folder, { recursive: true });
  const left = {
    bytes: torch.memory.device('cpu').allocated - before,
    threads: Math.max(0, threads() - early.threads),
    residentGained: process.memoryUsage.rss() - early.resident,
    shared: fromBuffer(memory, { dtype: 'float32' }).max().item() > 0,
  };
  console.log(JSON.stringify(left));
}

if (isMainThread) void main();
else {
  const data = workerData as Data;
  void works[data.work](data);
  parentPort!.postMessage('working');
}
