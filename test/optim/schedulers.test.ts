/** Schedulers beside PyTorch's and Hugging Face's, step by step; states; misuse. */
import { SGD, AdamW, schedulers, type Optimizer } from '../../lib/optim';
import { torch } from '../../lib/tensor';
import { gap, readGolden } from './golden';

interface Golden {
  cases: {
    name: string;
    options: Record<string, unknown>;
    first: number[];
    second?: number[];
    momentum?: number[];
    closed?: number[];
  }[];
  closedAt: number[];
  sequential: number[][];
  chained: number[][];
  disturbed: number[][];
  plateau: { metrics: number[]; cases: { options: object; rates: number[][] }[] };
  betas: number[][];
}
const golden = readGolden<Golden>('schedules');

const parameter = () => torch.zeros([1]).keep();
const makeSgd = (lrs = [0.1, 0.02]) =>
  new SGD(
    lrs.map((lr) => ({ params: [parameter()], lr })),
    { momentum: 0.5 },
  );
const rates = (optimizer: Optimizer) => optimizer.groups.map(({ lr }) => lr);

const factors: Record<string, (step: number) => number> = {
  halving: (step) => 0.5 ** Math.floor(step / 20),
  wave: (step) => 1 + 0.5 * Math.sin(step),
  near: () => 0.99,
};

function make(optimizer: Optimizer, name: string, options: Record<string, unknown>): schedulers.LRScheduler {
  const { lrLambda } = options;
  const given =
    lrLambda === undefined
      ? options
      : {
          lrLambda: Array.isArray(lrLambda)
            ? lrLambda.map((each) => factors[each as string])
            : factors[lrLambda as string],
        };
  const found = (schedulers as Record<string, unknown>)[name]!;
  if (/^[a-z]/.test(name)) return (found as (o: Optimizer, given: unknown) => schedulers.LRScheduler)(optimizer, given);
  return new (found as new (o: Optimizer, given: unknown) => schedulers.LRScheduler)(optimizer, given);
}

const cases = golden.cases.map((each) => [`${each.name} ${JSON.stringify(each.options)}`, each] as const);

test.each(cases)('%s', (_title, { name, options, first, second, momentum, closed }) => {
  const optimizer = makeSgd();
  const scheduler = make(optimizer, name, options);
  const seen: number[][] = [];
  const momenta: number[] = [];
  for (let step = 0; step < first.length; step++) {
    if (step > 0) scheduler.step();
    expect(scheduler.lastEpoch).toBe(step);
    expect(scheduler.lastLr).toEqual(rates(optimizer));
    seen.push(rates(optimizer));
    momenta.push(optimizer.groups[0]!.momentum);
  }
  expect(
    gap(
      seen.map(([lr]) => lr!),
      first,
    ),
  ).toBeLessThan(1e-13);
  if (second)
    expect(
      gap(
        seen.map(([, lr]) => lr!),
        second,
      ),
    ).toBeLessThan(1e-13);
  if (momentum) expect(gap(momenta, momentum)).toBeLessThan(1e-13);
  if (closed) {
    const other = makeSgd();
    const jumping = make(other, name, options);
    const found = golden.closedAt.map((epoch) => {
      jumping.step(epoch);
      return rates(other)[1]!;
    });
    expect(gap(found, closed)).toBeLessThan(1e-13);
  }
});

test.each(cases)('saved and gone on with: %s', (_title, { name, options }) => {
  const whole = makeSgd();
  const wholeScheduler = make(whole, name, options);
  for (let step = 0; step < 37; step++) wholeScheduler.step();
  const rest = makeSgd([0.1, 0.02]);
  rest.loadStateDict(whole.stateDict());
  const restScheduler = make(rest, name, options);
  const state = JSON.parse(JSON.stringify(wholeScheduler.stateDict())) as schedulers.SchedulerState;
  restScheduler.loadStateDict(state);
  for (let step = 0; step < 60; step++) {
    wholeScheduler.step();
    restScheduler.step();
    expect(rates(rest)).toEqual(rates(whole));
    expect(rest.groups[0]!.momentum).toBe(whole.groups[0]!.momentum);
  }
});

const sequentialOf = (optimizer: Optimizer) =>
  new schedulers.SequentialLR(optimizer, {
    schedulers: [
      new schedulers.LinearLR(optimizer, { startFactor: 0.1, totalIters: 10 }),
      new schedulers.CosineAnnealingLR(optimizer, { tMax: 40 }),
      new schedulers.ExponentialLR(optimizer, { gamma: 0.9 }),
      new schedulers.CosineAnnealingWarmRestarts(optimizer, { t0: 8, tMult: 2 }),
    ],
    milestones: [10, 50, 70],
  });
