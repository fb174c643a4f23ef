/** What all optimisers have in common: groups, closures, memory, layouts, states; misuse. */
import * as nn from '../../lib/nn';
import * as optim from '../../lib/optim';
import { torch, type Tensor } from '../../lib/tensor';
import { flat, makeOptimizer, makeParameters, train } from './golden';

const names = ['Adam', 'AdamW', 'SGD', 'RMSprop', 'Adafactor', 'Lion'] as const;
type Name = (typeof names)[number];
const make = (name: Name, params: unknown, options: object = {}): optim.Optimizer =>
  new optim[name](params as Tensor[], options);
const leaf = (values: number[] = [1, 2]): Tensor => torch.tensor(values, { dtype: 'float64' }).keep().requiresGrad_();
const withMomentum = (name: Name) => (name === 'SGD' || name === 'RMSprop' ? { lr: 0.1, momentum: 0.9 } : { lr: 0.1 });
const descend = (optimizer: optim.Optimizer, ...params: Tensor[]) =>
  torch.scope(() => {
    optimizer.zeroGrad();
    for (const parameter of params) parameter.mul(parameter).sum().backward();
    optimizer.step();
  });

describe.each(names)('%s', (name) => {
  test('goes down', () => {
    const parameter = leaf([3, -4]);
    using optimizer = make(name, [parameter], { lr: 0.1 });
    for (let step = 0; step < 40; step++) descend(optimizer, parameter);
    expect(Math.abs(flat(parameter)[0]!)).toBeLessThan(3);
    expect(Math.abs(flat(parameter)[1]!)).toBeLessThan(4);
  });

  test('what it remembers outlives scopes, and nothing else stays', () => {
    const parameter = leaf();
    const optimizer = make(name, [parameter], withMomentum(name));
    descend(optimizer, parameter);
    const before = torch.memory();
    for (let step = 0; step < 20; step++) descend(optimizer, parameter);
    expect(torch.memory()).toEqual(before);
    optimizer.dispose();
    optimizer.dispose();
    expect(() => optimizer.step()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect(flat(parameter)).toHaveLength(2);
  });

  test('tells autograd that parameters were written to', () => {
    const parameter = leaf();
    using optimizer = make(name, [parameter], withMomentum(name));
    torch.scope(() => {
      const loss = parameter.mul(parameter).mul(parameter).sum();
      parameter.grad = torch.ones([2], { dtype: 'float64' });
      optimizer.step();
      expect(() => loss.backward()).toThrow(/modified by an inplace operation/);
    });
  });

  test.each(['a gradient', 'a parameter', 'a parameter with gaps'])('%s that lies otherwise in memory', (what) => {
    const gradient = torch.tensor(
      [
        [1, -2],
        [3, 4],
        [-5, 6],
      ],
      { dtype: 'float64' },
    );
    const values = torch.tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { dtype: 'float64' },
    );
    const turned = (tensor: Tensor) => torch.scope(() => tensor.t().contiguous().t());
    const spread = (tensor: Tensor) => torch.scope(() => torch.stack([tensor, tensor], 2).select(2, 0));
    const layOut = what === 'a parameter' ? turned : what === 'a gradient' ? (t: Tensor) => t.clone() : spread;
    const plain = values.clone().requiresGrad_();
    const other = layOut(values).detach().requiresGrad_();
    const settings = { ...withMomentum(name), weightDecay: 0.1 };
    using first = make(name, [plain], settings);
    using second = make(name, [other], settings);
    for (let step = 0; step < 3; step++) {
      plain.grad = gradient.clone();
      other.grad = what === 'a gradient' ? turned(gradient) : gradient.clone();
      first.step();
      second.step();
      if (step === 1) second.loadStateDict(first.stateDict());
    }
    flat(other).forEach((value, index) => expect(value).toBeCloseTo(flat(plain)[index]!, 13));
  });

  test('groups are taken on later', () => {
    const [first, second] = [leaf(), leaf()];
    using optimizer = make(name, [first], { lr: 0.1 });
    descend(optimizer, first);
    optimizer.addParamGroup({ params: [second], lr: 0 });
    const before = flat(first);
    descend(optimizer, first, second);
    expect(flat(first)).not.toEqual(before);
    expect(flat(second)).toEqual([1, 2]);
    optimizer.groups[1]!.lr = 0.1;
    descend(optimizer, first, second);
    expect(flat(second)).not.toEqual([1, 2]);
    expect(() => optimizer.addParamGroup({ params: [second] })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
    expect(optimizer.stateDict().groups.map(({ params }) => params)).toEqual([[0], [1]]);
  });

  test('a closure computes the loss with gradients, also inside noGrad', () => {
    const parameter = leaf();
    using optimizer = make(name, [parameter], { lr: 0.1 });
    const loss = torch.noGrad(() =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const result = parameter.mul(parameter).sum();
        result.backward();
        return result;
      }),
    );
    expect(loss.item()).toBe(5);
    expect(flat(parameter)).not.toEqual([1, 2]);
    expect(() => optimizer.step(async () => Promise.resolve(1))).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });

  test('gradients are forgotten, or become zeros', () => {
    const parameter = leaf();
    using optimizer = make(name, [parameter]);
    parameter.grad = torch.ones([2], { dtype: 'float64' });
    optimizer.zeroGrad({ setToNone: false });
    expect(flat(parameter.grad)).toEqual([0, 0]);
    optimizer.zeroGrad();
    expect(parameter.grad).toBeNull();
  });

  test.each<[string, (optimizer: optim.Optimizer) => unknown]>([
    ['no object', () => ({})],
    ['other groups', (optimizer) => ({ ...optimizer.stateDict(), groups: [] })],
    ['other parameters', (optimizer) => ({ ...optimizer.stateDict(), state: [] })],
    [
      'numbers of other parameters',
      ({ groups, ...rest }) => ({ ...dict(rest, groups), groups: [{ ...groups[0], params: [0, 1] }] }),
    ],
    ['something unknown', (optimizer) => ({ ...optimizer.stateDict(), state: [{ surprise: torch.zeros([2]) }] })],
    ['a setting out of range', (optimizer) => withSettings(optimizer, { lr: -1 })],
    ['an unknown setting', (optimizer) => withSettings(optimizer, { surprise: 1 })],
    [
      'other shapes',
      (optimizer) => ({
        ...optimizer.stateDict(),
        state: optimizer
          .stateDict()
          .state.map((each) =>
            Object.fromEntries(
              Object.entries(each!).map(([key, value]) => [key, key === 'step' ? value : torch.zeros([3])]),
            ),
          ),
      }),
    ],
    [
      'something missing, or no number of updates',
      (optimizer) => ({
        ...optimizer.stateDict(),
        state: [name === 'SGD' ? { momentumBuffer: 3 } : { step: -1 }],
      }),
    ],
  ])('a state with %s is refused, and nothing changes', (_what, makeState) => {
    const parameter = leaf();
    using optimizer = make(name, [parameter], withMomentum(name));
    descend(optimizer, parameter);
    const before = remembered(optimizer);
    expect(() => optimizer.loadStateDict(makeState(optimizer) as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CHECKPOINT' }),
    );
    expect(remembered(optimizer)).toEqual(before);
  });

  test.each<[string, () => unknown, string]>([
    ['no parameters', () => make(name, []), 'ERR_ARGUMENT'],
    ['a tensor alone', () => make(name, leaf()), 'ERR_ARGUMENT'],
    ['an empty group', () => make(name, [{ params: [] }]), 'ERR_ARGUMENT'],
    ['no tensor', () => make(name, [{ params: [1] }]), 'ERR_ARGUMENT'],
    ['a computed tensor', () => make(name, [leaf().mul(2)]), 'ERR_ARGUMENT'],
    ['whole numbers', () => make(name, [torch.zeros([2], { dtype: 'int64' })]), 'ERR_ARGUMENT'],
    ['a negative learning rate', () => make(name, [leaf()], { lr: -1 }), 'ERR_ARGUMENT'],
    ['NaN as learning rate', () => make(name, [leaf()], { lr: NaN }), 'ERR_ARGUMENT'],
    ['a text as learning rate', () => make(name, [leaf()], { lr: '1' }), 'ERR_ARGUMENT'],
    ['a negative weight decay', () => make(name, [leaf()], { weightDecay: -1 }), 'ERR_ARGUMENT'],
    ['maximize as a number', () => make(name, [leaf()], { maximize: 1 }), 'ERR_ARGUMENT'],
    ['an unknown setting', () => make(name, [leaf()], { learningRate: 1 }), 'ERR_ARGUMENT'],
    ['an unknown setting of a group', () => make(name, [{ params: [leaf()], weight_decay: 1 }]), 'ERR_ARGUMENT'],
    ['parameters and groups', () => make(name, [leaf(), { params: [leaf()] }]), 'ERR_ARGUMENT'],
    [
      'a parameter twice',
      () => {
        const same = leaf();
        return make(name, [{ params: [same] }, { params: [same] }]);
      },
      'ERR_ARGUMENT',
    ],
    [
      'a parameter twice, once under another handle',
      () => {
        const tied = new nn.Parameter(leaf());
        return make(name, [tied, new nn.Parameter(tied, { sameTensor: true })]);
      },
      'ERR_ARGUMENT',
    ],
    ['null as settings', () => make(name, [leaf()], null as never), 'ERR_ARGUMENT'],
    [
      'a setting broken later',
      () => {
        const optimizer = make(name, [leaf()]);
        optimizer.groups[0]!.weightDecay = Infinity;
        optimizer.step();
      },
      'ERR_ARGUMENT',
    ],
    [
      'a parameter disposed later',
      () => {
        const parameter = leaf();
        const optimizer = make(name, [leaf(), parameter]);
        parameter.dispose();
        optimizer.step();
      },
      'ERR_DISPOSED',
    ],
    [
      'a sparse gradient',
      () => {
        const parameter = leaf();
        const optimizer = make(name, [parameter]);
        parameter.grad = torch.tensor([0, 1], { dtype: 'float64' }).toSparse();
        optimizer.step();
      },
      'ERR_ARGUMENT',
    ],
  ])('%s', (_name, fn, code) => {
    expect(fn).toThrow(expect.objectContaining({ code }));
  });
});

