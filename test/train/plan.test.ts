import fc from 'fast-check';

import { trainSchema, type TrainOptions } from '../../lib/train/config';
import { epochAfter, microBatchesOf, planSteps } from '../../lib/train/plan';

const plan = (blocks: number, options: TrainOptions) => planSteps(blocks, trainSchema.parse(options));

test('steps are epochs times batches over accumulation, each rounded up', () => {
  expect(plan(21, { batchSize: 4, accumulation: 4, epochs: 2 })).toEqual({
    batchesPerEpoch: 6,
    stepsPerEpoch: 2,
    totalSteps: 4,
    epochs: 2,
    warmupSteps: 0,
  });
});

test('without a length there are three epochs', () => {
  expect(plan(16, { batchSize: 8 }).totalSteps).toBe(6);
});

test('maxSteps repeats epochs as needed', () => {
  expect(plan(16, { batchSize: 8, maxSteps: 5 })).toMatchObject({ totalSteps: 5, epochs: 3 });
});

test('the first of several limits holds', () => {
  expect(plan(16, { batchSize: 8, maxSteps: 5, epochs: 2 }).totalSteps).toBe(4);
  expect(plan(16, { batchSize: 8, maxSteps: 3, epochs: 2 })).toMatchObject({ totalSteps: 3, epochs: 2 });
});

test('tokens are a number of steps where samples are of one length', () => {
  const tokens = (maxTrainTokens: number, options: TrainOptions = {}) =>
    planSteps(21, trainSchema.parse({ batchSize: 4, accumulation: 2, maxTrainTokens, ...options }), 10).totalSteps;
  // Steps of 80, 80 and 50 tokens, then again.
  expect([1, 80, 81, 160, 161, 210, 211, 290, 291, 420].map((count) => tokens(count))).toEqual([
    1, 1, 2, 2, 3, 3, 4, 4, 5, 6,
  ]);
  expect(tokens(1000, { epochs: 1 })).toBe(3);
});

test('the warm-up is a ratio of all steps, rounded up, or a number of steps', () => {
  expect(plan(8, { batchSize: 8, maxSteps: 67, warmupRatio: 0.015 }).warmupSteps).toBe(2);
  expect(plan(8, { batchSize: 8, maxSteps: 67, warmupSteps: 5 }).warmupSteps).toBe(5);
  expect(plan(8, { batchSize: 8, maxSteps: 67, warmupSteps: 5, warmupRatio: 0 }).warmupSteps).toBe(5);
});

test('the steps of an epoch take each of its batches once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (blocks, batchSize, accumulation) => {
        const steps = plan(blocks, { batchSize, accumulation, epochs: 2 });
        const taken = Array.from({ length: steps.stepsPerEpoch }, (_, step) =>
          microBatchesOf(step, steps, accumulation),
        );
        expect(taken.reduce((sum, count) => sum + count, 0)).toBe(steps.batchesPerEpoch);
        expect(Math.min(...taken)).toBeGreaterThan(0);
        expect(epochAfter(steps.totalSteps, steps, accumulation)).toBe(2);
      },
    ),
  );
});

test.each([
  [{ earlyStopping: { patience: 0 } }, /patience/],
  [{ maxMinutes: 0 }, /maxMinutes/],
  [{ warmupSteps: 1, warmupRatio: 0.1 }, /warmupRatio/],
  [{ batchSize: 0 }, /batchSize/],
  [{ learningRate: -1 }, /learningRate/],
  [{ beta1: 1 }, /beta1/],
  [{ precision: 'fp16' }, /precision/],
  [{ learning_rate: 1 }, /learning_rate/],
])('%j is refused', (options, message) => {
  const result = trainSchema.safeParse(options);
  expect(result.success).toBe(false);
  expect(result.error?.message).toMatch(message);
});
