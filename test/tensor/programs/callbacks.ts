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

const { mode, folder } = isMainThread
  ? { mode: process.argv[2], folder: fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-')) }
  : (workerData as { mode: string; folder: string });
if (isMainThread) process.on('exit', () => fs.rmSync(folder, { recursive: true }));

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

function work(): void {
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

async function endInTheMiddle(of: string): Promise<void> {
  const worker = new Worker(__filename, { workerData: { mode: of, folder } });
  worker.on('error', (error) => console.error(error));
  await new Promise((resolve) => worker.on('message', resolve));
  await wait(of === 'train' || of === 'deaf' ? 250 : 30);
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
  for (const each of ['loop', 'turns', 'train', 'deaf', 'train', 'loop']) await endInTheMiddle(each);
  leave();
  console.log(`alive ${step()}`);
}

if (isMainThread && mode !== undefined) exitInside(mode);
else if (isMainThread) void main();
else work();
