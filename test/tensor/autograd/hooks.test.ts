/** Hooks on tensors, and how what they throw, keep and do comes out. */
import { torch, type Tensor } from '../../../lib/tensor';
import { collectGarbage } from '../garbage';
import { thrown } from './thrown';

const leaf = (values: number[]) => torch.tensor(values, { requiresGrad: true });

describe('registerHook', () => {
  test('hears of gradients, and may replace them', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    const heard: unknown[] = [];
    y.registerHook((gradient) => {
      heard.push(gradient.toArray());
      return gradient.mul(10);
    });
    y.registerHook((gradient) => void heard.push(gradient.toArray()));
    y.sum().backward();
    expect(heard).toEqual([
      [1, 1],
      [10, 10],
    ]);
    expect(x.grad!.toArray()).toEqual([30, 30]);
  });

  test('on a leaf, before the gradient is gathered', () => {
    const x = leaf([1, 2]);
    x.registerHook((gradient) => gradient.neg());
    x.sum().backward();
    expect(x.grad!.toArray()).toEqual([-1, -1]);
  });

  test('remove ends it, twice is harmless, and others stay', () => {
    const x = leaf([1]);
    const heard: string[] = [];
    const first = x.registerHook(() => void heard.push('first'));
    x.registerHook(() => void heard.push('second'));
    first.remove();
    first.remove();
    x.sum().backward();
    expect(heard).toEqual(['second']);
  });

  test('may be removed after the tensor was disposed', () => {
    const x = leaf([1]);
    const y = x.mul(2);
    let heard = 0;
    const hook = y.registerHook(() => void heard++);
    const loss = y.sum();
    y.dispose();
    hook.remove();
    loss.backward();
    expect([heard, x.grad!.item()]).toEqual([0, 2]);
  });

  test('its error is the error of backward, the very same, and backward works again', () => {
    const x = leaf([1]);
    const mine = new RangeError('mine');
    const hook = x.registerHook(() => {
      throw mine;
    });
    const error = thrown(() => x.sum().backward());
    expect(error).toBe(mine);
    expect((error as unknown as Error).stack).toContain('hooks.test.ts');
    hook.remove();
    x.sum().backward();
    expect(x.grad!.item()).toBe(1);
  });

  test('may throw anything', () => {
    const x = leaf([1]);
    x.registerHook(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw 'a word';
    });
    expect(thrown(() => x.sum().backward())).toBe('a word');
  });

  test('runs without gradients, and with them under createGraph', () => {
    const x = leaf([1]);
    const modes: boolean[] = [];
    const y = x.mul(x);
    y.registerHook(() => void modes.push(torch.isGradEnabled(), x.mul(2).requiresGrad));
    y.backward(null, { retainGraph: true });
    y.backward(null, { createGraph: true });
    expect(modes).toEqual([false, false, true, true]);
    expect([torch.isGradEnabled(), x.mul(2).requiresGrad]).toEqual([true, true]);
    x.grad = null;
  });

  test('what it does to modes ends with it', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    y.registerHook((gradient) => torch.enableGrad(() => gradient.mul(x)).detach());
    y.mul(y).sum().backward();
    expect(x.grad!.toArray()).toEqual([18, 72]);
    expect(x.mul(1).requiresGrad).toBe(true);
  });

  test('may compute gradients itself', () => {
    const x = leaf([2]);
    const y = x.mul(3);
    y.registerHook((gradient) => torch.enableGrad(() => torch.autograd.grad(x.pow(3).sum(), x)[0]!).mul(gradient));
    y.sum().backward();
    expect(x.grad!.item()).toBe(36);
  });

  test('nested deeper than libtorch nests on one thread', () => {
    const depth = (left: number): number => {
      const x = leaf([1]);
      const y = x.mul(2);
      let below = 0;
      y.registerHook(() => void (below = left === 0 ? 0 : torch.enableGrad(() => depth(left - 1))));
      y.sum().backward();
      return below + x.grad!.item() / 2;
    };
    expect(depth(40)).toBe(41);
  });

  test('refuses what can have no gradient, and wrong results', () => {
    expect(thrown(() => torch.ones([1]).registerHook(() => null))).toMatchObject({ code: 'ERR_AUTOGRAD' });
    const x = leaf([1, 2]);
    expect(thrown(() => x.registerHook('no' as never)).code).toBe('ERR_ARGUMENT');
    const wrong = x.registerHook(() => torch.ones([3]));
    expect(thrown(() => x.sum().backward()).message).toMatch(/changed the size/);
    wrong.remove();
    x.registerHook(() => 5 as never);
    expect(thrown(() => x.sum().backward()).code).toBe('ERR_ARGUMENT');
  });
});

