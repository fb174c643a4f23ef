/** What is said besides the elements, and what printing costs. */
import { inspect } from 'node:util';

import { Parameter } from '../../../lib/nn';
import { torch, type Tensor } from '../../../lib/tensor';

test.each<[string, () => Tensor, string]>([
  ['a usual one', () => torch.tensor([1, 2.5, -0.1]), 'Tensor([ 1.0000,  2.5000, -0.1000])'],
  ['a scalar', () => torch.tensor(3n), 'Tensor(3)'],
  ['another dtype', () => torch.tensor([1], { dtype: 'float16' }), 'Tensor([1.], dtype=float16)'],
  ['uint8', () => torch.tensor([1, 12], { dtype: 'uint8' }), 'Tensor([ 1, 12], dtype=uint8)'],
  ['no elements', () => torch.zeros([0]), 'Tensor([])'],
  ['no elements, in two dimensions', () => torch.zeros([0, 3]), 'Tensor([], shape=[0, 3])'],
  ['no elements of another dtype', () => torch.zeros([0], { dtype: 'int64' }), 'Tensor([], dtype=int64)'],
  ['a leaf with gradients', () => torch.ones([1], { requiresGrad: true }), 'Tensor([1.], requiresGrad)'],
  [
    'a computed one',
    () => torch.ones([1], { requiresGrad: true, dtype: 'float64' }).exp().log(),
    'Tensor([1.], dtype=float64, gradFn=LogBackward0)',
  ],
  ['a parameter', () => new Parameter(torch.ones([2])), 'Parameter([1., 1.], requiresGrad)'],
  ['a conjugate view', () => torch.tensor([{ re: 1, im: 2 }]).conj(), 'Tensor([1.-2.j])'],
  ['a sparse one', () => torch.eye(2).toSparse(), 'Tensor(..., shape=[2, 2], layout=sparse_coo)'],
  [
    'an 8-bit float',
    () => torch.tensor([1, -0.5], { dtype: 'float8_e4m3fn' }),
    'Tensor([ 1.0000, -0.5000], dtype=float8_e4m3fn)',
  ],
  ['a transposed one', () => torch.arange(6).view([2, 3]).t(), 'Tensor([[0, 3],\n        [1, 4],\n        [2, 5]])'],
  [
    'facts that do not fit the line',
    () => torch.arange(18, { dtype: 'float64' }).requiresGrad_(),
    'Tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n        14., 15., 16., 17.], dtype=float64, requiresGrad)',
  ],
  [
    'facts in a line of their own',
    () => torch.arange(14, { dtype: 'float64' }),
    'Tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.],\n       dtype=float64)',
  ],
])('%s', (_name, make, text) => {
  torch.scope(() => {
    const tensor = make();
    const before = torch.memory().tensors;
    expect(inspect(tensor)).toBe(text);
    expect(tensor.toString()).toBe(text);
    expect(torch.memory().tensors).toBe(before);
    tensor.dispose();
    expect(inspect(tensor)).toMatch(/^(Tensor|Parameter)\(disposed\)$/);
  });
});

test('inside other values it is indented, and short where they are not opened', () => {
  torch.scope(() => {
    const x = torch.eye(2);
    expect(inspect({ x })).toBe('{\n  x: Tensor([[1., 0.],\n          [0., 1.]])\n}');
    expect(inspect({ a: { b: { c: { x } } } })).toContain('c: [Object]');
    expect(inspect({ x }, { depth: -1 })).toBe('[Object]');
    expect(inspect([x], { depth: 0 })).toBe('[ [Tensor float32 [2, 2]] ]');
  });
});

test('reads no more than it shows', () => {
  torch.scope(() => {
    const x = torch.zeros([1]).expand([100_000, 1000, 1000]);
    const began = performance.now();
    expect(inspect(x).split('\n')).toHaveLength(49);
    expect(performance.now() - began).toBeLessThan(2000);
    const y = torch.zeros([3000, 3000]);
    expect(inspect(y.t())).toBe(inspect(y));
  });
});

test('printing records no gradients and changes none', () => {
  torch.scope(() => {
    const x = torch.ones([2, 600], { requiresGrad: true });
    inspect(x);
    x.sum().backward();
    expect(x.grad!.sum().item()).toBe(1200);
  });
});

describe('options', () => {
  const before = torch.getPrintOptions();
  afterEach(() => torch.setPrintOptions(before));

  test('stay until they are changed, each by itself', () => {
    torch.setPrintOptions({ precision: 2 });
    torch.setPrintOptions({ sciMode: true });
    expect(String(torch.tensor([0.125]))).toBe('Tensor([1.25e-01])');
    expect(torch.getPrintOptions()).toEqual({ ...before, precision: 2, sciMode: true });
    torch.setPrintOptions({ sciMode: null });
    expect(String(torch.tensor([0.125]))).toBe('Tensor([0.12])');
  });

  test('what is given out cannot change them', () => {
    torch.getPrintOptions().precision = 9;
    expect(torch.getPrintOptions()).toEqual(before);
  });

  test.each<[string, object, RegExp]>([
    ['an unknown name', { digits: 3 }, /unknown option "digits"; there are precision/],
    ['a fraction', { precision: 1.5 }, /precision must be a whole number/],
    ['a negative number', { threshold: -1 }, /threshold/],
    ['no edge', { edgeItems: 0 }, /edgeItems/],
    ['no line', { lineWidth: 0 }, /lineWidth/],
    ['a word', { sciMode: 'yes' }, /sciMode must be true, false or null/],
  ])('%s is refused, and nothing is changed', (_name, options, words) => {
    const act = () => torch.setPrintOptions({ edgeItems: 5, ...options });
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(words) }));
    expect(torch.getPrintOptions()).toEqual(before);
  });
});
