/** Training on sentence pairs. */
import fs from 'node:fs';
import path from 'node:path';

import type { TokenPairs } from '../../lib/data';
import { DelightTransformer } from '../../lib/delight';
import { torch } from '../../lib/tensor';
import { Trainer, evaluatePairs, type PairTrainerOptions, type TrainEvent } from '../../lib/train';
import { padTokenId, pairVocabSize, reversedPairs, smallTranslator, writePairs } from './pairs';
import { temporaryFolder } from './tokens';

let folder: string;
let data: PairTrainerOptions['data'];
beforeAll(() => {
  folder = temporaryFolder();
  data = {
    train: writePairs(folder, 'train', reversedPairs(36)),
    validation: writePairs(folder, 'validation', reversedPairs(8)),
  };
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

function makeModel(
  options: { labelSmoothing?: number; dropout?: number; sourceVocabSize?: number; maxTargetPositions?: number } = {},
) {
  torch.manualSeed(3);
  return DelightTransformer.create({
    ...smallTranslator,
    dropout: 0,
    attentionDropout: 0,
    ...options,
  });
}

async function collect(trainer: Trainer): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of trainer) events.push(event);
  return events;
}

const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);

async function trainFresh(options: Partial<PairTrainerOptions>, model = makeModel()) {
  const trainer = new Trainer(model, { data, maxTokens: 24, learningRate: 1e-2, ...options });
  const events = await collect(trainer);
  return { model, trainer, events, steps: ofType(events, 'step'), end: ofType(events, 'end')[0]! };
}

const weightsOf = (model: DelightTransformer) => [...model.parameters()].map((parameter) => parameter.toArray());
const targetsIn = ({ count, target }: TokenPairs) => target.offsets.at(-1)! + count;

test('a model learns, with its loss, the plain one, tokens and targets in each step', async () => {
  const { steps, end, trainer } = await trainFresh({ maxSteps: 40, logEvery: 10, evalEvery: 20, schedule: 'constant' });
  expect(steps.at(-1)!.nll).toBeLessThan(steps[0]!.nll / 2);
  for (const { loss, nll, tokens, targets } of steps) {
    expect(loss).not.toBe(nll);
    expect(tokens).toBe(2 * targets);
  }
  expect(end.targets).toBe(steps.reduce((sum, { targets }) => sum + targets, 0));
  const meanNll = steps.reduce((sum, { nll }) => sum + nll, 0) / steps.length;
  expect(end.metrics.train_nll).toBeCloseTo(meanNll, 12);
  expect(end.metrics.train_tokens_per_second).toBeGreaterThan(0);
  expect(end.metrics.train_samples).toBe(36);
  const [logged] = trainer.state.logHistory;
  expect(logged).toMatchObject({ step: 10 });
  expect(logged!.nll).toBeCloseTo(steps.slice(0, 10).reduce((sum, { nll }) => sum + nll, 0) / 10, 12);
});

test('the same seed gives the same losses to the bit, another seed others', async () => {
  const losses = async (seed: number) =>
    (await trainFresh({ maxSteps: 6, seed }, makeModel({ dropout: 0.1 }))).steps.map(({ loss, gradNorm }) => [
      loss,
      gradNorm,
    ]);
  const first = await losses(3);
  expect(await losses(3)).toEqual(first);
  expect(await losses(4)).not.toEqual(first);
});

test('micro-batches of any sizes together are one large batch', async () => {
  const all = targetsIn(data.train);
  const whole = await trainFresh({ epochs: 4, maxTokens: 1000 });
  const parts = await trainFresh({ epochs: 4, maxTokens: 20, updateTokens: all });
  expect(parts.steps).toHaveLength(4);
  parts.steps.forEach((step, index) => {
    const large = whole.steps[index]!;
    expect(step.targets).toBe(all);
    expect(large.targets).toBe(all);
    expect(step.loss).toBeCloseTo(large.loss, 5);
    expect(step.nll).toBeCloseTo(large.nll, 5);
    expect(step.gradNorm).toBeCloseTo(large.gradNorm, 4);
  });
});

test('an epoch ends between two steps, and the position says where the next begins', async () => {
  const { trainer, steps } = await trainFresh({ epochs: 2, updateTokens: 40 });
  expect(steps.at(-1)!.epoch).toBe(2);
  expect(trainer.plan).toMatchObject({ epochs: 2, totalSteps: steps.length });
  expect(steps.filter(({ epoch }) => epoch === 1)).toHaveLength(1);
  expect(steps.reduce((sum, { targets }) => sum + targets, 0)).toBe(2 * targetsIn(data.train));
  expect(trainer.position).toEqual({ epoch: 2, batch: 0 });
});