test('retainGrad keeps the gradient of a computed tensor', () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  expect(y.retainsGrad).toBe(false);
  y.retainGrad();
  y.mul(y).sum().backward();
  expect([y.retainsGrad, y.grad!.toArray()]).toEqual([true, [6, 12]]);
});

describe('registerPostAccumulateGradHook', () => {
  test('gets the leaf itself, with its gradient, in the middle of the pass', () => {
    const x = leaf([1, 2]);
    const seen: unknown[] = [];
    const hook = x.registerPostAccumulateGradHook((parameter) => {
      seen.push(parameter === x, parameter.grad!.toArray());
      torch.noGrad(() => parameter.sub_(parameter.grad!));
      parameter.grad = null;
    });
    x.mul(5).sum().backward();
    expect(seen).toEqual([true, [5, 5]]);
    expect([x.toArray(), x.grad]).toEqual([[-4, -3], null]);
    hook.remove();
    x.sum().backward();
    expect(seen.length).toBe(2);
  });

  test('one may remove itself, the next still runs', () => {
    const x = leaf([1]);
    const seen: string[] = [];
    const first = x.registerPostAccumulateGradHook(() => {
      seen.push('first');
      first.remove();
    });
    x.registerPostAccumulateGradHook(() => void seen.push('second'));
    x.sum().backward();
    x.sum().backward();
    expect(seen).toEqual(['first', 'second', 'second']);
  });

  test('is for leaves, and no place for another backward pass', () => {
    const x = leaf([1]);
    expect(thrown(() => x.mul(1).registerPostAccumulateGradHook(() => undefined)).code).toBe('ERR_AUTOGRAD');
    x.registerPostAccumulateGradHook(() => torch.enableGrad(() => x.mul(2).sum().backward()));
    expect(thrown(() => x.sum().backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /post-accumulate/ });
  });
});

describe('lifetime', () => {
  const forgotten = async (make: () => object): Promise<boolean> => {
    const reference = new WeakRef(make());
    for (let round = 0; round < 5 && reference.deref() !== undefined; round++) await collectGarbage();
    return reference.deref() === undefined;
  };

  test('a hook is forgotten with its graph, when a scope ends', async () => {
    const x = leaf([1]);
    expect(
      await forgotten(() => {
        const kept = { gradients: [] as Tensor[] };
        torch.scope(() => {
          const y = x.mul(2);
          y.registerHook((gradient) => void kept.gradients.push(gradient));
          y.sum().backward();
        });
        return kept;
      }),
    ).toBe(true);
  });

  test('a hook is forgotten once it is removed, while the tensor lives', async () => {
    const x = leaf([1]);
    expect(
      await forgotten(() => {
        const kept = {};
        x.registerHook(() => void kept).remove();
        return kept;
      }),
    ).toBe(true);
    x.sum().backward();
  });

  test('a graph outside scopes goes with its tensors, and its hooks with it', async () => {
    const x = leaf([1]);
    expect(
      await forgotten(() => {
        const kept = {};
        const y = x.mul(2);
        y.registerHook(() => void kept);
        y.sum().backward();
        return kept;
      }),
    ).toBe(true);
  });

  test('an error that a hook threw is not kept', async () => {
    const x = leaf([1]);
    expect(
      await forgotten(() => {
        const error = new Error('mine');
        const hook = x.registerHook(() => {
          throw error;
        });
        thrown(() => x.sum().backward());
        hook.remove();
        thrown(() => torch.ones([1]).backward());
        return error;
      }),
    ).toBe(true);
  });

  test('gradients given to hooks belong to the scope around backward', () => {
    const x = leaf([1]);
    let gradient: Tensor | undefined;
    torch.scope(() => {
      const y = x.mul(2);
      y.registerHook((each) => void (gradient = each));
      y.sum().backward();
      expect(gradient!.item()).toBe(1);
    });
    expect(gradient!.isDisposed).toBe(true);
  });
});
