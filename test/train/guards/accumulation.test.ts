/** A loss is a mean over all targets of its step, however they are spread over micro-batches. */
import fs from 'node:fs';

import { nn, torch, type Tensor } from '../../../lib';
import { Trainer, type PairTrainOptions, type StepEvent, type TrainOptions } from '../../../lib/train';
import { reversedPairs, writePairs } from '../pairs';
import { temporaryFolder, writeTokens } from '../tokens';
import {
  collect,
  gapOf,
  makeAdder,
  makeDecoder,
  makeSums,
  makeTranslator,
  ofType,
  type Adder,
  type Sums,
} from './trainings';

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Both took the same; sums of float32 in another order differ in the last places. */
function expectAlike([one, others]: [StepEvent, StepEvent]): void {
  expect(others.targets).toBe(one.targets);
  expect(others.tokens).toBe(one.tokens);
  expect(others.samples).toBe(one.samples);
  expect(others.loss / one.loss).toBeCloseTo(1, 5);
  expect(others.nll / one.nll).toBeCloseTo(1, 5);
  expect(others.gradNorm / one.gradNorm).toBeCloseTo(1, 5);
}

/** With an epsilon so large Adam's updates are nearly the gradients themselves, and do not make much of a rounding. */
const settings = { maxSteps: 2, learningRate: 1, epsilon: 1, schedule: 'constant', maxGradNorm: null } as const;

test('uneven micro-batches of blocks are one large batch', async () => {
  const blocks = writeTokens(folder, 'blocks', 8);
  const run = async (options: TrainOptions) => {
    const model = makeDecoder();
    const trainer = new Trainer(model, { data: { train: blocks, validation: blocks }, ...settings, ...options });
    return { model, steps: ofType(await collect(trainer), 'step') };
  };
  const [large, small] = [await run({ batchSize: 8 }), await run({ batchSize: 3, accumulation: 3 })];
  large.steps.forEach((step, index) => expectAlike([step, small.steps[index]!]));
  expect(gapOf(large.model, small.model)).toBeLessThan(1e-5);
});

test.each([0, 0.1])(
  'uneven micro-batches of padded pairs are one large batch (label smoothing %d)',
  async (labelSmoothing) => {
    // Of lengths from 1 to 6, so that micro-batches of at most 12 tokens hold from one pair to six.
    const pairs = writePairs(folder, `pairs-${labelSmoothing}`, reversedPairs(23));
    const run = async (options: PairTrainOptions) => {
      const model = makeTranslator({ labelSmoothing });
      const trainer = new Trainer(model, { data: { train: pairs, validation: pairs }, ...settings, ...options });
      return { model, steps: ofType(await collect(trainer), 'step') };
    };
    const large = await run({ maxTokens: 1000 });
    const small = await run({ maxTokens: 12, updateTokens: 1000 });
    expect(large.steps[0]!.samples).toBe(23);
    large.steps.forEach((step, index) => expectAlike([step, small.steps[index]!]));
    expect(gapOf(large.model, small.model)).toBeLessThan(1e-5);
  },
);

test("uneven micro-batches of a module's own loss are one large batch, weighed by the targets that it tells", async () => {
  const small = makeSums([1, 5, 2]);
  const large = [{ x: torch.cat(small.map(({ x }) => x)), y: torch.cat(small.map(({ y }) => y)) }];
  const loss = (net: Adder, { x, y }: Sums): { loss: Tensor; targets: number } => ({
    loss: nn.functional.mseLoss(net.forward(x), y),
    targets: x.shape[0]!,
  });
  const run = async (train: Sums[], accumulation: number) => {
    const model = makeAdder();
    const trainer = new Trainer<Adder, Sums>(model, { data: { train }, loss, ...settings, accumulation });
    return { model, steps: ofType(await collect(trainer), 'step') };
  };
  const [one, three] = [await run(large, 1), await run(small, 3)];
  one.steps.forEach((step, index) => expectAlike([step, three.steps[index]!]));
  expect(gapOf(one.model, three.model)).toBeLessThan(1e-5);
});
