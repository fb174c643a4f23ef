/** gradcheck and gradgradcheck find wrong derivatives, pass right ones, and leave their inputs alone. */
import { gradcheck, gradgradcheck, torch, type FunctionContext, type Tensor } from '../../../lib/tensor';
import { thrown } from './thrown';

const { Function, onceDifferentiable } = torch.autograd;
const leaf = (shape: number[], dtype: 'float64' | 'complex128' = 'float64') =>
  torch.randn(shape, { dtype, requiresGrad: true });

beforeEach(() => torch.manualSeed(3));

/** x², whose derivative is multiplied by `factor`. */
class Square extends Function {
  static forward(context: FunctionContext & { factor: number }, x: Tensor, factor: number): Tensor {
    context.factor = factor;
    context.saveForBackward(x);
    return x.mul(x);
  }

  static backward(context: FunctionContext & { factor: number }, gradient: Tensor): [Tensor, null] {
    return [gradient.mul(context.savedTensors[0]!).mul(2 * context.factor), null];
  }
}

describe('agrees with right derivatives', () => {
  test.each<[string, (...inputs: Tensor[]) => Tensor | Tensor[], number[][]]>([
    ['of products and softmax', (x, w) => torch.logSoftmax(x.matmul(w), 1).mul(x.matmul(w)), [[3, 4], [4, 2]]],
    ['of a norm', (x, w, b) => torch.layerNorm(x, [4], w, b).tanh(), [[2, 4], [4], [4]]],
    ['of several outputs', (x) => [x.exp(), x.sum()], [[3]]],
    ['of views', (x) => x.transpose(0, 1).select(0, 1), [[2, 3]]],
    ['of a solution', (a, b) => torch.linalg.solve(a.add(torch.eye(3).mul(4)), b), [[3, 3], [3, 2]]],
    ['of an empty tensor', (x) => x.mul(2), [[0]]],
  ])('%s', (_name, fn, shapes) => {
    const inputs = shapes.map((shape) => leaf(shape));
    expect(gradcheck(fn, inputs)).toBe(true);
    expect(gradgradcheck(fn, inputs)).toBe(true);
  }); // prettier-ignore

  test('of complex numbers', () => {
    const [z, w] = [leaf([3], 'complex128'), leaf([3], 'complex128')];
    expect(gradcheck((a, b) => a.mul(b).exp(), [z, w])).toBe(true);
    expect(gradcheck((a) => a.abs(), [z])).toBe(true);
    expect(gradcheck((x) => torch.fft.rfft(x), [leaf([4])])).toBe(true);
    expect(gradgradcheck((a, b) => a.mul(b.conj()), [z, w])).toBe(true);
  });

  test('of functions that take other values, too', () => {
    expect(gradcheck((x, factor) => x.mul(factor), [leaf([2]), 3])).toBe(true);
    const fixed = torch.randn([2], { dtype: 'float64' });
    expect(gradcheck((x, y) => x.mul(y), [leaf([2]), fixed])).toBe(true);
  });

  test('gradOutputs may be given to gradgradcheck', () => {
    const seed = torch.tensor([1, -2], { dtype: 'float64', requiresGrad: true });
    expect(gradgradcheck((x) => Square.apply(x, 1), [leaf([2])], seed)).toBe(true);
  });
});

