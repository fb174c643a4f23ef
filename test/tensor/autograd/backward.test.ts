/** Gradients against hand-made values: backward, torch.autograd.backward, torch.autograd.grad, and their misuse. */
import { slice, torch, type Tensor } from '../../../lib/tensor';
import { thrown } from './thrown';

const { grad, backward } = torch.autograd;

describe('backward', () => {
  test('of a polynomial', () => {
    const x = torch.tensor([1, 2, 3], { requiresGrad: true });
    x.mul(x).mul(x).sum().backward();
    expect(x.grad!.toArray()).toEqual([3, 12, 27]);
  });

  test('of a product of matrices: dA = G B^T, dB = A^T G', () => {
    const a = torch.tensor([[1, 2], [3, 4]], { requiresGrad: true }); // prettier-ignore
    const b = torch.tensor([[5, 6], [7, 8]], { requiresGrad: true }); // prettier-ignore
    const gradient = torch.tensor([[1, 0], [0, 2]]); // prettier-ignore
    a.matmul(b).backward(gradient);
    expect(a.grad!.toArray()).toEqual([[5, 7], [12, 16]]); // prettier-ignore
    expect(b.grad!.toArray()).toEqual([[1, 6], [2, 8]]); // prettier-ignore
  });

  test('gradients gather, and are forgotten by grad = null', () => {
    const x = torch.tensor(2, { requiresGrad: true });
    x.mul(3).backward();
    x.mul(3).backward();
    expect(x.grad!.item()).toBe(6);
    x.grad = torch.tensor(1);
    x.mul(3).backward();
    expect(x.grad.item()).toBe(4);
    x.grad = null;
    expect(x.grad).toBeNull();
  });

  test('a graph is walked once, unless it is retained', () => {
    const x = torch.tensor(3, { requiresGrad: true });
    const y = x.mul(x);
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(x.grad!.item()).toBe(12);
    const error = thrown(() => y.backward());
    expect(error.code).toBe('ERR_AUTOGRAD');
    expect(error.message).toContain('retainGraph: true');
  });

  test('second derivatives by createGraph', () => {
    const x = torch.tensor(3, { requiresGrad: true });
    x.pow(3).backward(null, { createGraph: true });
    const first = x.grad!;
    x.grad = null;
    first.backward();
    expect(x.grad!.item()).toBe(18);
    x.grad = null;
  });

  test('inputs names the only tensors that get gradients', () => {
    const [a, b] = [torch.tensor(2, { requiresGrad: true }), torch.tensor(5, { requiresGrad: true })];
    a.mul(b).backward(null, { inputs: [a] });
    expect([a.grad!.item(), b.grad]).toEqual([5, null]);
  });

  test('of several tensors at once', () => {
    const x = torch.tensor([1, 2], { requiresGrad: true });
    backward([x.mul(2), x.sum()], [torch.tensor([1, 10]), null]);
    expect(x.grad!.toArray()).toEqual([3, 21]);
  });

  test('detach cuts the graph, leaves know themselves', () => {
    const x = torch.ones([1], { requiresGrad: true });
    const y = x.mul(x);
    expect([x.isLeaf, y.isLeaf, x.gradFn, y.gradFn]).toEqual([true, false, null, 'MulBackward0']);
    expect(y.detach().requiresGrad).toBe(false);
  });

  test('misuse is named', () => {
    const x = torch.ones([2], { requiresGrad: true });
    expect(thrown(() => x.mul(1).backward()).message).toMatch(/scalar/);
    expect(thrown(() => torch.ones([1]).backward()).message).toMatch(/require/);
    expect(thrown(() => x.add_(1))).toMatchObject({ code: 'ERR_AUTOGRAD', message: /leaf/ });
    expect(thrown(() => torch.ones([1], { dtype: 'int64', requiresGrad: true })).code).toBe('ERR_DTYPE');
    expect(thrown(() => (x.grad = torch.ones([3]))).code).toBe('ERR_SHAPE');
    expect(thrown(() => (x.mul(1).requiresGrad = false)).message).toMatch(/detach/);
    expect(thrown(() => x.mul(2).backward(torch.ones([3]))).code).toBe('ERR_SHAPE');
    expect(thrown(() => backward([])).code).toBe('ERR_ARGUMENT');
    expect(thrown(() => backward([x.sum()], [null, null])).code).toBe('ERR_ARGUMENT');
  });

  test('a saved tensor that was changed in place is named', () => {
    const x = torch.ones([3], { requiresGrad: true });
    const y = x.exp();
    const z = y.mul(2);
    y.add_(1);
    const error = thrown(() => z.sum().backward());
    expect(error.code).toBe('ERR_AUTOGRAD');
    expect(error.message).toMatch(/output 0 of Exp.*version 1.*expected version 0/s);
    expect(error.message).toContain('torch.autograd.detectAnomaly');
  });

  test.each([
    ['itself', (x: Tensor) => x.add_(1)],
    ['a view', (x: Tensor) => x.view(3, 1).add_(1)],
    ['a part by its index', (x: Tensor) => x.at(0).add_(1)],
    ['a range', (x: Tensor) => x.set(slice(1), 5)],
    ['a view of a view', (x: Tensor) => x.unsqueeze(0).at(0, slice(2)).zero_()],
  ])('a saved tensor without gradients that was changed through %s is noticed', (_way, change) => {
    const w = torch.ones([3], { requiresGrad: true });
    const x = torch.ones([3]);
    const z = w.mul(x).sum();
    change(x);
    expect(thrown(() => z.backward()).code).toBe('ERR_AUTOGRAD');
  });

  test('a requiresGrad tensor may be changed in place without gradients', () => {
    const x = torch.ones([2], { requiresGrad: true });
    torch.noGrad(() => x.sub_(0.5));
    expect([x.toArray(), x.requiresGrad]).toEqual([[0.5, 0.5], true]);
  });
});

