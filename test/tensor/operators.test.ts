/** Operators: overloads chosen by kinds, options, in-place results, errors that explain. */
import { torch, type Tensor } from '../../lib/tensor';

function thrown(fn: () => unknown): { code: string; message: string } {
  try {
    fn();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
}

const matrix = () =>
  torch.tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

describe('overloads', () => {
  test('numbers, tensors, bigints and complex numbers as operands', () => {
    const x = torch.tensor([1, 2]);
    expect(x.add(1).toArray()).toEqual([2, 3]);
    expect(x.add(x).toArray()).toEqual([2, 4]);
    expect(x.add(x, { alpha: 10 }).toArray()).toEqual([11, 22]);
    expect(x.mul(2n).toArray()).toEqual([2, 4]);
    expect(x.mul({ re: 0, im: 1 }).toArray()).toEqual([
      { re: 0, im: 1 },
      { re: 0, im: 2 },
    ]);
    expect(torch.pow(2, x).toArray()).toEqual([2, 4]);
    expect(x.pow(2).toArray()).toEqual([1, 4]);
    expect(torch.where(x.gt(1), x, 0).toArray()).toEqual([0, 2]);
    expect(torch.where(x.gt(1), -1, x).toArray()).toEqual([1, -1]);
  });

  test('whole numbers keep integer tensors integer, fractions do not', () => {
    const x = torch.tensor([1n, 2n]);
    expect(x.add(1).dtype).toBe('int64');
    expect(x.add(1.5).dtype).toBe('float32');
    expect(torch.full([1], 1).dtype).toBe('int64');
    expect(torch.full([1], 1.5).dtype).toBe('float32');
    expect(torch.full([1], true).dtype).toBe('bool');
  });

  test('one name, several meanings', () => {
    const x = matrix();
    expect(x.max().item()).toBe(6);
    const [values, indices] = x.max(1);
    expect([values.toArray(), indices.toArray({ int64: 'number' })]).toEqual([
      [3, 6],
      [2, 2],
    ]);
    expect(x.max(torch.tensor(4)).toArray()).toEqual([
      [4, 4, 4],
      [4, 5, 6],
    ]);
    expect(x.split(2, 1).map((part) => part.shape)).toEqual([
      [2, 2],
      [2, 1],
    ]);
    expect(x.split([1, 2], 1).map((part) => part.shape)).toEqual([
      [2, 1],
      [2, 2],
    ]);
    expect(x.clamp({ min: 2, max: 5 }).sum().item()).toBe(21);
    expect(x.clamp(null, 2).sum().item()).toBe(11);
    expect(
      x
        .clamp({ min: torch.tensor([2, 3, 4]) })
        .sum()
        .item(),
    ).toBe(24);
  });

  test('arguments by position, by name, and left out', () => {
    const x = matrix();
    for (const sum of [
      x.sum(1, true),
      x.sum(1, { keepdim: true }),
      x.sum({ dim: 1, keepdim: true }),
      x.sum({ dim: [1], keepdim: true, dtype: undefined as never }),
      x.sum([-1], true),
      torch.sum(x, { dim: 1, keepdim: true }),
      torch.sum(x, 1, true),
    ]) {
      expect(sum.toArray()).toEqual([[6], [15]]);
    }
    expect(x.sum({ dtype: 'float64' }).dtype).toBe('float64');
    expect(x.sum(null, false, { dtype: 'int64' }).item()).toBe(21);
    expect(x.sum(undefined as never).item()).toBe(21);
  });

  test('one number stands for a list', () => {
    expect(torch.zeros(3).shape).toEqual([3]);
    const image = torch.ones([1, 1, 4, 4]);
    expect(torch.maxPool2d(image, 2).shape).toEqual([1, 1, 2, 2]);
    expect(torch.conv2d(image, torch.ones([1, 1, 3, 3]), null, 1, 1).shape).toEqual([1, 1, 4, 4]);
    expect(torch.conv2d(image, torch.ones([1, 1, 3, 3]), { padding: 'same' }).shape).toEqual([1, 1, 4, 4]);
  });

  test('lists of tensors, of optional tensors, and empty lists', () => {
    const x = matrix();
    expect(torch.cat([x, x], 1).shape).toEqual([2, 6]);
    expect(torch.stack([x, x]).shape).toEqual([2, 2, 3]);
    expect(torch.index(x, [null, torch.tensor([2, 0], { dtype: 'int64' })]).toArray()).toEqual([
      [3, 1],
      [6, 4],
    ]);
    expect(torch.ones([]).shape).toEqual([]);
    expect(thrown(() => torch.cat([])).code).toMatch(/^ERR_/);
  });

  test('a plan made for one call does not spoil another of the same kinds', () => {
    const x = matrix();
    expect(x.sum({ dim: 0 }).toArray()).toEqual([5, 7, 9]);
    expect(x.sum({ dim: 1 }).toArray()).toEqual([6, 15]);
    expect(x.sum({ dim: 1, keepdim: false }).toArray()).toEqual([6, 15]);
    expect(x.mul(3).sum().item()).toBe(63);
    expect(x.mul(0.5).sum().item()).toBe(10.5);
  });

  test('an operator takes many positional arguments', () => {
    const input = torch.ones([2, 3]);
    const normalised = torch.batchNorm(input, null, null, torch.zeros([3]), torch.ones([3]), false, 0.1, 1e-5, false);
    expect(normalised.mean().item()).toBeCloseTo(1);
  });

  test('results that are no tensors', () => {
    expect(torch.equal(matrix(), matrix())).toBe(true);
    expect(torch.isFloatingPoint(matrix())).toBe(true);
  });

  test('namespaces', () => {
    expect(torch.linalg.vectorNorm(torch.tensor([3, 4])).item()).toBe(5);
    expect(torch.fft.fft(torch.tensor([1, 1])).toArray()).toEqual([
      { re: 2, im: 0 },
      { re: 0, im: 0 },
    ]);
    expect(torch.special.erf(torch.tensor(0)).item()).toBe(0);
  });

  test('any operator by its name', () => {
    expect((torch.operator('aten::_softmax')(torch.tensor([0, 0]), 0, false) as Tensor).toArray()).toEqual([0.5, 0.5]);
    expect(thrown(() => torch.operator('aten::no_such')).code).toBe('ERR_ARGUMENT');
  });
});

describe('factories', () => {
  test('dtype, device and requiresGrad', () => {
    const x = torch.zeros([2], { dtype: 'float64', device: 'cpu', requiresGrad: true });
    expect([x.dtype, x.device, x.requiresGrad, x.isLeaf]).toEqual(['float64', 'cpu', true, true]);
    expect(torch.zerosLike(x).requiresGrad).toBe(false);
    expect(torch.onesLike(x, { requiresGrad: true, dtype: 'float32' }).requiresGrad).toBe(true);
    expect(x.newZeros([3]).dtype).toBe('float64');
  });

  test('ranges, identities, permutations', () => {
    expect(torch.arange(4).toArray({ int64: 'number' })).toEqual([0, 1, 2, 3]);
    expect(torch.arange(1, 2, 0.5).toArray()).toEqual([1, 1.5]);
    expect(torch.linspace(0, 1, 3).toArray()).toEqual([0, 0.5, 1]);
    expect(torch.eye(2).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    const permutation = torch.randperm(5).toArray({ int64: 'number' });
    expect(permutation.sort()).toEqual([0, 1, 2, 3, 4]);
    expect(torch.full([2], 7n).toArray()).toEqual([7n, 7n]);
    expect(torch.empty([2, 0]).shape).toEqual([2, 0]);
  });

  test('every factory takes every dtype by name', () => {
    for (const dtype of ['float64', 'bfloat16', 'int8', 'bool', 'complex64'] as const) {
      expect(torch.ones([1], { dtype }).dtype).toBe(dtype);
    }
  });
});

describe('random numbers', () => {
  test('a seed repeats the sequence', () => {
    torch.manualSeed(7);
    const first = torch.randn([4]).toArray();
    expect(torch.randn([4]).toArray()).not.toEqual(first);
    torch.manualSeed(7n);
    expect(torch.randn([4]).toArray()).toEqual(first);
    expect(torch.randint(10, [100]).max().item()).toBeLessThan(10);
    expect(torch.randint(5, 6, [3]).toArray()).toEqual([5n, 5n, 5n]);
  });

  test('a generator has a sequence of its own', () => {
    using generator = new torch.Generator({ seed: 3 });
    const first = torch.rand([3], { generator }).toArray();
    torch.manualSeed(1);
    expect(torch.rand([3], { generator }).toArray()).not.toEqual(first);
    generator.manualSeed(3);
    expect(torch.rand([3], { generator }).toArray()).toEqual(first);
    expect(
      torch
        .zeros([3])
        .uniform_(0, 1, { generator: generator.manualSeed(3) })
        .toArray(),
    ).toEqual(first);
  });

  test('a disposed generator and a wrong seed are refused', () => {
    const generator = new torch.Generator();
    generator.dispose();
    expect(thrown(() => torch.rand([1], { generator })).code).toBe('ERR_DISPOSED');
    expect(thrown(() => torch.manualSeed(0.5)).code).toBe('ERR_ARGUMENT');
    expect(thrown(() => torch.manualSeed(2n ** 64n)).code).toBe('ERR_ARGUMENT');
  });
});

describe('in place', () => {
  test('gives back the very object', () => {
    const x = torch.zeros([2]);
    const before = torch.memory().tensors;
    expect(x.add_(1).mul_(3)).toBe(x);
    expect(torch.operator('aten::relu_')(x)).toBe(x);
    expect(torch.memory().tensors).toBe(before);
    expect(x.toArray()).toEqual([3, 3]);
  });

  test('views share memory', () => {
    const x = torch.zeros([2, 2]);
    x.select(0, 1).fill_(5);
    x.view([4]).narrow(0, 0, 1).add_(1);
    expect(x.toArray()).toEqual([
      [1, 0],
      [5, 5],
    ]);
  });
});

describe('to', () => {
  test('by dtype, device, tensor and options', () => {
    const x = torch.tensor([1.5]);
    expect(x.to('int32').toArray()).toEqual([1]);
    expect(x.to('cpu').dtype).toBe('float32');
    expect(x.to(torch.tensor(1n)).dtype).toBe('int64');
    expect(x.to({ dtype: 'float64', device: 'cpu' }).dtype).toBe('float64');
  });

  test('shares memory when nothing changes, unless a copy is asked for', () => {
    const x = torch.zeros([1]);
    x.to('float32').add_(1);
    x.to({ copy: true }).add_(1);
    expect(x.item()).toBe(1);
  });

  test('refuses what is neither', () => {
    expect(thrown(() => torch.zeros([1]).to('flaot64' as never)).code).toBe('ERR_ARGUMENT');
    expect(thrown(() => torch.zeros([1]).to({ dtype: 'x' as never })).code).toBe('ERR_DTYPE');
    for (const make of [
      () => torch.zeros([1], { device: 'cuda:63' }),
      () => torch.zeros([1]).to('cuda:63'),
      () => torch.tensor([1], { device: 'cuda:63' }),
    ]) {
      // Whole by itself: not the argument of an operator that the caller may never have heard of.
      expect(thrown(make)).toMatchObject({
        code: 'ERR_DEVICE',
        message: expect.stringMatching(/^there is no device 'cuda:63': /),
      });
    }
  });
});

describe('errors', () => {
  const untyped = torch as unknown as Record<string, (...values: unknown[]) => unknown>;

  test.each<[string, () => unknown, string, RegExp]>([
    [
      'unknown option',
      () => untyped.sum!(matrix(), { keepdims: true }),
      'ERR_ARGUMENT',
      /unknown option "keepdims"; did you mean "keepdim"/,
    ],
    ['option of a factory only', () => untyped.sum!(matrix(), { requiresGrad: true }), 'ERR_ARGUMENT', /requiresGrad/],
    ['missing argument', () => untyped.matmul!(matrix()), 'ERR_ARGUMENT', /other is missing/],
    ['too many arguments', () => untyped.relu!(matrix(), 1), 'ERR_ARGUMENT', /takes 1 positional/],
    ['given twice', () => untyped.sum!(matrix(), 1, { dim: 1 }), 'ERR_ARGUMENT', /dim is given twice/],
    [
      'wrong kind',
      () => untyped.add!(matrix(), 'one'),
      'ERR_ARGUMENT',
      /no overload[^]*add\(self: Tensor, other: Scalar/,
    ],
    [
      'a fraction for a whole number',
      () => untyped.sum!(matrix(), 0.5),
      'ERR_ARGUMENT',
      /dim cannot be a number that is not a safe integer/,
    ],
    ['nested lists', () => untyped.sum!(matrix(), [[1]]), 'ERR_ARGUMENT', /dim/],
    ['mixed lists', () => untyped.cat!([matrix(), 1]), 'ERR_ARGUMENT', /tensors/],
    ['functions', () => untyped.add!(matrix(), () => 1), 'ERR_ARGUMENT', /other/],
    [
      'an unknown dtype',
      () => untyped.zeros!([1], { dtype: 'float' }),
      'ERR_DTYPE',
      /"float" is not a dtype; did you mean/,
    ],
    ['an unknown device', () => untyped.zeros!([1], { device: 'gpu' }), 'ERR_DEVICE', /"gpu"/],
    ['nothing at all', () => untyped.add!(), 'ERR_ARGUMENT', /self is missing/],
    ['shapes that do not fit', () => matrix().add(torch.ones([4])), 'ERR_SHAPE', /size/],
    ['inner sizes that do not fit', () => matrix().matmul(matrix()), 'ERR_SHAPE', /shape/],
    ['a dimension out of range', () => matrix().sum(5), 'ERR_SHAPE', /range/],
    [
      'dtypes that do not fit',
      () => matrix().matmul(matrix().to('float64').transpose(0, 1)),
      'ERR_DTYPE',
      /dtype|scalar type/,
    ],
    ['an operation without a kernel', () => torch.tensor([1n]).bitwiseAnd(0.5), 'ERR_DTYPE', /./],
    ['an index out of range', () => torch.tensor([1, 2]).select(0, 9), 'ERR_SHAPE', /range/],
    ['an impossible size', () => torch.zeros([2 ** 50]), 'ERR_OUT_OF_MEMORY', /memory|allocate/],
    ['a negative size', () => torch.zeros([-1]), 'ERR_SHAPE', /negative/],
  ])('%s', (_name, fn, code, words) => {
    const error = thrown(fn);
    expect(error.message).toMatch(words);
    expect(error.code).toBe(code);
    expect(error.message).not.toMatch(/Exception raised from|frame #/);
  });

  test('the types refuse what the operators refuse', () => {
    const x = matrix();
    // @ts-expect-error an option of another name
    expect(thrown(() => x.sum({ dims: 1 })).code).toBe('ERR_ARGUMENT');
    // @ts-expect-error a dtype of another name
    expect(thrown(() => torch.zeros([1], { dtype: 'float' })).code).toBe('ERR_DTYPE');
    // @ts-expect-error a string for a tensor
    expect(thrown(() => torch.matmul(x, 'x')).code).toBe('ERR_ARGUMENT');
    // @ts-expect-error a missing argument
    expect(thrown(() => x.matmul()).code).toBe('ERR_ARGUMENT');
    const [values]: [Tensor, Tensor] = x.max(1);
    const same: Tensor = x.add_(values.sum());
    expect(same).toBe(x);
  });

  test('the native trace is the cause', () => {
    const error = thrown(() => matrix().matmul(matrix())) as unknown as Error;
    expect(error).toBeInstanceOf(Error);
    expect((error.cause as Error).message).toContain('mat1');
  });
});