describe('finds', () => {
  test('a wrong derivative, and names the element', () => {
    const x = torch.tensor([0.5, 0, 2], { dtype: 'float64', requiresGrad: true });
    const error = thrown(() => gradcheck((y) => Square.apply(y, 1.5), [x]));
    expect(error.code).toBe('ERR_AUTOGRAD');
    expect(error.message).toMatch(
      /Jacobian mismatch for output 0 with respect to input 0, worst at output element 2, input element 2/,
    );
    expect(error.message).toMatch(/numerical: [34]\..*\nanalytical: 6/);
  });

  test('half of a derivative hidden by detach', () => {
    expect(thrown(() => gradcheck((x) => x.mul(x.detach()), [leaf([3])])).message).toMatch(/mismatch/);
  });

  test('a first derivative that is right and a second that is not', () => {
    class Cube extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.saveForBackward(x);
        return x.pow(3);
      }
      static backward(context: FunctionContext, gradient: Tensor): Tensor {
        const [x] = context.savedTensors as [Tensor];
        return gradient.mul(x.mul(x.detach())).mul(3);
      }
    }
    expect(gradcheck((x) => Cube.apply(x), [leaf([3])])).toBe(true);
    expect(thrown(() => gradgradcheck((x) => Cube.apply(x), [leaf([3])])).message).toMatch(/mismatch/);
  });

  test('a second derivative that is refused', () => {
    class Once extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.saveForBackward(x);
        return x.mul(x);
      }
      static backward = onceDifferentiable((context: FunctionContext, gradient: Tensor) =>
        gradient.mul(context.savedTensors[0]!).mul(2),
      );
    }
    expect(gradcheck((x) => Once.apply(x), [leaf([2])])).toBe(true);
    expect(thrown(() => gradgradcheck((x) => Once.apply(x), [leaf([2])])).message).toMatch(/onceDifferentiable/);
  });

  test('a backward that is not the same twice', () => {
    let calls = 0;
    class Restless extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x.mul(1);
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(1 + 1e-9 * calls++);
      }
    }
    const check = (nondetTol: number) => gradcheck((x) => Restless.apply(x), [leaf([2])], { nondetTol });
    expect(thrown(() => check(0)).message).toMatch(/not reentrant/);
    expect(check(1e-6)).toBe(true);
  });

  test('a backward that invents gradients', () => {
    class Inventing extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.setMaterializeGrads(false);
        context.saveForBackward(x);
        return x.mul(1);
      }
      static backward(context: FunctionContext, gradient: Tensor | null): Tensor {
        return gradient ?? context.savedTensors[0]!;
      }
    }
    const check = (checkUndefinedGrad: boolean) =>
      gradcheck((x) => Inventing.apply(x), [leaf([2])], { checkUndefinedGrad });
    expect(thrown(() => check(true)).message).toMatch(/outputs without gradients/);
    expect(check(false)).toBe(true);
  });

  test('a dependence that is not recorded', () => {
    expect(thrown(() => gradcheck((x) => x.detach().mul(2), [leaf([2])])).message).toMatch(/not zero/);
    expect(gradcheck((x) => x.detach().sign(), [leaf([2])])).toBe(true);
  });

  test('and says so without an error, if asked', () => {
    expect(gradcheck((x) => Square.apply(x, 2), [leaf([2])], { raiseException: false })).toBe(false);
    const failing = () =>
      gradcheck((_: Tensor) => torch.ones([1]).add(torch.ones([5, 5]).reshape([3])), [leaf([1])], {
        raiseException: false,
      });
    expect(thrown(failing).code).toBe('ERR_SHAPE');
  });
});

test('leaves its inputs as they were', () => {
  const x = leaf([3]);
  const before = x.toArray();
  gradcheck((y) => y.exp(), [x]);
  thrown(() => gradcheck((y) => (y.item(), y), [x]));
  expect([x.toArray(), x.grad]).toEqual([before, null]);
});

test('refuses what says nothing', () => {
  const same = (x: Tensor) => x;
  expect(thrown(() => gradcheck(same, [torch.ones([1], { requiresGrad: true })])).code).toBe('ERR_ARGUMENT');
  expect(thrown(() => gradcheck(same, [torch.ones([1], { dtype: 'float64' })])).code).toBe('ERR_ARGUMENT');
  const shared = torch.ones([1], { dtype: 'float64' }).expand([3]).requiresGrad_();
  expect(thrown(() => gradcheck(same, [shared])).message).toMatch(/share memory/);
  expect(thrown(() => gradcheck((_: Tensor) => 5 as never, [leaf([1])])).code).toBe('ERR_ARGUMENT');
});
