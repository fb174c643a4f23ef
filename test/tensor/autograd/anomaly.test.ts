/** Anomaly detection names the operator of the forward pass and the place where it was called. */
import { torch, type FunctionContext, type Tensor } from '../../../lib/tensor';
import { thrown } from './thrown';

const { detectAnomaly, grad, Function } = torch.autograd;
const leaf = (values: number[]) => torch.tensor(values, { requiresGrad: true });

/** 0 * inf: the derivative of the root at zero, times a zero from above. */
function rootOfZero(x: Tensor): Tensor {
  return x.sqrt().mul(0).sum();
}

describe('a gradient that is no number', () => {
  test('is an error that names the operator and its caller', () => {
    const x = leaf([0, 1]);
    const error = detectAnomaly(() => thrown(() => rootOfZero(x).backward()));
    expect(error.code).toBe('ERR_NON_FINITE');
    expect(error.message).toMatch(/'SqrtBackward0' returned nan values in its 0th output/);
    expect(error.message).toMatch(
      /derivative of sqrt, called in the forward pass here:\n\s+at (sqrt|rootOfZero) .*anomaly\.test\.ts/,
    );
  });

  test('goes unnoticed outside, and with checkNan: false', () => {
    const x = leaf([0, 1]);
    rootOfZero(x).backward();
    expect(x.grad!.toArray()).toEqual([NaN, 0]);
    detectAnomaly(() => grad(rootOfZero(x), x), { checkNan: false });
    grad(rootOfZero(x), x);
  });

  test('is found in a graph that was made before', () => {
    const y = rootOfZero(leaf([0]));
    const error = detectAnomaly(() => thrown(() => y.backward()));
    expect(error.code).toBe('ERR_NON_FINITE');
    expect(error.message).toMatch(/SqrtBackward0/);
  });

  test('is found in second derivatives, back to the forward pass', () => {
    const x = leaf([0]);
    const error = detectAnomaly(() => {
      const [first] = grad(x.pow(1.5).sum(), x, { createGraph: true });
      return thrown(() => grad(first!.mul(0).sum(), x));
    });
    expect(error.code).toBe('ERR_NON_FINITE');
    expect(error.message).toMatch(/while differentiating PowBackward0.*anomaly\.test\.ts/s);
  });

  test('may come from a function of our own', () => {
    class Broken extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(NaN);
      }
    }
    const error = detectAnomaly(() => thrown(() => Broken.apply(leaf([1])).backward()));
    expect(error.message).toMatch(/'BrokenBackward'.*derivative of broken.*anomaly\.test\.ts/s);
  });
});

test('an operator that fails in the backward pass is named', () => {
  const x = leaf([1, 2]);
  const error = detectAnomaly(() => {
    const y = x.exp();
    const z = y.mul(2);
    y.add_(1);
    return thrown(() => z.sum().backward());
  });
  expect(error.code).toBe('ERR_AUTOGRAD');
  expect(error.message).toMatch(
    /modified by an inplace operation.*ExpBackward0 failed.*derivative of exp.*anomaly\.test/s,
  );
});

test('errors of hooks stay as they are', () => {
  const mine = new Error('mine');
  const found = detectAnomaly(() => {
    const x = leaf([1]);
    const y = x.mul(2);
    y.registerHook(() => {
      throw mine;
    });
    return thrown(() => y.backward());
  });
  expect(found).toBe(mine);
  expect(mine.message).toBe('mine');
});

test('follows await, and does not reach work beside it', async () => {
  const x = leaf([0]);
  const tick = () => new Promise((resolve) => setImmediate(resolve));
  const watched = detectAnomaly(async () => {
    await tick();
    const y = rootOfZero(x);
    await tick();
    return thrown(() => y.backward()).code;
  });
  const plain = (async () => {
    for (let i = 0; i < 4; i++) {
      expect(grad(rootOfZero(x), x)[0]!.item()).toBeNaN();
      await tick();
    }
  })();
  expect(await watched).toBe('ERR_NON_FINITE');
  await plain;
});
