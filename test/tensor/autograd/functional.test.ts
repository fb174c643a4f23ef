/** Jacobians, Hessians and their products with vectors, against values by hand. */
import { torch, type Tensor } from '../../../lib/tensor';
import { thrown } from './thrown';

const { jacobian, hessian, vjp, jvp, hvp } = torch.autograd.functional;
const double = (values: number[] | number[][]) => torch.tensor(values, { dtype: 'float64' });

test('jacobian of one and of several', () => {
  const x = double([1, 2, 3]);
  expect(jacobian((y: Tensor) => y.pow(2), x).toArray()).toEqual([
    [2, 0, 0],
    [0, 4, 0],
    [0, 0, 6],
  ]);
  const [byX, byY] = jacobian((a, b) => a.mul(b).sum(), [x, double([4, 5, 6])]);
  expect([byX!.toArray(), byY!.toArray()]).toEqual([
    [4, 5, 6],
    [1, 2, 3],
  ]);
  const [sum, pair] = jacobian((y: Tensor) => [y.sum(), y.narrow(0, 0, 2)], x);
  expect([sum!.toArray(), pair!.shape]).toEqual([
    [1, 1, 1],
    [2, 3],
  ]);
  expect(x.requiresGrad).toBe(false);
});

test('jacobian of what does not depend: zeros, or an error', () => {
  const x = double([1, 2]);
  const fn = (): Tensor => double([5]);
  expect(jacobian(fn, x).toArray()).toEqual([[0, 0]]);
  expect(thrown(() => jacobian(fn, x, { strict: true })).code).toBe('ERR_AUTOGRAD');
});

test('jacobian can be differentiated', () => {
  const x = double([2]).requiresGrad_();
  const [second] = torch.autograd.grad(jacobian((y: Tensor) => y.pow(3), x, { createGraph: true }).sum(), x);
  expect(second!.toArray()).toEqual([12]);
});

test('hessian', () => {
  const x = double([1, 2]);
  const cubic = (y: Tensor) => y.pow(3).sum().add(y.prod());
  expect(hessian(cubic, x).toArray()).toEqual([
    [6, 1],
    [1, 12],
  ]);
  const blocks = hessian((a, b) => a.mul(b).sum(), [double([1]), double([2])]);
  expect(blocks.map((row) => row.map((block) => block.toArray()))).toEqual([
    [[[0]], [[1]]],
    [[[1]], [[0]]],
  ]);
  expect(thrown(() => hessian((y: Tensor) => y.mul(2), x)).code).toBe('ERR_SHAPE');
});

test('products with vectors agree with the whole matrix', () => {
  const x = double([0.5, -1, 2]);
  const w = double([[1, 2, 3], [4, 5, 6]]); // prettier-ignore
  const fn = (y: Tensor) => w.matmul(y).tanh();
  const whole = jacobian(fn, x);
  const close = (a: Tensor, b: Tensor) => expect(a.sub(b).abs().max().item()).toBeLessThan(1e-12);
  const [output, left] = vjp(fn, x, double([1, -1]));
  close(output, fn(x));
  close(left, double([1, -1]).matmul(whole));
  close(jvp(fn, x, double([1, 2, 3]))[1], whole.matmul(double([1, 2, 3])));
  const scalar = (y: Tensor) => fn(y).pow(2).sum();
  close(hvp(scalar, x, double([1, 2, 3]))[1], hessian(scalar, x).matmul(double([1, 2, 3])));
  expect(thrown(() => jvp(fn, x)).code).toBe('ERR_SHAPE');
});