describe('grad', () => {
  test('gives gradients and leaves grad alone', () => {
    const [x, w] = [torch.tensor([1, 2], { requiresGrad: true }), torch.tensor([3, 4], { requiresGrad: true })];
    const [dx, dw] = grad(x.mul(w).sum(), [x, w]);
    expect([dx!.toArray(), dw!.toArray(), x.grad, w.grad]).toEqual([[3, 4], [1, 2], null, null]);
  });

  test('with gradOutputs, and with respect to a computed tensor', () => {
    const x = torch.tensor([1, 2], { requiresGrad: true });
    const y = x.mul(3);
    const [dy] = grad([y.mul(y)], [y], { gradOutputs: [torch.tensor([1, 10])] });
    expect(dy!.toArray()).toEqual([6, 120]);
  });

  test('with createGraph gives derivatives of any order', () => {
    const x = torch.tensor(2, { dtype: 'float64', requiresGrad: true });
    let y = x.pow(4);
    const values: number[] = [];
    for (let order = 0; order < 4; order++) {
      [y] = grad(y, x, { createGraph: true }) as [typeof y];
      values.push(y.item());
    }
    expect(values).toEqual([32, 48, 48, 24]);
  });

  test('unused inputs: an error, null, or zeros', () => {
    const [x, other] = [torch.ones([2], { requiresGrad: true }), torch.ones([3], { requiresGrad: true })];
    const loss = () => x.sum();
    expect(thrown(() => grad(loss(), [x, other]))).toMatchObject({ code: 'ERR_AUTOGRAD', message: /inputs\[1\]/ });
    expect(grad(loss(), [x, other], { allowUnused: true })[1]).toBeNull();
    expect(grad(loss(), [x, other], { materializeGrads: true })[1]!.toArray()).toEqual([0, 0, 0]);
    expect(thrown(() => grad(loss(), other, { allowUnused: false, materializeGrads: true })).code).toBe('ERR_ARGUMENT');
  });

  test('inputs without gradients are named', () => {
    const x = torch.ones([2], { requiresGrad: true });
    expect(thrown(() => grad(x.sum(), [x, torch.ones([1])]))).toMatchObject({
      code: 'ERR_AUTOGRAD',
      message: /inputs\[1\]/,
    });
  });
});
