/** The module base: nesting, names, modes, moving, state dicts. */
import * as nn from '../../lib/nn';
import { torch, type Tensor } from '../../lib/tensor';

class Block extends nn.Module {
  readonly up = new nn.Linear(4, 8);
  readonly down = new nn.Linear(8, 4, { bias: false });
  readonly dropout = new nn.Dropout(0.5);

  override forward(x: Tensor): Tensor {
    return x.add(this.down.forward(this.dropout.forward(this.up.forward(x).relu())));
  }
}

class Net extends nn.Module {
  readonly blocks = [new Block(), new Block()];
  readonly head = new nn.Linear(4, 2);
  readonly scale = new nn.Parameter(torch.ones([1]));
  readonly mean = new nn.Buffer(torch.zeros([4]));
  readonly scratch = new nn.Buffer(torch.zeros([4]), { persistent: false });
  readonly note = 'not a member';
  readonly constant = torch.ones([1]).keep();

  override forward(x: Tensor): Tensor {
    return this.head
      .forward(this.blocks.reduce((value, block) => block.forward(value), x.sub(this.mean)))
      .mul(this.scale);
  }
}

function thrown(fn: () => unknown): { code: string; message: string } {
  try {
    fn();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
}

const parameterNames = [
  'scale',
  'blocks.0.up.weight',
  'blocks.0.up.bias',
  'blocks.0.down.weight',
  'blocks.1.up.weight',
  'blocks.1.up.bias',
  'blocks.1.down.weight',
  'head.weight',
  'head.bias',
];

test("members are found by property, in PyTorch's order: a module's own before its children's", () => {
  const net = new Net();
  expect(Array.from(net.namedParameters(), ([name]) => name)).toEqual(parameterNames);
  expect(Array.from(net.namedBuffers(), ([name]) => name)).toEqual(['mean', 'scratch']);
  expect(Array.from(net.namedChildren(), ([name]) => name)).toEqual(['blocks.0', 'blocks.1', 'head']);
  expect([...net.modules()].length).toBe(1 + 2 * 4 + 1);
  expect([...net.stateDict().keys()].sort()).toEqual([...parameterNames, 'mean'].sort());
  expect([...net.parameters()].every((parameter) => parameter.requiresGrad && parameter.isLeaf)).toBe(true);
  net.dispose();
});

test('a shared parameter comes once, under its first name', () => {
  class Tied extends nn.Module {
    readonly table = new nn.Embedding(3, 2);
    readonly head: nn.Linear;
    constructor() {
      super();
      this.head = new nn.Linear(2, 3, { bias: false });
      (this.head as { weight: nn.Parameter }).weight = this.table.weight;
    }
    override forward(ids: Tensor): Tensor {
      return this.head.forward(this.table.forward(ids));
    }
  }
  const tied = new Tied();
  expect(Array.from(tied.namedParameters(), ([name]) => name)).toEqual(['table.weight']);
  tied
    .forward(torch.tensor([1n]))
    .sum()
    .backward();
  expect(tied.head.weight.grad!.shape).toEqual([3, 2]);
});

test('modules made in a scope outlive it, and their making leaves nothing else behind', () => {
  const before = torch.memory().tensors;
  const net = torch.scope(() => new nn.Sequential(new nn.Linear(2, 2), new nn.LayerNorm(2), new nn.Embedding(2, 2)));
  expect(torch.memory().tensors).toBe(before + 5);
  expect([...net.parameters()].every((parameter) => !parameter.isDisposed)).toBe(true);
  net.dispose();
  expect(torch.memory().tensors).toBe(before);
  expect(thrown(() => net.forward(torch.ones([1, 2]))).code).toBe('ERR_DISPOSED');
});

test('a parameter shares the memory of the tensor it was made of, and leaves that as it was', () => {
  const values = torch.tensor([1, 2]);
  const [first, second] = [new nn.Parameter(values), new nn.Parameter(values, { requiresGrad: false })];
  values.fill_(3);
  expect([first.toArray(), second.toArray()]).toEqual([
    [3, 3],
    [3, 3],
  ]);
  expect([values.requiresGrad, first.requiresGrad, second.requiresGrad]).toEqual([false, true, false]);
  expect(thrown(() => new nn.Parameter([1, 2] as never)).code).toBe('ERR_ARGUMENT');
});

test('train and eval reach every layer', () => {
  const net = new Net();
  expect([...net.modules()].every((module) => module.training)).toBe(true);
  const x = torch.ones([1, 4]);
  net.eval();
  expect(net.forward(x).toArray()).toEqual(net.forward(x).toArray());
  net.train();
  expect([...net.modules()].every((module) => module.training)).toBe(true);
});

test('zeroGrad and requiresGrad_', () => {
  const net = new Net();
  net
    .forward(torch.ones([1, 4]))
    .sum()
    .backward();
  expect([...net.parameters()].every((parameter) => parameter.grad !== null)).toBe(true);
  net.zeroGrad();
  expect([...net.parameters()].every((parameter) => parameter.grad === null)).toBe(true);
  net.requiresGrad_(false);
  expect(net.forward(torch.ones([1, 4])).requiresGrad).toBe(false);
});

test('to() converts in place, with gradients; the tensors stay the same objects', () => {
  const net = new Net().eval();
  const weight = net.head.weight;
  net
    .forward(torch.ones([1, 4]))
    .sum()
    .backward();
  const grad = weight.grad!.toArray();
  net.to('float64');
  expect(net.head.weight).toBe(weight);
  expect([weight.dtype, net.mean.dtype, weight.requiresGrad, weight.isLeaf]).toEqual([
    'float64',
    'float64',
    true,
    true,
  ]);
  expect(weight.grad!.dtype).toBe('float64');
  expect(weight.grad!.toArray()).toEqual(grad);
  net.zeroGrad();
  net
    .forward(torch.ones([1, 4], { dtype: 'float64' }))
    .sum()
    .backward();
  expect(weight.grad!.dtype).toBe('float64');
  expect(net.to({ dtype: 'float32', device: 'cpu' }).head.bias!.dtype).toBe('float32');
  expect(thrown(() => net.to('int64')).code).toBe('ERR_ARGUMENT');
  expect(thrown(() => net.to('gpu' as never)).code).toBe('ERR_ARGUMENT');
});

describe('state dicts', () => {
  test('carry values from one module to another', () => {
    const [from, to] = [new Net(), new Net()];
    const x = torch.ones([2, 4]);
    expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [], mismatched: [] });
    expect(to.eval().forward(x).toArray()).toEqual(from.eval().forward(x).toArray());
  });

  test('share memory with the module and take no part in gradients', () => {
    const net = new Net();
    const state = net.stateDict();
    torch.noGrad(() => net.scale.fill_(5));
    expect(state.get('scale')!.item()).toBe(5);
    expect(state.get('scale')!.requiresGrad).toBe(false);
  });

  test('convert between floating-point dtypes only', () => {
    const net = new nn.LayerNorm(2);
    const state = net.stateDict();
    state.set('weight', torch.tensor([2, 3], { dtype: 'float64' }));
    net.loadStateDict(state);
    expect([net.weight!.dtype, net.weight!.toArray()]).toEqual(['float32', [2, 3]]);
    state.set('weight', torch.tensor([2n, 3n]));
    expect(thrown(() => net.loadStateDict(state)).message).toMatch(/weight: .*float32.*int64/);
  });

  test('that do not fit change nothing and say all that is wrong', () => {
    const net = new Net();
    const state = net.stateDict();
    const before = net.head.bias!.toArray();
    state.set('head.bias', torch.ones([2]));
    state.set('head.weight', torch.ones([3, 4]));
    state.delete('scale');
    state.set('other', torch.ones([1]));
    const error = thrown(() => net.loadStateDict(state));
    expect(error.code).toBe('ERR_CHECKPOINT');
    expect(error.message).toMatch(/missing: scale/);
    expect(error.message).toMatch(/unexpected: other/);
    expect(error.message).toMatch(/head\.weight: .*\[2, 4\].*\[3, 4\]/);
    expect(net.head.bias!.toArray()).toEqual(before);
    expect(thrown(() => net.loadStateDict(state, { strict: false })).message).not.toMatch(/missing/);
    state.set('head.weight', torch.ones([2, 4]));
    expect(net.loadStateDict(state, { strict: false })).toEqual({
      missing: ['scale'],
      unexpected: ['other'],
      mismatched: [],
    });
    expect(net.head.bias!.toArray()).toEqual([1, 1]);
  });
});

test('sizes that make no layer are refused', () => {
  for (const make of [
    () => new nn.Linear(0, 2),
    () => new nn.Linear(2, 1.5),
    () => new nn.Embedding(2, 2, { paddingIdx: 2 }),
    () => new nn.LayerNorm([]).forward(torch.ones([2])),
  ]) {
    expect(thrown(make).code).toBe('ERR_SHAPE');
  }
});