test('it evaluates after each epoch, and keeps the last models beside the best', async () => {
  const model = makeModel();
  const run = path.join(folder, 'kept');
  const { events, end, trainer } = await trainFresh(
    {
      epochs: 4,
      evalEvery: 'epoch',
      averageLast: 2,
      keepLast: 1,
      out: run,
    },
    model,
  );
  const evaluations = ofType(events, 'evaluation').map(({ step }) => step);
  expect(evaluations).toHaveLength(4);
  expect(end.recent.map((each) => path.relative(run, each))).toEqual(
    evaluations.slice(-2).map((step) => path.join('checkpoints', `step-${String(step).padStart(8, '0')}`)),
  );
  expect(fs.readdirSync(path.join(run, 'checkpoints')).sort()).toEqual(
    end.recent.map((each) => path.basename(each)).sort(),
  );
  expect(weightsOf(await DelightTransformer.load(end.recent.at(-1)!))).toEqual(weightsOf(model));
  expect(trainer.state.evalSteps).toBe(evaluations[0]);
});

test('an evaluation is a mean over all targets, whatever the batches', async () => {
  const model = makeModel({ labelSmoothing: 0.3 });
  const evaluate = async (maxTokens: number) => {
    const evaluation = evaluatePairs(model, data.validation, { maxTokens, precision: 'float32' });
    for (;;) {
      const next = await evaluation.next();
      if (next.done) return next.value;
    }
  };
  const [whole, parts] = [await evaluate(1000), await evaluate(8)];
  expect(parts.eval_loss).toBeCloseTo(whole.eval_loss!, 5);
  expect(parts.eval_accuracy).toBe(whole.eval_accuracy);
  expect(whole.eval_samples).toBe(8);
  expect(2 ** whole.eval_base2_loss!).toBeCloseTo(whole.eval_perplexity!, 8);
  // Without label smoothing, which the training loss has: see above.
  const { steps } = await trainFresh(
    { data: { ...data, train: data.validation }, maxSteps: 1, maxTokens: 1000 },
    model,
  );
  expect(steps[0]!.nll).toBeCloseTo(whole.eval_loss!, 5);
});

test('targets of padding alone train nothing wrong: no NaN', async () => {
  const train = writePairs(folder, 'padding', [
    [
      [padTokenId, padTokenId],
      [padTokenId, padTokenId],
    ],
    [[], []],
    [
      [5, 6],
      [6, 5],
    ],
  ]);
  const { steps, model } = await trainFresh({ data: { train, validation: train }, maxSteps: 6, maxTokens: 3 });
  for (const { loss, gradNorm } of steps) expect(Number.isFinite(loss) && Number.isFinite(gradNorm)).toBe(true);
  expect(weightsOf(model).flat(3).every(Number.isFinite)).toBe(true);
});

test("fairseq's optimiser, schedule and clipping of nothing are options", async () => {
  const { steps } = await trainFresh({
    maxSteps: 5,
    optimizer: 'fairseq-adam',
    maxGradNorm: 0,
    learningRate: 1e-3,
    schedule: { type: 'inverse-sqrt', warmupUpdates: 2 },
  });
  expect(steps.map(({ learningRate }) => learningRate)).toEqual([
    1e-7,
    1e-7 + (1e-3 - 1e-7) / 2,
    1e-3,
    1e-3 * Math.sqrt(2 / 3),
    1e-3 * Math.sqrt(2 / 4),
  ]);
});

test('bf16 trains too', async () => {
  const { steps } = await trainFresh({ maxSteps: 30, precision: 'bf16', schedule: 'constant' });
  expect(steps.at(-1)!.nll).toBeLessThan(steps[0]!.nll);
});

test('memory stays flat', async () => {
  const model = makeModel();
  let early: unknown;
  for await (const event of new Trainer(model, {
    data,
    maxTokens: 24,
    updateTokens: 40,
    maxSteps: 120,
    evalEvery: 1000,
  })) {
    if (event.type !== 'step') continue;
    if (event.step === 40) early = torch.memory();
    if (event.step === 120) expect(torch.memory()).toEqual(early);
  }
  expect(early).toBeDefined();
});

test('ids beyond either vocabulary are refused before anything is trained', async () => {
  const model = makeModel({ sourceVocabSize: pairVocabSize - 1 });
  await expect(collect(new Trainer(model, { data, maxTokens: 24 }))).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_DATA', message: expect.stringMatching(/token id 11.*sourceVocabSize/s) }),
  );
});

test('a pair longer than a batch may be is refused with its length, also one that would only be evaluated', () => {
  const error = expect.objectContaining({ code: 'ERR_DATA', message: expect.stringMatching(/maxTokens 5.*7 tokens/s) });
  expect(() => new Trainer(makeModel(), { data, maxTokens: 5 })).toThrow(error);
  const train = writePairs(folder, 'short', reversedPairs(2));
  expect(() => new Trainer(makeModel(), { data: { ...data, train }, maxTokens: 5 })).toThrow(error);
});

test('a sentence longer than the model takes is refused before anything is trained', async () => {
  await expect(collect(new Trainer(makeModel({ maxTargetPositions: 6 }), { data, maxTokens: 24 }))).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_DATA', message: expect.stringMatching(/7 tokens.*maxTargetPositions is 6/s) }),
  );
});

test('a schedule that warms up for longer than the training is refused', () => {
  const schedule = { type: 'linear', warmupUpdates: 10 } as const;
  expect(() => new Trainer(makeModel(), { data, maxTokens: 24, maxSteps: 5, schedule })).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(/warmupUpdates 10/) }),
  );
});