const chainedOf = (optimizer: Optimizer) =>
  new schedulers.ChainedScheduler([
    new schedulers.ConstantLR(optimizer, { factor: 0.1, totalIters: 10 }),
    new schedulers.ExponentialLR(optimizer, { gamma: 0.9 }),
    new schedulers.StepLR(optimizer, { stepSize: 25, gamma: 0.5 }),
  ]);

test.each([
  ['sequential', sequentialOf],
  ['chained', chainedOf],
] as const)('%s schedulers, also saved and gone on with', (name, makeOne) => {
  let optimizer = makeSgd();
  let scheduler: schedulers.StepScheduler = makeOne(optimizer);
  golden[name].forEach((wanted, step) => {
    if (step > 0) scheduler.step();
    expect(gap(rates(optimizer), wanted)).toBeLessThan(1e-14);
    expect(scheduler.lastLr).toEqual(rates(optimizer));
    if (step % 13 !== 5) return;
    const state = JSON.parse(JSON.stringify(scheduler.stateDict())) as schedulers.SchedulerState;
    optimizer = makeSgd();
    scheduler = makeOne(optimizer);
    scheduler.loadStateDict(state);
  });
});

test('what others change in a learning rate lasts', () => {
  const optimizer = makeSgd();
  const scheduler = new schedulers.CosineAnnealingLR(optimizer, { tMax: 20, etaMin: 0.01 });
  golden.disturbed.forEach((wanted, step) => {
    if (step === 30) optimizer.groups[0]!.lr = 0.5;
    scheduler.step();
    expect(gap(rates(optimizer), wanted)).toBeLessThan(1e-13);
  });
});

test.each(golden.plateau.cases.map((each) => [JSON.stringify(each.options), each] as const))(
  'plateau %s',
  (_title, { options, rates: wanted }) => {
    let optimizer = makeSgd();
    let scheduler = new schedulers.ReduceLROnPlateau(optimizer, options);
    golden.plateau.metrics.forEach((metric, step) => {
      scheduler.step(step % 2 ? metric : torch.tensor(metric, { dtype: 'float64' }));
      expect(gap(rates(optimizer), wanted[step]!)).toBeLessThan(1e-14);
      if (step % 20 !== 7) return;
      const state = JSON.parse(JSON.stringify(scheduler.stateDict())) as schedulers.SchedulerState;
      optimizer = makeSgd();
      scheduler = new schedulers.ReduceLROnPlateau(optimizer, options);
      scheduler.loadStateDict(state);
    });
  },
);

test('one cycle moves the first of the betas', () => {
  const optimizer = new AdamW([parameter()], { lr: 0.1, betas: [0.9, 0.98] });
  const scheduler = new schedulers.OneCycleLR(optimizer, { maxLr: 0.3, totalSteps: 50 });
  golden.betas.forEach((wanted, step) => {
    if (step > 0) scheduler.step();
    expect(gap(optimizer.groups[0]!.betas, wanted)).toBeLessThan(1e-14);
  });
});

test('a first phase of one step begins at the top', () => {
  const optimizer = makeSgd([0.1]);
  const scheduler = new schedulers.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10, pctStart: 0.1 });
  expect(rates(optimizer)).toEqual([1]);
  scheduler.step();
  expect(rates(optimizer)[0]).toBeLessThan(1);
});

test('warm restarts take fractions of an epoch, and are exact where a cycle ends', () => {
  const optimizer = makeSgd([1]);
  const scheduler = new schedulers.CosineAnnealingWarmRestarts(optimizer, { t0: 3, tMult: 3 });
  scheduler.step(1.5);
  expect(rates(optimizer)[0]).toBeCloseTo(0.5, 14);
  scheduler.step();
  expect(rates(optimizer)[0]).toBeCloseTo(0.5 * (1 + Math.cos((Math.PI * 2.5) / 3)), 14);
  for (const restart of [3, 12, 39, 120]) {
    scheduler.step(restart);
    expect(rates(optimizer)[0]).toBe(1);
  }
});

test('going on after lastEpoch needs the first learning rate, which an optimiser’s state holds', () => {
  const first = makeSgd([0.1]);
  const scheduler = new schedulers.StepLR(first, { stepSize: 5 });
  for (let step = 0; step < 12; step++) scheduler.step();
  const second = makeSgd([0.1]);
  expect(() => new schedulers.StepLR(second, { stepSize: 5, lastEpoch: 12 })).toThrow(/initialLr/);
  second.loadStateDict(first.stateDict());
  const resumed = new schedulers.StepLR(second, { stepSize: 5, lastEpoch: 12 });
  scheduler.step();
  expect(resumed.lastEpoch).toBe(13);
  expect(rates(second)).toEqual(rates(first));
});

