/** What is refused and what it says; what indexing leaves behind; values of all kinds. */
import { slice, torch, type Index, type Tensor } from '../../../lib/tensor';

const x = torch.arange(24, { dtype: 'float32' }).view([2, 3, 4]);
const y = torch.zeros([2], { dtype: 'int8' });
const any = (value: unknown) => value as Index;
const set = (...values: unknown[]) => (y as unknown as { set(...values: unknown[]): unknown }).set(...values);

afterAll(() => {
  x.dispose();
  y.dispose();
});

const revoked = (() => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
})();

test.each<[string, () => unknown, string, RegExp]>([
  ['a position behind the end', () => x.at(2), 'ERR_SHAPE', /index 2 is out of bounds for dimension 0 with size 2/],
  ['one before the start', () => x.at(0, -4), 'ERR_SHAPE', /index -4 is out of bounds for dimension 1 with size 3/],
  ['the dimension, not the place', () => x.at(null, '...', 4), 'ERR_SHAPE', /index 4 .* dimension 2 with size 4/],
  ['a bigint', () => x.at(1n << 60n), 'ERR_SHAPE', /out of bounds for dimension 0/],
  ['a tensor without dimensions', () => x.at(torch.tensor(5n)), 'ERR_SHAPE', /index 5 .* dimension 0 with size 2/],
  ['a list', () => x.at(slice(), [0, 3]), 'ERR_SHAPE', /index 3 is out of bounds for dimension 1 with size 3/],
  ['a list, written to', () => x.set(slice(), [0, -4], 1), 'ERR_SHAPE', /index -4 .* dimension 1 with size 3/],
  [
    'too many',
    () => x.at(0, 0, 0, 0),
    'ERR_SHAPE',
    /too many indices: 4 for a tensor of 3 dimensions, of shape \[2, 3, 4\]/,
  ],
  ['of a scalar', () => torch.tensor(1).at(0), 'ERR_SHAPE', /too many indices: 1 for a tensor of 0 dimensions/],
  ['too many by a mask', () => x.at(0, 0, [[true]]), 'ERR_SHAPE', /too many indices: 4/],
  ['a mask of another size', () => x.at([true]), 'ERR_SHAPE', /shape of the mask \[1\]/],
  ['lists of other lengths', () => x.at([0, 1], [0, 1, 2]), 'ERR_SHAPE', /could not be broadcast/],
  ['ragged lists', () => x.at([[0], [0, 1]]), 'ERR_SHAPE', /ragged/],
  ['a value that is too wide', () => x.set(0, torch.zeros([5])), 'ERR_SHAPE', /size|shape/],
  ['a value that is too wide for a list', () => x.set([0, 1], torch.zeros([5])), 'ERR_SHAPE', /cannot be broadcast/],

  ['a fraction', () => x.at(0.5), 'ERR_ARGUMENT', /Index 0 is 0\.5; an index is a whole number/],
  ['not a number', () => x.at(0, NaN), 'ERR_ARGUMENT', /Index 1 is NaN/],
  ['nothing', () => x.at(any(undefined)), 'ERR_ARGUMENT', /Index 0 is undefined/],
  ['a word', () => x.at(any('all')), 'ERR_ARGUMENT', /Index 0 is 'all'/],
  ['an object', () => x.at(any({ start: 1 })), 'ERR_ARGUMENT', /Index 0 is/],
  ['a function', () => x.at(any(() => 0)), 'ERR_ARGUMENT', /Index 0 is \[Function/],
  ['two ellipses', () => x.at('...', 0, '...'), 'ERR_ARGUMENT', /at most once/],
  ['a backward step', () => slice(null, null, -1), 'ERR_ARGUMENT', /step must be greater than zero, not -1.*flip\(\)/],
  ['no step', () => slice(0, 1, 0), 'ERR_ARGUMENT', /step must be greater than zero/],
  ['a broken bound', () => slice(0.5), 'ERR_ARGUMENT', /start must be a whole number or null, not 0\.5/],
  ['a tensor as a bound', () => slice(x as never), 'ERR_ARGUMENT', /start must be a whole number or null, not object/],

  [
    'a tensor of fractions',
    () => x.at(torch.zeros([2])),
    'ERR_DTYPE',
    /must be of dtype int64, int32, uint8 or bool, not float32/,
  ],
  ['a list of fractions', () => x.at([0.5]), 'ERR_DTYPE', /not a whole number/],
  ['a list of ranges', () => x.at(any([slice()])), 'ERR_DTYPE', /found/],
  ['a list of both kinds', () => x.at(any([0, true])), 'ERR_DTYPE', /one kind/],
  ['fractions in a typed array', () => x.at(new Float32Array(1)), 'ERR_DTYPE', /Float32Array cannot be an index/],
  ['a number that does not fit', () => y.set(0, 300), 'ERR_DTYPE', /does not fit a tensor of dtype int8/],
  ['a complex number for a real one', () => y.set(0, { re: 1, im: 1 }), 'ERR_DTYPE', /does not fit/],
  ['a list that does not fit', () => y.set('...', [1, 0.5]), 'ERR_DTYPE', /0\.5 cannot be stored as int8/],
  ['another dtype through a list', () => y.set([0], torch.zeros([1])), 'ERR_DTYPE', /dtypes match/],

  ['no value', () => set(), 'ERR_ARGUMENT', /as its last argument, the value/],
  ['undefined as the value', () => set(0, undefined), 'ERR_ARGUMENT', /value as its last argument/],
  ['null as the value', () => set(0, null), 'ERR_ARGUMENT', /expected a number/],
  ['a word as the value', () => set(0, 'one'), 'ERR_ARGUMENT', /expected a number/],
  ['a bigint of more than 64 bits', () => y.set(0, 1n << 70n), 'ERR_ARGUMENT', /64 bits/],
])('%s', (_name, act, code, words) => {
  torch.scope(() => {
    expect(act).toThrow(expect.objectContaining({ code, message: expect.stringMatching(words) }));
  });
  expect(y.toArray()).toEqual([0, 0]);
});

test('a leaf that requires gradients is not written to', () => {
  torch.scope(() => {
    const leaf = torch.zeros([2], { requiresGrad: true });
    expect(() => leaf.set(0, 1)).toThrow(/leaf/);
    torch.noGrad(() => leaf.set(0, 1));
    expect(leaf.toArray()).toEqual([1, 0]);
  });
});

test('objects that mislead are refused or harmless', () => {
  torch.scope(() => {
    expect(() => x.at(any(revoked))).toThrow();
    expect(() => x.at(any(new Proxy(x, {})))).toThrow();
    const growing: number[] = [0];
    Object.defineProperty(growing, '0', {
      get() {
        growing.push(1);
        return x.at(1).numel > 0 ? 0 : 1;
      },
    });
    expect(() => x.at(growing)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }));
    const throwing = Object.defineProperty([0], '0', {
      get() {
        throw new Error('mine');
      },
    });
    expect(() => x.at(throwing)).toThrow('mine');
    const gone = torch.zeros([2]);
    gone.dispose();
    expect(() => gone.at(0)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect(() => x.at(gone)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect(() => x.set(0, gone)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});

test('values of every kind', () => {
  torch.scope(() => {
    const target = (dtype: 'float32' | 'int64' | 'bool' | 'complex64') => torch.zeros([2, 2], { dtype });
    expect(target('int64').set(0, 3n).toArray()).toEqual([
      [3n, 3n],
      [0n, 0n],
    ]);
    expect(
      target('bool')
        .set(
          [
            [true, false],
            [false, true],
          ],
          true,
        )
        .toArray(),
    ).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(target('complex64').set(1, 1, { re: 1, im: 2 }).at(1, 1).toArray()).toEqual({ re: 1, im: 2 });
    expect(target('float32').set(slice(), 1, [5, 6]).toArray()).toEqual([
      [0, 5],
      [0, 6],
    ]);
    expect(target('float32').set(0, Float64Array.of(1, 2)).toArray()).toEqual([
      [1, 2],
      [0, 0],
    ]);
    expect(
      target('int64')
        .set(
          [1, 0],
          [
            [1, 2],
            [3, 4],
          ],
        )
        .toArray(),
    ).toEqual([
      [3n, 4n],
      [1n, 2n],
    ]);
    expect(
      target('float32')
        .set('...', torch.tensor([7n, 8n]))
        .toArray(),
    ).toEqual([
      [7, 8],
      [7, 8],
    ]);
    expect(target('float32').set(9).toArray()).toEqual([
      [9, 9],
      [9, 9],
    ]);
    // A fraction is cut off, as PyTorch does.
    expect(target('int64').set(0, 0, 1.9).at(0, 0).toArray()).toBe(1n);
  });
});

test('as many dimensions as there are', () => {
  torch.scope(() => {
    const deep: Tensor = torch.zeros(Array<number>(60).fill(1));
    expect(deep.at(...Array<number>(60).fill(-1)).shape).toEqual([]);
    expect(deep.at(...Array<Index>(60).fill(slice(0, 1))).shape).toHaveLength(60);
    expect(
      deep
        .set(...Array<Index>(60).fill(slice(0, 1)), 3)
        .sum()
        .item(),
    ).toBe(3);
  });
});

test('views share memory and copies do not; a whole range is a view of its own', () => {
  torch.scope(() => {
    const z = torch.zeros([3]);
    const view = z.at(slice());
    expect(view).not.toBe(z);
    view.add_(1);
    z.at([0, 1, 2]).add_(1);
    expect(z.toArray()).toEqual([1, 1, 1]);
    z.at('...').set(0, 5);
    expect(z.toArray()).toEqual([5, 1, 1]);
  });
});

test('nothing is left behind', () => {
  const live = torch.memory().tensors;
  torch.scope(() => {
    x.at([0, 1], slice(), [true, false, true, false]);
    expect(() => x.at([0, 1], [5])).toThrow();
    expect(() => x.at([0, 1], 0.5)).toThrow();
  });
  const made = x.at([0], 0, slice(1));
  made.set([0], 0, [9]).dispose();
  expect(torch.memory().tensors).toBe(live);
});
