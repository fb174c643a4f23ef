/** Activation checkpointing: the same gradients, from less memory. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { torch, type Tensor } from '../../../lib/tensor';
import { collectGarbage } from '../garbage';
import { thrown } from './thrown';

const { checkpoint, grad } = torch.autograd;
const leaf = (shape: number[]) => torch.randn(shape, { dtype: 'float64', requiresGrad: true });
const live = () => torch.memory().tensors;

interface Golden {
  checkpoint: { x: number[][]; weights: number[][][] };
}
const golden = JSON.parse(readFileSync(path.join(__dirname, '../../fixtures/autograd/golden.json'), 'utf8')) as Golden;

const layer = (x: Tensor, w: Tensor) => x.matmul(w).tanh();

/** Gradients of x and of the weights, with the function given to run each layer. */
function gradientsWith(run: (x: Tensor, w: Tensor) => Tensor, x: Tensor, weights: readonly Tensor[]): unknown[] {
  let y = x;
  for (const w of weights) y = run(y, w);
  return grad(y.pow(2).sum(), [x, ...weights]).map((each) => each.toArray());
}

test("gives PyTorch's gradients", () => {
  const x = torch.linspace(-1, 1, 12, { dtype: 'float64' }).reshape([3, 4]).requiresGrad_();
  const weights = [1, 2].map((k) =>
    torch.linspace(-0.5, 0.7, 16, { dtype: 'float64' }).reshape([4, 4]).mul(k).detach().requiresGrad_(),
  );
  let y: Tensor = x;
  for (const w of weights) y = checkpoint(layer, y, w);
  y.pow(2).sum().backward();
  const close = (found: Tensor, expected: unknown) =>
    expect(
      found
        .sub(torch.tensor(expected as number[][], { dtype: 'float64' }))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-14);
  close(x.grad!, golden.checkpoint.x);
  weights.forEach((w, index) => close(w.grad!, golden.checkpoint.weights[index]));
});

describe('gives the gradients of the plain function', () => {
  const x = leaf([3, 4]);
  const weights = [leaf([4, 4]), leaf([4, 4]), leaf([4, 4])];
  const plain = gradientsWith(layer, x, weights);

  test('each layer', () => {
    expect(gradientsWith((y, w) => checkpoint(layer, y, w), x, weights)).toEqual(plain);
  });

  test('without an early stop, and without looking at what is saved', () => {
    const options = { earlyStop: false, determinismCheck: 'none' } as const;
    expect(gradientsWith((y, w) => checkpoint(options, layer, y, w), x, weights)).toEqual(plain);
  });

  test('nested three deep', () => {
    const nested = (y: Tensor, w: Tensor) =>
      checkpoint((a: Tensor) => checkpoint((b: Tensor) => checkpoint(layer, b, w), a), y);
    expect(gradientsWith(nested, x, weights)).toEqual(plain);
    const whole = (y: Tensor) =>
      checkpoint(
        (a: Tensor) =>
          checkpoint(layer, checkpoint(layer, checkpoint(layer, a, weights[0]!), weights[1]!), weights[2]!),
        y,
      );
    expect(grad(whole(x).pow(2).sum(), [x, ...weights]).map((each) => each.toArray())).toEqual(plain);
  });

  test('weights that the function reaches by itself', () => {
    expect(gradientsWith((y, w) => checkpoint((a: Tensor) => layer(a, w), y), x, weights)).toEqual(plain);
  });

  test('several passes over a retained graph', () => {
    const y = checkpoint(layer, x, weights[0]!).sum();
    const [first] = grad(y, [x], { retainGraph: true });
    const [second] = grad(y, [x]);
    expect(second!.toArray()).toEqual(first!.toArray());
  });

  test('inside scopes that end before the backward pass', () => {
    const y = torch.scope(() => checkpoint(layer, x.mul(1), weights[0]!).sum());
    const expected = torch.scope(() => grad(layer(x, weights[0]!).sum(), [x])[0]!.toArray());
    expect(grad(y, [x])[0]!.toArray()).toEqual(expected);
  });

  test('second derivatives', () => {
    const second = (run: (x: Tensor) => Tensor) => {
      const [first] = grad(run(x).sum(), [x], { createGraph: true });
      return grad(first!.pow(2).sum(), [x])[0]!.toArray();
    };
    const plainSecond = second((y) => layer(y, weights[0]!)) as number[][];
    const found = second((y) => checkpoint(layer, y, weights[0]!)) as number[][];
    found.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(plainSecond[i]![j]!, 12)));
  });

  test('functions of our own inside', () => {
    class Square extends torch.autograd.Function {
      static forward(context: import('../../../lib/tensor').FunctionContext, y: Tensor): Tensor {
        context.saveForBackward(y);
        return y.mul(y);
      }
      static backward(context: import('../../../lib/tensor').FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(context.savedTensors[0]!).mul(2);
      }
    }
    const run = (y: Tensor) => Square.apply(Square.apply(y.tanh()));
    expect(grad(checkpoint(run, x).sum(), [x])[0]!.toArray()).toEqual(grad(run(x).sum(), [x])[0]!.toArray());
  });
});

