/** Exponential moving averages beside PyTorch's AveragedModel, swapped in and out, saved and loaded; misuse. */
import * as nn from '../../lib/nn';
import { ExponentialMovingAverage } from '../../lib/optim';
import { torch, type Tensor } from '../../lib/tensor';
import { flat, gap, readGolden } from './golden';

type Values = Record<string, number[]>;
interface Golden {
  averages: { useBuffers: boolean; start: Values; moves: Values[]; averages: Values }[];
}

/** A linear layer and what a batch norm keeps, with PyTorch's names. */
class Net extends nn.Module {
  readonly weight = new nn.Parameter(torch.zeros([2, 3], { dtype: 'float64' }));
  readonly mean = new nn.Buffer(torch.zeros([2], { dtype: 'float64' }));
  readonly count = new nn.Buffer(torch.zeros([], { dtype: 'int64' }));
  readonly scratch = new nn.Buffer(torch.zeros([1]), { persistent: false });
  override forward(x: Tensor): Tensor {
    return x;
  }
}
const place: Record<string, string> = { weight: '0.weight', mean: '1.running_mean', count: '1.num_batches_tracked' };

function set(net: Net, values: Values): void {
  torch.scope(() =>
    torch.noGrad(() => {
      for (const [name, tensor] of [...net.namedParameters(), ...net.namedBuffers()]) {
        if (place[name] === undefined) continue;
        tensor.copy_(torch.tensor(values[place[name]]!, { dtype: 'float64' }).reshape(tensor.shape));
      }
    }),
  );
}

test.each(readGolden<Golden>('others').averages)(
  'buffers averaged: $useBuffers',
  ({ useBuffers, start, moves, averages }) => {
    const net = new Net();
    set(net, start);
    using ema = new ExponentialMovingAverage(net, { decay: 0.9, buffers: useBuffers ? 'average' : 'copy' });
    for (const move of moves) {
      set(net, move);
      ema.update();
    }
    const { updates, averages: found } = ema.stateDict();
    expect(updates).toBe(10);
    expect([...found.keys()]).toEqual(['weight', 'mean', 'count']);
    for (const name of useBuffers ? ['weight', 'mean', 'count'] : ['weight', 'count']) {
      const last = name === 'count' ? moves.at(-1)! : averages;
      expect(gap(flat(found.get(name)!), last[place[name]!]!)).toBeLessThan(1e-13);
    }
    if (!useBuffers) expect(flat(found.get('mean')!)).toEqual(moves.at(-1)![place.mean!]);
  },
);

const parameter = (value = 1) => torch.tensor([value], { dtype: 'float64' }).keep().requiresGrad_();
const change = (tensor: Tensor, value: number) => torch.noGrad(() => tensor.fill_(value));

test('a warm-up follows more closely at first', () => {
  const weight = parameter(0);
  using ema = new ExponentialMovingAverage([weight], { decay: 0.5, warmup: true });
  let wanted = 0;
  for (let update = 1; update <= 20; update++) {
    change(weight, update);
    ema.update();
    const decay = Math.min(0.5, (1 + update) / (10 + update));
    wanted = decay * wanted + (1 - decay) * update;
    expect(flat(ema.stateDict().averages.get('0')!)[0]).toBeCloseTo(wanted, 12);
  }
});

test('averages stand in for the parameters while a function runs, also an asynchronous or failing one', async () => {
  const weight = parameter(4);
  using ema = new ExponentialMovingAverage([weight], { decay: 0.5 });
  change(weight, 8);
  ema.update();
  expect(ema.averaged(() => weight.item())).toBe(6);
  expect(weight.item()).toBe(8);
  const later = ema.averaged(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return weight.item();
  });
  expect(weight.item()).toBe(6);
  expect(() => ema.update()).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  expect(() => ema.averaged(() => 1)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  expect(await later).toBe(6);
  expect(weight.item()).toBe(8);
  expect(() =>
    ema.averaged(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  await expect(ema.averaged(async () => Promise.reject(new Error('not')))).rejects.toThrow('not');
  expect(weight.item()).toBe(8);
  expect(flat(ema.stateDict().averages.get('0')!)).toEqual([6]);
  expect(weight.requiresGrad).toBe(true);
  ema.copyTo();
  expect(weight.item()).toBe(6);
});

test('a state goes on to the bit', () => {
  const [one, other] = [parameter(1), parameter(1)];
  using first = new ExponentialMovingAverage([one], { decay: 0.9, warmup: true });
  using second = new ExponentialMovingAverage([other], { decay: 0.9, warmup: true });
  for (const value of [2, 5, -1]) {
    change(one, value);
    first.update();
  }
  second.loadStateDict(first.stateDict());
  for (const value of [0.3, 7]) {
    for (const weight of [one, other]) change(weight, value);
    first.update();
    second.update();
  }
  const [a, b] = [first, second].map((ema) => ema.stateDict());
  expect(a!.updates).toBe(b!.updates);
  expect(flat(a!.averages.get('0')!)).toEqual(flat(b!.averages.get('0')!));
});

test('averages outlive scopes, and nothing else stays', () => {
  const weight = parameter();
  const ema = torch.scope(() => new ExponentialMovingAverage([weight]));
  const use = () => {
    ema.update();
    ema.averaged(() => undefined);
  };
  use();
  const before = torch.memory();
  for (let i = 0; i < 20; i++) use();
  expect(torch.memory()).toEqual(before);
  ema.dispose();
  expect(() => ema.update()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  expect(weight.item()).toBe(1);
});

test.each<[string, () => unknown, string]>([
  ['nothing', () => new ExponentialMovingAverage([]), 'ERR_ARGUMENT'],
  ['no list', () => new ExponentialMovingAverage(3 as never), 'ERR_ARGUMENT'],
  ['no tensors', () => new ExponentialMovingAverage([3 as never]), 'ERR_ARGUMENT'],
  ['a decay above 1', () => new ExponentialMovingAverage([parameter()], { decay: 1.1 }), 'ERR_ARGUMENT'],
  ['an unknown word', () => new ExponentialMovingAverage([parameter()], { buffers: 'x' as never }), 'ERR_ARGUMENT'],
  [
    'a state of other names',
    () => new ExponentialMovingAverage([parameter()]).loadStateDict({ updates: 1, averages: new Map() }),
    'ERR_CHECKPOINT',
  ],
  [
    'a state of other shapes',
    () => {
      const averages = new Map([['0', torch.zeros([2])]]);
      new ExponentialMovingAverage([parameter()]).loadStateDict({ updates: 1, averages });
    },
    'ERR_CHECKPOINT',
  ],
])('misuse: %s', (_name, fn, code) => {
  expect(fn).toThrow(expect.objectContaining({ code }));
});