function dict(rest: object, groups: unknown): object {
  return { ...rest, groups, state: [null] };
}

function withSettings(optimizer: optim.Optimizer, settings: object): object {
  const { groups, state } = optimizer.stateDict();
  return { groups: groups.map((group) => ({ ...group, ...settings })), state };
}

function remembered(optimizer: optim.Optimizer): unknown {
  const { groups, state } = optimizer.stateDict();
  const plain = state.map((each) =>
    Object.fromEntries(
      Object.entries(each!).map(([key, value]) => [key, typeof value === 'number' ? value : flat(value!)]),
    ),
  );
  return { groups, state: plain };
}

test.each<[string, () => unknown]>([
  ['nesterov without momentum', () => new optim.SGD([leaf()], { nesterov: true })],
  ['nesterov with dampening', () => new optim.SGD([leaf()], { nesterov: true, momentum: 0.9, dampening: 0.1 })],
  ['one beta', () => new optim.Lion([leaf()], { betas: [0.9] as never })],
  ['a beta of 1', () => new optim.Adam([leaf()], { betas: [0.9, 1] })],
  ['a negative epsilon', () => new optim.RMSprop([leaf()], { eps: -1 })],
  ['a rising decay', () => new optim.Adafactor([leaf()], { beta2Decay: 0.1 })],
  ['one epsilon', () => new optim.Adafactor([leaf()], { eps: 1e-3 as never })],
  ['a threshold below 1', () => new optim.Adafactor([leaf()], { d: 0.5 })],
])('%s', (_name, fn) => {
  expect(fn).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});