test('draws the same random numbers again, and leaves the generator alone', () => {
  const x = leaf([100]);
  const masks: unknown[] = [];
  const fn = (y: Tensor) => {
    const mask = torch.rand([100]).gt(0.5);
    masks.push(mask.toArray());
    return y.mul(mask).tanh();
  };
  const y = checkpoint({ earlyStop: false }, fn, x).sum();
  const before = torch.getRngState().toArray();
  y.backward();
  expect(masks[1]).toEqual(masks[0]);
  expect(torch.getRngState().toArray()).toEqual(before);
});

test('runs again under the modes of the first time', () => {
  const x = torch.ones([4, 4], { requiresGrad: true });
  const dtypes: string[] = [];
  const fn = (y: Tensor) => {
    const product = y.matmul(y);
    dtypes.push(product.dtype, String(torch.isGradEnabled()));
    return product.mul(2).tanh();
  };
  const y = torch.autocast({ device: 'cpu' }, () => checkpoint(fn, x));
  y.float().sum().backward();
  expect(dtypes).toEqual(['bfloat16', 'true', 'bfloat16', 'true']);
  expect(x.matmul(x).dtype).toBe('float32');
});

test('without gradients the function just runs', () => {
  let runs = 0;
  const y = torch.noGrad(() => checkpoint((x: Tensor) => (runs++, x.mul(2)), torch.ones([2])));
  expect([y.toArray(), runs, y.requiresGrad]).toEqual([[2, 2], 1, false]);
});

describe('memory', () => {
  const depth = 8;
  const deep = (y: Tensor) => {
    for (let i = 0; i < depth; i++) y = y.tanh();
    return y;
  };

  test('what the function makes is gone until the backward pass, and after it', async () => {
    await collectGarbage();
    const x = torch.randn([64, 64], { requiresGrad: true });
    x.grad = torch.zeros([64, 64]);
    const before = live();
    let most = 0;
    torch.scope(() => {
      const y = checkpoint(deep, x);
      expect(live() - before).toBeLessThan(6); // y, the generator's state
      y.registerHook(() => void (most = live()));
      y.sum().backward();
    });
    expect(most).toBeGreaterThan(before);
    expect(live() - before).toBeLessThan(2);
  });

  test('hundreds of steps in one loop without pause hold no more than one', async () => {
    await collectGarbage();
    const x = torch.randn([16, 16], { requiresGrad: true });
    x.grad = torch.zeros([16, 16]);
    const after = () => {
      torch.scope(() => checkpoint(deep, checkpoint(deep, x)).sum().backward());
      return live();
    };
    const first = after();
    let last = 0;
    for (let step = 0; step < 200; step++) last = after();
    expect(last).toBeLessThanOrEqual(first);
    await collectGarbage();
  });

  test('a graph that is never walked is given back, too', async () => {
    await collectGarbage();
    const x = torch.randn([16, 16], { requiresGrad: true });
    const before = live();
    torch.scope(() => checkpoint(deep, x));
    await collectGarbage();
    expect(live()).toBe(before);
  });
});

describe('mistakes', () => {
  const x = leaf([3]);

  test('a function that does something else the second time', () => {
    let runs = 0;
    const fewer = (y: Tensor) => (runs++ === 0 ? y.exp().tanh() : y.exp());
    const one = checkpoint(fewer, x).sum();
    expect(thrown(() => one.backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /saved 2 tensors.* 1 when/s });
    runs = 0;
    const more = (y: Tensor) => (runs++ === 0 ? y.exp() : y.exp().tanh());
    const two = checkpoint({ earlyStop: false }, more, x).sum();
    expect(thrown(() => two.backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /more than 1/ });
    runs = 0;
    const other = (y: Tensor) => (runs++ === 0 ? y.exp() : y.reshape([3, 1]).exp().reshape([3]));
    const three = checkpoint(other, x).sum();
    expect(thrown(() => three.backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /\[3\].*\[3, 1\]/ });
  });

  test('an input changed in place in between', () => {
    const y = x.mul(1);
    const z = checkpoint((a: Tensor) => a.exp(), y).sum();
    y.add_(1);
    expect(thrown(() => z.backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /version/ });
  });

  test('errors of the function come out both times', () => {
    const mine = new Error('mine');
    let runs = 0;
    const failing = (y: Tensor) => {
      if (runs++ === 1) throw mine;
      return y.exp();
    };
    const y = checkpoint(failing, x).sum();
    expect(thrown(() => y.backward())).toBe(mine);
    expect(thrown(() => checkpoint(failing, null as never)).message).toMatch(/null/);
  });

  test('asynchronous functions, and what is no function', () => {
    expect(thrown(() => checkpoint(async (y: Tensor) => Promise.resolve(y), x)).code).toBe('ERR_ARGUMENT');
    expect(thrown(() => checkpoint(undefined as never, x)).code).toBe('ERR_ARGUMENT');
  });
});
