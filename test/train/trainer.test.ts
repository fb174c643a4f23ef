import fs from 'node:fs';
import path from 'node:path';

import { ResidualLlama } from '../../lib/residual';
import { nn } from '../../lib';
import { torch } from '../../lib/tensor';
import {
  Trainer,
  evaluateBlocks,
  type LanguageModel,
  type StepEvent,
  type TrainEvent,
  type TrainerOptions,
} from '../../lib/train';
import { temporaryFolder, vocabSize, writeTokens } from './tokens';

let folder: string;
let data: TrainerOptions['data'];

beforeAll(() => {
  folder = temporaryFolder();
  data = { train: writeTokens(folder, 'train', 24), validation: writeTokens(folder, 'validation', 5) };
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

function makeModel(residual = '3.2'): ResidualLlama {
  torch.manualSeed(7);
  return ResidualLlama.create({
    vocabSize,
    hiddenSize: 16,
    intermediateSize: 32,
    numHiddenLayers: 2,
    numAttentionHeads: 2,
    residual,
  });
}

async function collect(trainer: Trainer): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of trainer) events.push(event);
  return events;
}

const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);

async function trainFresh(
  options: Partial<TrainerOptions>,
): Promise<{ events: TrainEvent[]; steps: StepEvent[]; model: ResidualLlama; trainer: Trainer }> {
  const model = makeModel();
  const trainer = new Trainer(model, { data, batchSize: 4, learningRate: 1e-2, ...options });
  const events = await collect(trainer);
  return { events, steps: ofType(events, 'step'), model, trainer };
}

const weightsOf = (model: ResidualLlama) => [...model.parameters()].map((parameter) => parameter.toArray());

test('the loss falls, and the report has all keys of a training', async () => {
  const { events, steps } = await trainFresh({ maxSteps: 60, schedule: 'constant' });
  expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss / 2);
  const [end] = ofType(events, 'end');
  expect(Object.keys(end!.metrics).sort()).toEqual([
    'epoch',
    'total_flos',
    'train_loss',
    'train_runtime',
    'train_samples',
    'train_samples_per_second',
    'train_steps_per_second',
  ]);
  expect(end!.metrics).toMatchObject({ epoch: 10, train_samples: 24 });
  expect(end!.metrics.train_loss).toBeCloseTo(steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length, 12);
});

test('the same seed gives the same losses to the bit, another seed others', async () => {
  const losses = async (seed: number) =>
    (await trainFresh({ maxSteps: 8, seed })).steps.map(({ loss, gradNorm }) => [loss, gradNorm]);
  const first = await losses(3);
  expect(await losses(3)).toEqual(first);
  expect(await losses(4)).not.toEqual(first);
});

test('dataSeed alone decides the order of the blocks', async () => {
  const losses = async (seed: number, dataSeed: number) =>
    (await trainFresh({ maxSteps: 3, seed, dataSeed })).steps.map(({ loss }) => loss);
  expect(await losses(1, 9)).toEqual(await losses(2, 9));
});

test('accumulated micro-batches are one large batch', async () => {
  const large = await trainFresh({ maxSteps: 5, batchSize: 8, seed: 1 });
  const small = await trainFresh({ maxSteps: 5, batchSize: 2, accumulation: 4, seed: 1 });
  small.steps.forEach((step, index) => {
    expect(step.loss).toBeCloseTo(large.steps[index]!.loss, 5);
    expect(step.gradNorm).toBeCloseTo(large.steps[index]!.gradNorm, 4);
    expect(step.tokens).toBe(large.steps[index]!.tokens);
  });
});

test('the last step of an epoch takes what is left of it', async () => {
  // 24 blocks, 5 a batch, 2 batches a step: 10, 10 and 4 blocks.
  const { steps } = await trainFresh({ epochs: 2, batchSize: 5, accumulation: 2 });
  expect(steps.map(({ tokens }) => tokens / 8)).toEqual([10, 10, 4, 10, 10, 4]);
  expect(steps.map(({ epoch }) => epoch)).toEqual([0.4, 0.8, 1, 1.4, 1.8, 2]);
});

test('with a warm-up the first update is made with rate 0 and changes nothing', async () => {
  const before = makeModel();
  const { steps, model } = await trainFresh({ maxSteps: 1, warmupSteps: 1 });
  expect(steps[0]!.learningRate).toBe(0);
  expect(weightsOf(model)).toEqual(weightsOf(before));
  const { steps: linear } = await trainFresh({ maxSteps: 6, warmupSteps: 2, learningRate: 1 });
  expect(linear.map(({ learningRate }) => learningRate)).toEqual([0, 0.5, 1, 0.75, 0.5, 0.25]);
});

