/** Which batches of pairs each step takes. */
import fc from 'fast-check';

import { tokenBatches, type TokenPairs, type TokenSentences } from '../../lib/data';
import { pairTrainSchema, type PairTrainOptions } from '../../lib/train/config';
import { PairPlan } from '../../lib/train/pair-plan';

function sentences(lengths: number[]): TokenSentences {
  const offsets = Float64Array.from([0, ...lengths]);
  for (let index = 1; index < offsets.length; index++) offsets[index]! += offsets[index - 1]!;
  return { file: '', dtype: 'uint16', offsets };
}

function makePlan(lengths: number[], options: PairTrainOptions) {
  const pairs: TokenPairs = { source: sentences(lengths), target: sentences(lengths), count: lengths.length };
  const config = pairTrainSchema.parse(options);
  const batches = tokenBatches(pairs, { maxTokens: config.maxTokens });
  return { plan: new PairPlan(batches, pairs, config), batches, lengths };
}

/** Targets of the micro-batches of each step, step by step. */
function stepsOf({ plan, batches, lengths }: ReturnType<typeof makePlan>): number[][] {
  const targets = Array.from(batches.ends, (end, batch) =>
    batches.order
      .subarray(batch === 0 ? 0 : batches.ends[batch - 1], end)
      .reduce((sum, sentence) => sum + lengths[sentence]! + 1, 0),
  );
  return Array.from({ length: plan.totalSteps }, (_, step) => {
    const { epoch, batch } = plan.positionAfter(step);
    const { order } = plan.epochSteps(epoch);
    return Array.from(order.subarray(batch, batch + plan.microBatches(step)), (number) => targets[number]!);
  });
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

test('a step takes batches until it predicts enough tokens', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 10, max: 40 }),
      fc.integer({ min: 1, max: 120 }),
      (lengths, maxTokens, updateTokens) => {
        const made = makePlan(lengths, { maxTokens, updateTokens, epochs: 2 });
        const steps = stepsOf(made);
        const ends = steps.flatMap((_, step) => (Number.isInteger(made.plan.epochAfter(step + 1)) ? [step] : []));
        expect(ends).toHaveLength(2);
        expect(sum(steps.flat())).toBe(2 * sum(lengths.map((length) => length + 1)));
        steps.forEach((step, index) => {
          expect(step.length).toBeGreaterThan(0);
          expect(sum(step.slice(0, -1))).toBeLessThan(updateTokens);
          if (!ends.includes(index)) expect(sum(step)).toBeGreaterThanOrEqual(updateTokens);
        });
        expect(made.plan.positionAfter(steps.length)).toEqual({ epoch: 2, batch: 0 });
        expect(made.plan.epochAfter(steps.length)).toBe(2);
      },
    ),
  );
});

test('without a budget each batch is a step', () => {
  const { plan, batches } = makePlan([1, 2, 3, 4, 5, 6], { maxTokens: 7, epochs: 1 });
  expect(plan.totalSteps).toBe(batches.ends.length);
  expect(plan.epochs).toBe(1);
});

test('maxSteps repeats epochs as needed; each has an order of its own, which the seed decides', () => {
  const lengths = Array.from({ length: 40 }, (_, index) => index % 7);
  const { plan } = makePlan(lengths, { maxTokens: 16, maxSteps: 50, warmupRatio: 0.1 });
  expect(plan).toMatchObject({ totalSteps: 50, warmupSteps: 5 });
  expect(plan.epochs).toBe(Math.ceil(50 / plan.epochSteps(0).ends.length));
  expect(plan.epochSteps(1).order).not.toEqual(plan.epochSteps(0).order);
  const again = makePlan(lengths, { maxTokens: 16, maxSteps: 50 }).plan;
  expect(again.epochSteps(1)).toEqual(plan.epochSteps(1));
  const other = makePlan(lengths, { maxTokens: 16, maxSteps: 50, dataSeed: 5 }).plan;
  expect(other.epochSteps(1).order).not.toEqual(plan.epochSteps(1).order);
});

test('part of an epoch is that part of its steps, rounded up', () => {
  const lengths = Array.from({ length: 10 }, () => 3);
  const { plan } = makePlan(lengths, { maxTokens: 4, epochs: 1.25 });
  expect(plan).toMatchObject({ totalSteps: 13, epochs: 2 });
  expect(plan.epochAfter(13)).toBeCloseTo(1.3, 12);
});

test.each<[PairTrainOptions, RegExp]>([
  [{ updateTokens: 0 }, /updateTokens/],
  [{ maxTokens: 0 }, /maxTokens/],
  [{ batchSize: 4 } as never, /batchSize/],
  [{ schedule: { type: 'cosine', warmupUpdates: 3 }, warmupSteps: 3 }, /warmupUpdates/],
  [{ schedule: { type: 'inverse-sqrt' } as never }, /warmupUpdates/],
  [{ schedule: { type: 'linear', periodUpdates: 4 } as never }, /periodUpdates/],
  [{ evalEvery: 'step' as never }, /evalEvery/],
])('%j is refused', (options, message) => {
  const result = pairTrainSchema.safeParse(options);
  expect(result.success).toBe(false);
  expect(result.error?.message).toMatch(message);
});