describe('misuse', () => {
  const codeOf = (fn: () => unknown): string => {
    try {
      fn();
    } catch (error) {
      return (error as { code: string }).code;
    }
    return 'none';
  };
  const optimizer = makeSgd();
  test.each<[string, () => unknown, string]>([
    ['no optimiser', () => new schedulers.StepLR({} as never, { stepSize: 1 }), 'ERR_ARGUMENT'],
    ['a fraction as step size', () => new schedulers.StepLR(optimizer, { stepSize: 1.5 }), 'ERR_ARGUMENT'],
    ['NaN as gamma', () => new schedulers.ExponentialLR(optimizer, { gamma: NaN }), 'ERR_ARGUMENT'],
    ['too few functions', () => new schedulers.LambdaLR(optimizer, { lrLambda: [() => 1] }), 'ERR_ARGUMENT'],
    ['no function', () => new schedulers.LambdaLR(optimizer, { lrLambda: 3 as never }), 'ERR_ARGUMENT'],
    ['a factor above 1', () => new schedulers.LinearLR(optimizer, { startFactor: 2 }), 'ERR_ARGUMENT'],
    ['a milestone that is no step', () => new schedulers.MultiStepLR(optimizer, { milestones: [-1] }), 'ERR_ARGUMENT'],
    ['no length', () => new schedulers.OneCycleLR(optimizer, { maxLr: 1 }), 'ERR_ARGUMENT'],
    [
      'an unknown mode',
      () => new schedulers.CyclicLR(optimizer, { baseLr: 0, maxLr: 1, mode: 'x' as never }),
      'ERR_ARGUMENT',
    ],
    ['a reduction by 1', () => new schedulers.ReduceLROnPlateau(optimizer, { factor: 1 }), 'ERR_ARGUMENT'],
    [
      'more warm-up than steps',
      () => schedulers.cosineWithWarmup(optimizer, { warmupSteps: 9, totalSteps: 5 }),
      'ERR_ARGUMENT',
    ],
    [
      'an unknown shape',
      () =>
        schedulers.warmupStableDecay(optimizer, {
          warmupSteps: 0,
          stableSteps: 0,
          decaySteps: 5,
          decayType: 'x' as never,
        }),
      'ERR_ARGUMENT',
    ],
    [
      'a plateau in a sequence',
      () => new schedulers.ChainedScheduler([new schedulers.ReduceLROnPlateau(optimizer) as never]),
      'ERR_ARGUMENT',
    ],
    [
      'schedulers of two optimisers',
      () =>
        new schedulers.ChainedScheduler([
          new schedulers.ExponentialLR(optimizer, { gamma: 1 }),
          new schedulers.ExponentialLR(makeSgd(), { gamma: 1 }),
        ]),
      'ERR_ARGUMENT',
    ],
    [
      'milestones that fall',
      () => {
        const made = [1, 2, 3].map(() => new schedulers.ExponentialLR(optimizer, { gamma: 1 }));
        return new schedulers.SequentialLR(optimizer, { schedulers: made, milestones: [5, 5] });
      },
      'ERR_ARGUMENT',
    ],
    [
      'more steps than one cycle has',
      () => {
        const scheduler = new schedulers.OneCycleLR(makeSgd(), { maxLr: 1, totalSteps: 2 });
        for (let step = 0; step < 4; step++) scheduler.step();
      },
      'ERR_ARGUMENT',
    ],
    [
      'the state of another kind',
      () =>
        new schedulers.ExponentialLR(optimizer, { gamma: 1 }).loadStateDict(
          new schedulers.ReduceLROnPlateau(optimizer).stateDict(),
        ),
      'ERR_CHECKPOINT',
    ],
    [
      'the state of other groups',
      () =>
        new schedulers.ExponentialLR(optimizer, { gamma: 1 }).loadStateDict(
          new schedulers.ExponentialLR(makeSgd([1]), { gamma: 1 }).stateDict(),
        ),
      'ERR_CHECKPOINT',
    ],
    [
      'groups taken on since it was made',
      () => {
        const growing = makeSgd();
        const scheduler = new schedulers.ExponentialLR(growing, { gamma: 1 });
        growing.addParamGroup({ params: [parameter()] });
        scheduler.step();
      },
      'ERR_ARGUMENT',
    ],
    [
      'no state',
      () => new schedulers.ExponentialLR(optimizer, { gamma: 1 }).loadStateDict(null as never),
      'ERR_CHECKPOINT',
    ],
  ])('%s', (_name, fn, code) => expect(codeOf(fn)).toBe(code));
});
