/** Callbacks from other threads than JavaScript's: training jobs, beside work on this thread; workers that end. */
import fs from 'node:fs';

import { ResidualLlama } from '../../../lib/residual';
import { torch } from '../../../lib/tensor';
import { Trainer } from '../../../lib/train';
import { temporaryFolder, vocabSize, writeTokens } from '../../train/tokens';
import { run } from '../run';

let folder: string;
beforeAll(() => (folder = temporaryFolder()));
afterAll(() => fs.rmSync(folder, { recursive: true }));

function training(maxSteps: number): { model: ResidualLlama; trainer: Trainer } {
  torch.manualSeed(1);
  const model = ResidualLlama.create({
    vocabSize,
    hiddenSize: 16,
    intermediateSize: 16,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
  });
  const tokens = writeTokens(folder, 'train', 8);
  const data = { train: tokens, validation: tokens };
  return { model, trainer: new Trainer(model, { data, batchSize: 4, learningRate: 1e-2, maxSteps }) };
}

const finish = async (trainer: Trainer): Promise<number[]> => {
  const losses: number[] = [];
  for await (const event of trainer) if (event.type === 'step') losses.push(event.loss);
  return losses;
};

test("a training job's hooks run on this thread, and change its gradients", async () => {
  const plain = training(3);
  const losses = await finish(plain.trainer);
  const hooked = training(3);
  let heard = 0;
  for (const parameter of hooked.model.parameters()) {
    parameter.registerHook((gradient) => {
      heard++;
      expect(torch.isGradEnabled()).toBe(false);
      return gradient.mul(0);
    });
  }
  const still = await finish(hooked.trainer);
  expect(heard).toBe(3 * [...hooked.model.parameters()].length);
  expect(still[0]).toBe(losses[0]);
  expect(still[2]).not.toBe(losses[2]);
});

test('a hook may compute gradients itself while the job waits', async () => {
  const { model, trainer } = training(2);
  const [weight] = [...model.parameters()];
  const found: number[] = [];
  weight!.registerHook(() => {
    const x = torch.tensor([3], { requiresGrad: true });
    const y = torch.enableGrad(() => x.mul(x));
    y.registerHook((gradient) => gradient.mul(10));
    y.backward();
    found.push(x.grad!.item());
  });
  await finish(trainer);
  expect(found).toEqual([60, 60]);
});

test("a hook's error is the job's, the very same", async () => {
  const { model, trainer } = training(2);
  const mine = new Error('mine');
  [...model.parameters()][0]!.registerHook(() => {
    throw mine;
  });
  await expect(finish(trainer)).rejects.toBe(mine);
});

test('passes on this thread and in jobs over the same weights do not wait for each other', async () => {
  const { model, trainer } = training(30);
  let heard = 0;
  for (const parameter of model.parameters()) parameter.registerPostAccumulateGradHook(() => void heard++);
  const ids = torch.tensor([[1, 4, 7, 10]], { dtype: 'int64' });
  const pass = () => torch.scope(() => model.forward(ids).float().sum().backward());
  let ended = false;
  const job = finish(trainer).finally(() => (ended = true));
  let passes = 0;
  while (!ended) {
    try {
      pass();
    } catch (error) {
      // The job may have changed the weights in between, which is noticed.
      expect(error).toMatchObject({ code: 'ERR_AUTOGRAD' });
    }
    passes++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await job).length).toBe(30);
  const [before, count] = [heard, [...model.parameters()].length];
  pass();
  expect([passes > 0, before >= 30 * count, heard - before]).toEqual([true, true, count]);
});

test('a job keeps the modes it was started in', async () => {
  const { model } = training(1);
  const ids = torch.tensor([[1, 4, 7, 10]], { dtype: 'int64' });
  const run = () => model.run('forward', [ids]).then(([logits]) => logits!);
  const [lower, recorded, none] = await Promise.all([torch.autocast({ device: 'cpu' }, run), run(), torch.noGrad(run)]);
  const again = model.forward(ids);
  expect(lower.float().sub(again.float()).abs().max().item()).toBeGreaterThan(0);
  expect([recorded.requiresGrad, none.requiresGrad]).toEqual([true, false]);
});

test('workers may be ended in the middle of callbacks', async () => {
  const { code, signal, output, errors } = await run('callbacks.ts');
  expect([code, signal, errors]).toEqual([0, null, '']);
  expect(output).toBe('alive 18\n');
}, 60_000);

test.each(['pass', 'deep', 'job'])(
  'the process may be ended inside a callback: %s',
  async (where) => {
    const { code, signal, errors } = await run('callbacks.ts', where);
    expect([code, signal, errors]).toEqual([5, null, '']);
  },
  60_000,
);
