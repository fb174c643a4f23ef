import { inspect } from 'node:util';

import { torch } from '../../lib/tensor';

test.each<[string, () => unknown, string]>([
  ['a vector', () => torch.tensor([1, 2.5, -0.1]), 'Tensor(shape=[3], dtype=float32, device=cpu) [1, 2.5, -0.1]'],
  ['a scalar', () => torch.tensor(3n), 'Tensor(shape=[], dtype=int64, device=cpu) 3'],
  ['booleans', () => torch.tensor([[true], [false]]), 'Tensor(shape=[2, 1], dtype=bool, device=cpu) [[true], [false]]'],
  ['complex', () => torch.tensor([{ re: 1, im: -2 }]), 'Tensor(shape=[1], dtype=complex64, device=cpu) [1-2i]'],
  ['nothing', () => torch.zeros([0, 3]), 'Tensor(shape=[0, 3], dtype=float32, device=cpu) []'],
  [
    'a long one',
    () => torch.arange(1000),
    'Tensor(shape=[1000], dtype=int64, device=cpu) [0, 1, 2, ..., 997, 998, 999]',
  ],
  [
    'a long dimension after a short one',
    () => torch.arange(20, { dtype: 'float16' }).view([2, 10]),
    'Tensor(shape=[2, 10], dtype=float16, device=cpu) [[0, 1, 2, ..., 7, 8, 9], [10, 11, 12, ..., 17, 18, 19]]',
  ],
  [
    'a leaf with gradients',
    () => torch.ones([1], { requiresGrad: true }),
    'Tensor(shape=[1], dtype=float32, device=cpu, requiresGrad) [1]',
  ],
  [
    'a computed one',
    () => torch.ones([1], { requiresGrad: true }).exp().log(),
    'Tensor(shape=[1], dtype=float32, device=cpu, gradFn=LogBackward0) [1]',
  ],
])('%s', (_name, make, text) => {
  const before = torch.memory().tensors;
  torch.scope(() => expect(inspect(make())).toBe(text));
  expect(torch.memory().tensors).toBe(before);
});

test('toString says nothing of the values', () => {
  expect(torch.zeros([2]).toString()).toBe('Tensor(shape=[2], dtype=float32, device=cpu)');
});
