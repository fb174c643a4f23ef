/** Scaling beside PyTorch's: growth, backing off, updates left out; states; misuse. */
import { AdamW, GradScaler, SGD } from '../../lib/optim';
import { torch, type Tensor } from '../../lib/tensor';
import { flat, readGolden } from './golden';

interface Golden {
  scaling: { infinite: number[]; steps: { scale: number; tracker: number; weight: number[] }[] };
}
const { infinite, steps } = readGolden<Golden>('others').scaling;
const settings = { initScale: 1024, growthFactor: 3, backoffFactor: 0.25, growthInterval: 4 };
const makeWeight = (values = [0.5, -2]) => torch.tensor(values, { dtype: 'float32' }).keep().requiresGrad_();

function step(scaler: GradScaler, optimizer: SGD, weight: Tensor, index: number): boolean {
  return torch.scope(() => {
    optimizer.zeroGrad();
    const loss = weight
      .mul(weight)
      .sum()
      .mul(infinite.includes(index) ? Infinity : 0.1 * index);
    scaler.scale(loss).backward();
    if (index % 2) scaler.unscale_(optimizer);
    const done = scaler.step(optimizer);
    scaler.update();
    return done;
  });
}

test('scale, tracker and weights follow PyTorch; updates with infinite gradients are left out', () => {
  const weight = makeWeight();
  const optimizer = new SGD([weight], { lr: 0.1 });
  using scaler = new GradScaler(settings);
  expect(scaler.currentScale).toBe(1024);
  steps.forEach((wanted, index) => {
    expect(step(scaler, optimizer, weight, index)).toBe(!infinite.includes(index));
    expect(scaler.stateDict()).toMatchObject({ scale: wanted.scale, growthTracker: wanted.tracker });
    flat(weight).forEach((value, i) => expect(value).toBeCloseTo(wanted.weight[i]!, 6));
  });
});

test('a state goes on, before and after the first use, also as JSON', () => {
  for (const used of [false, true]) {
    const weight = makeWeight();
    let optimizer = new SGD([weight], { lr: 0.1 });
    let scaler = new GradScaler(settings);
    steps.forEach((wanted, index) => {
      if (index === 6) {
        const state = JSON.parse(JSON.stringify(scaler.stateDict())) as ReturnType<GradScaler['stateDict']>;
        scaler.dispose();
        scaler = new GradScaler();
        if (used) scaler.scale(weight.sum());
        scaler.loadStateDict(state);
        optimizer = new SGD([weight], { lr: 0.1 });
      }
      step(scaler, optimizer, weight, index);
      expect(scaler.currentScale).toBe(wanted.scale);
    });
  }
});

test('each optimiser is checked on its own', () => {
  const [one, other] = [makeWeight(), makeWeight()];
  const [first, second] = [new SGD([one], { lr: 0.1 }), new AdamW([other], { lr: 0.1 })];
  using scaler = new GradScaler({ initScale: 4 });
  torch.scope(() => {
    const losses = scaler.scale([one.sum(), [other.sum().mul(Infinity)]]);
    (losses[0] as Tensor).backward();
    (losses[1] as Tensor[])[0]!.backward();
    expect([scaler.step(first), scaler.step(second)]).toEqual([true, false]);
    scaler.update();
  });
  expect(flat(one)[0]).toBeCloseTo(0.4, 6);
  expect(flat(other)).toEqual([0.5, -2]);
  expect(scaler.currentScale).toBe(2);
  scaler.update(64);
  expect(scaler.currentScale).toBe(64);
});

test('nothing stays behind', () => {
  const weight = makeWeight();
  const optimizer = new SGD([weight], { lr: 0.1 });
  const scaler = new GradScaler(settings);
  step(scaler, optimizer, weight, 1);
  const before = torch.memory();
  for (let index = 1; index < 20; index++) step(scaler, optimizer, weight, index);
  expect(torch.memory()).toEqual(before);
});

test('a scaler that is not enabled does nothing', () => {
  const weight = makeWeight();
  const optimizer = new SGD([weight], { lr: 0.1 });
  const scaler = new GradScaler({ enabled: false });
  const loss = weight.sum();
  expect(scaler.scale(loss)).toBe(loss);
  loss.backward();
  scaler.unscale_(optimizer);
  expect(scaler.step(optimizer)).toBe(true);
  scaler.update();
  expect(flat(weight)[0]).toBeCloseTo(0.4, 6);
  expect([scaler.currentScale, scaler.stateDict()]).toEqual([1, {}]);
  expect(() => new GradScaler().loadStateDict({})).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));
});

describe('misuse', () => {
  const begun = (use: (scaler: GradScaler, optimizer: SGD) => void) => () => {
    const weight = makeWeight();
    const scaler = new GradScaler();
    scaler.scale(weight.sum()).backward();
    use(scaler, new SGD([weight]));
  };
  test.each<[string, () => unknown, string]>([
    ['a growth below 1', () => new GradScaler({ growthFactor: 0.5 }), 'ERR_ARGUMENT'],
    ['a backoff above 1', () => new GradScaler({ backoffFactor: 2 }), 'ERR_ARGUMENT'],
    ['an infinite scale', () => new GradScaler({ initScale: Infinity }), 'ERR_ARGUMENT'],
    ['no steps between growths', () => new GradScaler({ growthInterval: 0 }), 'ERR_ARGUMENT'],
    ['a step before any scaling', () => new GradScaler().step(new SGD([makeWeight()])), 'ERR_ARGUMENT'],
    ['an update before any scaling', () => new GradScaler().update(), 'ERR_ARGUMENT'],
    ['an update before any step', begun((scaler) => scaler.update()), 'ERR_ARGUMENT'],
    ['a scale of 0', begun((scaler) => scaler.update(0)), 'ERR_ARGUMENT'],
    ['scaling of a number', () => new GradScaler().scale(3 as never), 'ERR_ARGUMENT'],
    [
      'unscaling twice',
      begun((scaler, optimizer) => {
        scaler.unscale_(optimizer);
        scaler.unscale_(optimizer);
      }),
      'ERR_ARGUMENT',
    ],
    [
      'unscaling after the step',
      begun((scaler, optimizer) => {
        scaler.step(optimizer);
        scaler.unscale_(optimizer);
      }),
      'ERR_ARGUMENT',
    ],
    [
      'two steps',
      begun((scaler, optimizer) => {
        scaler.step(optimizer);
        scaler.step(optimizer);
      }),
      'ERR_ARGUMENT',
    ],
    ['an optimiser without gradients', begun((scaler) => scaler.step(new SGD([makeWeight()]))), 'ERR_ARGUMENT'],
    [
      'gradients in float16',
      begun((scaler) => {
        const half = torch.ones([1], { dtype: 'float16' }).requiresGrad_();
        half.grad = torch.ones([1], { dtype: 'float16' });
        scaler.step(new SGD([half]));
      }),
      'ERR_DTYPE',
    ],
    [
      'a state out of range',
      () => new GradScaler().loadStateDict({ ...new GradScaler().stateDict(), scale: -1 } as never),
      'ERR_CHECKPOINT',
    ],
  ])('%s', (_name, fn, code) => {
    expect(fn).toThrow(expect.objectContaining({ code }));
  });
});