test('it evaluates every so many steps and after the last, and keeps the best model', async () => {
  const kept = runFolder('best');
  const model = makeModel();
  const trainer = new Trainer(model, {
    data,
    batchSize: 4,
    learningRate: 0.3,
    schedule: 'constant',
    maxSteps: 10,
    evalEvery: 4,
    logEvery: 5,
    loadBestModelAtEnd: true,
    out: kept.out,
  });
  const events = await collect(trainer);
  const evaluations = ofType(events, 'evaluation');
  expect(evaluations.map(({ step }) => step)).toEqual([4, 8, 10]);
  const losses = evaluations.map(({ metrics }) => metrics.eval_loss!);
  const bestLoss = Math.min(...losses);
  expect(
    evaluations.map(({ best }, index) => best === losses[index]! < Math.min(Infinity, ...losses.slice(0, index))),
  ).toEqual([true, true, true]);
  expect(ofType(events, 'end')[0]!.best).toEqual({ step: evaluations[losses.indexOf(bestLoss)]!.step, loss: bestLoss });
  // The model that is left, the one in `best`, and the reported loss are the same.
  expect(await evalLoss(model)).toBe(bestLoss);
  expect(await evalLoss(await ResidualLlama.load(kept.best))).toBe(bestLoss);
  expect(await evalLoss(await ResidualLlama.load(kept.latest))).toBe(losses.at(-1));
  expect(trainer.state).toMatchObject({
    globalStep: 10,
    maxSteps: 10,
    bestMetric: bestLoss,
    bestModelCheckpoint: fs.realpathSync(kept.best),
  });
  expect(
    trainer.state.logHistory.map(({ step, loss, eval_loss: evaluated }) => [
      step,
      loss !== undefined,
      evaluated !== undefined,
    ]),
  ).toEqual([
    [4, false, true],
    [5, true, false],
    [8, false, true],
    [10, true, false],
    [10, false, true],
    [10, false, false],
  ]);
});

/** Folders of their own for a test's checkpoints. */
function runFolder(name: string) {
  const out = path.join(folder, name);
  return { out, best: path.join(out, 'best'), latest: path.join(out, 'latest') };
}

async function evalLoss(model: LanguageModel): Promise<number> {
  const evaluation = evaluateBlocks(model, data.validation, { batchSize: 8, precision: 'float32' });
  for (;;) {
    const next = await evaluation.next();
    if (next.done) return next.value.eval_loss!;
  }
}

test('an evaluation leaves the training mode as it was', async () => {
  const model = makeModel();
  model.train();
  await evalLoss(model);
  expect(model.training).toBe(true);
  model.eval();
  await evalLoss(model);
  expect(model.training).toBe(false);
});

test('stopped by its signal it keeps the last whole step and says where', async () => {
  const kept = runFolder('stopped');
  const model = makeModel();
  const controller = new AbortController();
  const trainer = new Trainer(model, {
    data,
    batchSize: 4,
    maxSteps: 1000,
    signal: controller.signal,
    out: kept.out,
  });
  const run = (async () => {
    for await (const event of trainer) if (event.type === 'step' && event.step === 3) controller.abort();
  })();
  await expect(run).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_ABORTED', message: expect.stringContaining(kept.latest) }),
  );
  expect(trainer.state.globalStep).toBe(3);
  expect(weightsOf(await ResidualLlama.load(kept.latest))).toEqual(weightsOf(model));
});

test('leaving the loop stops the training and keeps the last step', async () => {
  const kept = runFolder('left');
  const model = makeModel();
  const trainer = new Trainer(model, { data, batchSize: 4, maxSteps: 1000, out: kept.out });
  for await (const event of trainer) if (event.type === 'step' && event.step === 2) break;
  expect(weightsOf(await ResidualLlama.load(kept.latest))).toEqual(weightsOf(model));
});

test('a training that diverges stops before the weights are spoilt', async () => {
  const model = makeModel();
  const kept = runFolder('diverged');
  const trainer = new Trainer(model, {
    data,
    batchSize: 4,
    maxSteps: 50,
    learningRate: 1e38,
    maxGradNorm: null,
    schedule: 'constant',
    out: kept.out,
  });
  await expect(collect(trainer)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_NON_FINITE', message: expect.stringMatching(/step \d+.*learning rate/s) }),
  );
  expect(trainer.state.globalStep).toBeGreaterThan(0);
  expect(fs.existsSync(kept.latest)).toBe(true);
});

test('bf16 trains too, with weights that stay float32', async () => {
  const { steps, model } = await trainFresh({ maxSteps: 40, precision: 'bf16', schedule: 'constant' });
  expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss);
  expect(new Set([...model.parameters()].map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
});

test('all variants train', async () => {
  for (const residual of ['baseline', '1', '2', '3.1', '4.1', '4.2']) {
    const steps = ofType(
      await collect(new Trainer(makeModel(residual), { data, batchSize: 4, maxSteps: 30, learningRate: 1e-2 })),
      'step',
    );
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss);
  }
});

test('ids beyond the vocabulary are refused before anything is trained', async () => {
  const small = ResidualLlama.create({
    vocabSize: vocabSize - 1,
    hiddenSize: 8,
    numHiddenLayers: 1,
    numAttentionHeads: 1,
  });
  await expect(collect(new Trainer(small, { data }))).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_DATA', message: expect.stringMatching(/token id 16.*16 entries/s) }),
  );
});

test('a module written in TypeScript is refused with an explanation', () => {
  class Mine extends nn.Module {
    override forward(): void {}
  }
  expect(() => new Trainer(new Mine() as never, { data })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});

test('a trainer runs once, and the best model needs a place', async () => {
  const { trainer } = await trainFresh({ maxSteps: 1 });
  await expect(collect(trainer)).rejects.toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  expect(() => new Trainer(makeModel(), { data, loadBestModelAtEnd: true })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT' }),
  );
});

test('a model that was disposed is refused', async () => {
  const model = makeModel();
  model.dispose();
  await expect(collect(new Trainer(model, { data, maxSteps: 1 }))).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_DISPOSED' }),
  );
});
