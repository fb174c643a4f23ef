/** How the values of a call reach libtorch, each kind of them, and what a call leaves out where nothing is recorded. */
import { native } from '../../lib/native';
import { Generator, torch, type Tensor } from '../../lib/tensor';

type Call = (...values: unknown[]) => unknown;

function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

const x = torch.tensor([1, 2, 3]);
const call = (name: string, ...values: unknown[]): unknown => torch.operator(`aten::${name}`)(...values);
const numbers = (result: unknown): unknown => (result as Tensor).toArray();

describe('values', () => {
  test('numbers, by what they are', () => {
    expect(torch.tensor([1n]).add(2).dtype).toBe('int64');
    expect(torch.tensor([1n]).add(2.5).dtype).toBe('float32');
    expect(Object.is(x.mul(-0).toArray({})[0 as never], -0)).toBe(true);
    expect(numbers(x.mul(Infinity))).toEqual([Infinity, Infinity, Infinity]);
    expect(x.mul({ re: 0, im: 1 }).dtype).toBe('complex64');
    expect(x.mul(true).dtype).toBe('float32');
  });

  test('bigints of 64 bits, exactly, and none beyond', () => {
    const largest = 2n ** 63n - 1n;
    expect(torch.tensor([0n]).add(largest).toArray()).toEqual([largest]);
    expect(
      torch
        .tensor([0n])
        .add(-(2n ** 63n))
        .toArray(),
    ).toEqual([-(2n ** 63n)]);
    expect(codeOf(() => x.add(2n ** 63n))).toBe('ERR_ARGUMENT');
    expect(x.view([3n, 1n]).shape).toEqual([3, 1]);
  });

  test('strings of any characters', () => {
    expect(torch.einsum('i,i->', [x, x]).item()).toBe(14);
    expect(torch.zeros([1], { dtype: 'bfloat16', device: 'cpu' }).dtype).toBe('bfloat16');
    for (const text of ['é', '漢字', '\u{1f600}', '\ud800', '', 'i\0j', 'i'.repeat(3000)])
      expect(codeOf(() => torch.einsum(text, [x]))).toMatch(/^ERR_/);
  });

  test('lists of each kind, empty ones too', () => {
    expect(torch.cat([x, x]).shape).toEqual([6]);
    expect(x.view([3, 1]).sum([]).shape).toEqual([]);
    expect(torch.index(torch.ones([2, 3]), [null, torch.tensor([0n])]).shape).toEqual([2, 1]);
    const scaled = call('_foreach_mul', [x, x], [2, { re: 0, im: 1 }]) as Tensor[];
    expect(scaled.map(({ dtype }) => dtype)).toEqual(['float32', 'complex64']);
    const large = 2n ** 62n;
    const added = call('_foreach_add', [torch.tensor([0n]), torch.tensor([0n])], [large, 1]) as Tensor[];
    expect(added.map((tensor) => tensor.toArray())).toEqual([[large], [1n]]);
    expect(codeOf(() => torch.cat([]))).toMatch(/^ERR_/);
  });

  test('one number for a list, as often as the schema says', () => {
    expect(torch.maxPool2d(torch.ones([1, 1, 4, 4]), 2).shape).toEqual([1, 1, 2, 2]);
    expect(torch.zeros(3).shape).toEqual([3]);
  });

  test('generators', () => {
    const draw = () => torch.rand([2], { generator: new Generator({ seed: 3 }) }).toArray();
    expect(draw()).toEqual(draw());
  });

  test('lists that are longer than all before', () => {
    const many = Array.from({ length: 3000 }, (_, index) => torch.tensor([index]));
    expect(torch.cat(many).sum().item()).toBe((2999 * 3000) / 2);
    expect(torch.cat([...many, ...many, ...many]).shape).toEqual([9000]);
    expect(codeOf(() => x.view(new Array<number>(2 ** 21).fill(1)))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => x.view(new Array<number>(2 ** 31)))).toBe('ERR_ARGUMENT');
  });

  test('results that are several, none, or the argument itself', () => {
    expect(numbers((call('topk', x, 2) as Tensor[])[0])).toEqual([3, 2]);
    const y = x.clone();
    expect(y.add_(1, { alpha: 2 })).toBe(y);
    expect(call('add_', y, 1)).toBe(y);
    expect(call('_foreach_add_', [y], 1)).toBeUndefined();
    expect(numbers(y)).toEqual([5, 6, 7]);
    expect(call('equal', x, x)).toBe(true);
  });
});

describe('a number where a tensor is asked for', () => {
  const whole = torch.tensor([5n, 7n]);
  test.each<[string, () => Tensor, string, unknown[]]>([
    ['add', () => (torch.add as Call)(2, whole) as Tensor, 'int64', [7n, 9n]],
    ['sub', () => (torch.sub as Call)(2.5, whole) as Tensor, 'float32', [-2.5, -4.5]],
    ['mul', () => (torch.mul as Call)(true, whole) as Tensor, 'int64', [5n, 7n]],
    ['div', () => (torch.div as Call)(35, whole) as Tensor, 'float32', [7, 5]],
    ['floorDivide', () => (torch.floorDivide as Call)(36, whole) as Tensor, 'int64', [7n, 5n]],
    ['where', () => torch.where(whole.gt(5), 1, whole), 'int64', [5n, 1n]],
  ])('%s', (_, make, dtype, values) => {
    const result = make();
    expect(result.dtype).toBe(dtype);
    expect(result.toArray()).toEqual(values);
  });

  test('counts as a number in type promotion', () => {
    expect((torch.add as Call)(2.5, torch.tensor([1], { dtype: 'float16' }))).toHaveProperty('dtype', 'float16');
    expect((torch.add as Call)(2, 3)).toHaveProperty('dtype', 'int64');
  });

  test('is recorded like a tensor, and refused where PyTorch refuses it', () => {
    expect(torch.tensor([1], { requiresGrad: true }).add(2).gradFn).toBe('AddBackward0');
    expect(codeOf(() => (torch.maximum as Call)(x, 2))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => (torch.matmul as Call)(2, x))).toBe('ERR_ARGUMENT');
  });
});