test("PyTorch's defaults", () => {
  const defaultsOf = (name: Name) => make(name, [leaf()]).defaults;
  expect(defaultsOf('Adam')).toMatchObject({
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0,
    amsgrad: false,
  });
  expect(defaultsOf('AdamW')).toMatchObject({ lr: 1e-3, weightDecay: 0.01 });
  expect(defaultsOf('SGD')).toMatchObject({ lr: 1e-3, momentum: 0, dampening: 0, nesterov: false });
  expect(defaultsOf('RMSprop')).toMatchObject({ lr: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false });
  expect(defaultsOf('Adafactor')).toMatchObject({ lr: 1e-2, beta2Decay: -0.8, eps: [null, 1e-3], d: 1 });
  expect(defaultsOf('Lion')).toMatchObject({ lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0 });
});

test('settings of another optimiser are errors of the compiler too', () => {
  const refused = expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error;
  // @ts-expect-error SGD has no betas
  expect(() => new optim.SGD([leaf()], { betas: [0.9, 0.99] })).toThrow(refused);
  // @ts-expect-error AdamW has no momentum
  expect(() => new optim.AdamW([{ params: [leaf()], momentum: 0.9 }])).toThrow(refused);
});

test('settings that undefined is given for are the defaults', () => {
  expect(make('SGD', [{ params: [leaf()], lr: undefined }], { momentum: undefined }).groups[0]).toMatchObject({
    lr: 1e-3,
    momentum: 0,
  });
});

test('a parameter that takes another shape later is refused, not written beyond its end', () => {
  const params = makeParameters();
  using adam = makeOptimizer({ optimizer: 'Adam', options: {}, second: {} }, params);
  train(params, adam, 2, 3);
  torch.scope(() => params[0]!.setData(torch.zeros([50], { dtype: 'float64' })));
  params[0]!.grad = torch.ones([50], { dtype: 'float64' });
  expect(() => adam.step()).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});

test('large parameters, a few at a time, come out as small ones', () => {
  const values = torch.randn([300, 300], { dtype: 'float64' });
  const gradient = torch.randn([300, 300], { dtype: 'float64' });
  const whole = [0, 1, 2].map(() => values.clone().requiresGrad_());
  const rows = Array.from(values.unbind(0), (row) => row.clone().requiresGrad_());
  const optimizers = [new optim.RMSprop(whole, { momentum: 0.9 }), new optim.RMSprop(rows, { momentum: 0.9 })];
  for (let step = 0; step < 3; step++) {
    for (const each of whole) each.grad = gradient.clone();
    gradient.unbind(0).forEach((row, index) => {
      rows[index]!.grad = row.clone();
    });
    for (const optimizer of optimizers) optimizer.step();
  }
  expect(torch.stack(rows.map((row) => row.detach())).equal(whole[2]!.detach())).toBe(true);
});
