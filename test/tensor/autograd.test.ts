/** Gradients: against hand-made values, finite differences, and across grad modes. */
import { gradcheck, torch } from '../../lib/tensor';

function thrown(fn: () => unknown): { code: string; message: string } {
  try {
    fn();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
}

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
    expect(thrown(() => y.backward()).code).toBe('ERR_TORCH');
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
    expect(thrown(() => x.add_(1)).message).toMatch(/leaf/);
    expect(thrown(() => torch.ones([1], { dtype: 'int64', requiresGrad: true })).code).toBe('ERR_DTYPE');
    expect(thrown(() => (x.grad = torch.ones([3]))).code).toBe('ERR_SHAPE');
    expect(thrown(() => (x.mul(1).requiresGrad = false)).message).toMatch(/detach/);
  });

  test('a requiresGrad tensor may be changed in place without gradients', () => {
    const x = torch.ones([2], { requiresGrad: true });
    torch.noGrad(() => x.sub_(0.5));
    expect([x.toArray(), x.requiresGrad]).toEqual([[0.5, 0.5], true]);
  });
});

describe('gradcheck', () => {
  const leaf = (shape: number[]) => torch.randn(shape, { dtype: 'float64', requiresGrad: true });

  test('agrees with right gradients', () => {
    gradcheck((x, w) => torch.logSoftmax(x.matmul(w), 1).mul(x.matmul(w)), [leaf([3, 4]), leaf([4, 2])]);
    gradcheck((x, w, b) => torch.layerNorm(x, [4], w, b).tanh(), [leaf([2, 4]), leaf([4]), leaf([4])]);
  });

  test('finds a wrong gradient', () => {
    // The detached factor hides half of the derivative.
    expect(thrown(() => gradcheck((x) => x.mul(x.detach()), [leaf([3])])).message).toMatch(/input 0, element 0/);
  });

  test('leaves its inputs as they were', () => {
    const x = leaf([3]);
    const before = x.toArray();
    gradcheck((y) => y.exp(), [x]);
    expect([x.toArray(), x.grad]).toEqual([before, null]);
  });

  test('refuses what says nothing', () => {
    expect(thrown(() => gradcheck((x) => x, [torch.ones([1], { requiresGrad: true })])).code).toBe('ERR_ARGUMENT');
  });
});