describe('values that are not what they seem', () => {
  test('a getter or Proxy that computes while it is read', () => {
    const dim = {
      get dim() {
        x.sum();
        return 0;
      },
    };
    expect(codeOf(() => x.sum(dim as { dim: number }))).toBe('ERR_ARGUMENT');
    const list = new Proxy([x, x], {
      get(target, key) {
        if (key === '1') x.add(1);
        return Reflect.get(target, key) as unknown;
      },
    });
    expect(codeOf(() => torch.cat(list))).toBe('ERR_ARGUMENT');
    expect(numbers(torch.cat(new Proxy([x, x], {})))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('a value that is another one each time', () => {
    let reads = 0;
    const dim = {
      get dim() {
        return reads++ % 2 === 0 ? [0] : 0;
      },
    };
    expect(codeOf(() => x.sum(dim as { dim: number }))).toBe('ERR_ARGUMENT');
  });

  test('what is made like a tensor', () => {
    expect(codeOf(() => (torch.add as Call)(new Proxy(x, {}), 1))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => (torch.add as Call)(Object.create(torch.Tensor.prototype), 1))).toBe('ERR_ARGUMENT');
  });

  test('more values than any operator takes', () => {
    expect(codeOf(() => (torch.add as Call)(...new Array<Tensor>(100).fill(x)))).toBe('ERR_ARGUMENT');
    const options = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`option${index}`, 1]));
    expect(codeOf(() => (torch.add as Call)(x, x, options))).toBe('ERR_ARGUMENT');
  });

  test('plans that do not go together with their operator', () => {
    const add = native.schemas('aten::add').find(({ overload }) => overload === 'Tensor')!;
    expect(codeOf(() => native.plan(add.id, new Uint32Array(2)))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => native.plan(add.id, Uint32Array.of(2, 0, 7, 1, 0, 0)))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => native.plan(add.id, Uint32Array.of(0, 0, 2, 1, 0, 0)))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => native.plan(add.id, Uint32Array.of(99, 0, 2, 1, 0, 0)))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => native.call(2 ** 31))).toBe('ERR_ARGUMENT');
    expect(codeOf(() => native.call(native.plan(add.id, Uint32Array.of(2, 2 ** 31, 2, 1, 0, 0))))).toBe('ERR_ARGUMENT');
  });
});

// Calls on tensors without gradients go past autograd: what it keeps besides must be kept all the same.
describe('where nothing is recorded', () => {
  const weight = () => torch.tensor([1, 2], { requiresGrad: true });

  test('changes in place are noticed by what was saved before', () => {
    for (const change of [
      (saved: Tensor) => saved.add_(1),
      (saved: Tensor) => saved.view([2, 1]).mul_(2),
      (saved: Tensor) => saved.copy_(torch.zeros([2])),
      (saved: Tensor) => saved.set(0, 5),
    ]) {
      const saved = torch.tensor([3, 4]);
      const result = weight().mul(saved).sum();
      change(saved);
      expect(codeOf(() => result.backward())).toMatch(/^ERR_/);
    }
  });

  test('views stay views of what is recorded later', () => {
    const base = torch.zeros([2]);
    const view = base.view([2, 1]);
    const w = weight();
    base.add_(w);
    expect(view.requiresGrad).toBe(true);
    view.sum().backward();
    expect(numbers(w.grad)).toEqual([1, 1]);
  });

  test('a view made under noGrad cannot be changed by recorded work, nor a leaf', () => {
    const base = torch.zeros([2, 2]);
    const parts = torch.noGrad(() => base.unbind(0)) as Tensor[];
    expect(codeOf(() => parts[0]!.mul_(weight()))).toMatch(/^ERR_/);
    expect(codeOf(() => weight().add_(1))).toMatch(/^ERR_/);
  });

  test('gradients begin where a tensor begins to require them', () => {
    const leaf = torch.tensor([1, 2]).mul(2);
    leaf.requiresGrad = true;
    leaf.mul(leaf).sum().backward();
    expect(numbers(leaf.grad)).toEqual([4, 8]);
    expect(leaf.detach().mul(2).requiresGrad).toBe(false);
  });
});

test('small blocks are given to one tensor at a time', () => {
  const sizes = [1, 15, 16, 17, 63, 127, 128, 129, 255, 1000, 4095, 4097, 16383, 16384, 16385, 20000];
  for (let round = 0; round < 3; round++) {
    torch.scope(() => {
      const tensors = sizes.flatMap((size) => [1, 2, 3].map((times) => torch.full([size], size * times)));
      for (const [index, tensor] of tensors.entries()) {
        const expected = sizes[Math.floor(index / 3)]! * ((index % 3) + 1);
        expect(tensor.eq(expected).all().item()).toBe(1);
      }
    });
  }
});
