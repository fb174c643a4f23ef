/**
 * Workers are ended while libtorch is about to call them back: from their own thread, from jobs, and from graphs that outlive all.
 * With an argument: the process is ended in the middle of a callback.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { ResidualLlama } from '../../../lib/residual';
import { torch, type FunctionContext, type Tensor } from '../../../lib/tensor';
import { Trainer } from '../../../lib/train';

class Cube extends torch.autograd.Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    context.saveForBackward(x);
    return x.pow(3);
  }
  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return gradient.mul(context.savedTensors[0]!.pow(2)).mul(3);
  }
}

/** One step with every kind of callback; 18: two cubes at 1, under a hook that doubles. */
function step(): number {
  return torch.scope(() => {
    const x = torch.ones([8], { requiresGrad: true });
    const y = torch.autograd.checkpoint((z: Tensor) => Cube.apply(z).mul(1), Cube.apply(x));
    y.registerHook((gradient) => gradient.mul(2));
    x.registerPostAccumulateGradHook(() => undefined);
    y.sum().backward();
    return x.grad!.mean().item();
  });
}

/** Trains as jobs; each step calls back. With `deaf` this thread never answers. */
function train(deaf: boolean, hook = (gradient: Tensor): Tensor => gradient.mul(1)): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-'));
  const file = path.join(folder, 'tokens.bin');
  fs.writeFileSync(
    file,
    Uint16Array.from({ length: 64 }, (_, index) => index % 11),
  );
  const offsets = Float64Array.from({ length: 8 }, (_, block) => 8 * block);
  const tokens = { file, dtype: 'uint16' as const, blockSize: 8, offsets, tokens: 64 };
  const data = { train: tokens, validation: tokens };
  const sizes = { vocabSize: 11, hiddenSize: 16, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 };
  const model = ResidualLlama.create(sizes);
  for (const parameter of model.parameters()) parameter.registerHook(hook);
  const trainer = new Trainer(model, { data, batchSize: 2, maxSteps: 100_000, learningRate: 1e-3 });
  void (async () => {
    for await (const _ of trainer) if (deaf) while (true);
  })();
}

/** Leaves a graph with callbacks behind, which the environment's end must free. */
const graphs: Tensor[] = [];
function leave(): void {
  const x = torch.ones([2], { requiresGrad: true });
  const y = Cube.apply(x);
  y.registerHook(() => undefined);
  graphs.push(y);
}

function work(mode: string): void {
  parentPort!.postMessage('working');
  if (mode === 'train') train(false);
  else if (mode === 'deaf') train(true);
  else {
    leave();
    if (mode === 'loop') while (true) step();
    const again = () => void (step(), setImmediate(again));
    again();
  }
}

async function endInTheMiddle(mode: string): Promise<void> {
  const worker = new Worker(__filename, { workerData: mode });
  worker.on('error', (error) => console.error(error));
  await new Promise((resolve) => worker.on('message', resolve));
  await wait(mode === 'train' || mode === 'deaf' ? 250 : 30);
  await worker.terminate();
}

function exitInside(where: string): void {
  const exit = (): never => process.exit(5);
  if (where === 'job') return train(false, exit);
  const nested = (depth: number): void => {
    const x = torch.ones([1], { requiresGrad: true });
    x.registerHook(() => (depth === 0 ? exit() : torch.enableGrad(() => nested(depth - 1))));
    x.sum().backward();
  };
  nested(where === 'pass' ? 0 : 40);
}

async function main(): Promise<void> {
  for (const mode of ['loop', 'turns', 'train', 'deaf', 'train', 'loop']) await endInTheMiddle(mode);
  leave();
  console.log(`alive ${step()}`);
}

if (isMainThread && process.argv[2] !== undefined) exitInside(process.argv[2]);
else if (isMainThread) void main();
else work(workerData as string);
