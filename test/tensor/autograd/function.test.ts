/** Functions whose derivative is written in TypeScript. */
import { torch, type FunctionContext, type Tensor } from '../../../lib/tensor';
import { collectGarbage } from '../garbage';
import { thrown } from './thrown';

const { Function, grad, gradcheck, gradgradcheck, onceDifferentiable } = torch.autograd;
const leaf = (values: number[], dtype: 'float32' | 'float64' = 'float32') =>
  torch.tensor(values, { dtype, requiresGrad: true });

class Cube extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    context.saveForBackward(x);
    return x.pow(3);
  }

  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    const [x] = context.savedTensors;
    return gradient.mul(x!.pow(2)).mul(3);
  }
}

class Exp extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    const y = x.exp();
    context.saveForBackward(y);
    return y;
  }

  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return gradient.mul(context.savedTensors[0]!);
  }
}

/** Two outputs, an argument that is no tensor, and one input without a gradient. */
class Scale extends Function {
  static forward(
    context: FunctionContext & { factor: number },
    x: Tensor,
    factor: number,
    y: Tensor,
  ): [Tensor, Tensor] {
    context.factor = factor;
    return [x.mul(factor), y.mul(factor)];
  }

  static backward(context: FunctionContext & { factor: number }, dx: Tensor, dy: Tensor): (Tensor | null)[] {
    return [dx.mul(context.factor), null, context.needsInputGrad[2] ? dy.mul(context.factor) : null];
  }
}

describe('a function of one input', () => {
  test('gives its derivative', () => {
    const x = leaf([1, 2, 3]);
    const y = Cube.apply(x);
    expect([y.toArray(), y.gradFn]).toEqual([[1, 8, 27], 'CubeBackward']);
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([3, 12, 27]);
  });

  test('has higher derivatives through its backward', () => {
    const x = leaf([2], 'float64');
    const [first] = grad(Cube.apply(x), x, { createGraph: true });
    const [second] = grad(first!, x, { createGraph: true });
    const [third] = grad(second!, x);
    expect([first!.item(), second!.item(), third!.item()]).toEqual([12, 12, 6]);
  });

  test('passes gradcheck and gradgradcheck, whether it saves an input or its output', () => {
    expect(gradcheck((x) => Cube.apply(x), [leaf([0.5, -1.5], 'float64')])).toBe(true);
    expect(gradgradcheck((x) => Cube.apply(x), [leaf([0.5, -1.5], 'float64')])).toBe(true);
    expect(gradcheck((x) => Exp.apply(x), [leaf([0.5, -1.5], 'float64')])).toBe(true);
    expect(gradgradcheck((x) => Exp.apply(x), [leaf([0.5, -1.5], 'float64')])).toBe(true);
  });

  test('records nothing without gradients', () => {
    const x = leaf([2]);
    expect(torch.noGrad(() => Cube.apply(x)).requiresGrad).toBe(false);
    expect(Cube.apply(torch.tensor([2])).requiresGrad).toBe(false);
  });

  test('is walked once, unless the graph is retained', () => {
    const x = leaf([2]);
    const y = Cube.apply(x);
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(x.grad!.item()).toBe(24);
    expect(thrown(() => y.backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /second time/ });
  });

  test('finds that what it saved was changed in place', () => {
    const x = leaf([2]);
    const y = x.mul(1);
    const z = Cube.apply(y);
    y.add_(1);
    expect(thrown(() => z.backward())).toMatchObject({ code: 'ERR_AUTOGRAD', message: /version 1/ });
  });
});

describe('outputs and arguments', () => {
  test('several outputs, values that are no tensors, and null gradients', () => {
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    const [a, b] = Scale.apply(x, 10, y);
    a.sum().add(b.mul(2).sum()).backward();
    expect([x.grad!.toArray(), y.grad!.toArray()]).toEqual([
      [10, 10],
      [20, 20],
    ]);
  });

  test('an output that is not used comes to backward as zeros', () => {
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    Scale.apply(x, 10, y)[0].sum().backward();
    expect([x.grad!.toArray(), y.grad!.toArray()]).toEqual([
      [10, 10],
      [0, 0],
    ]);
  });

  test('or as null, without materialised gradients', () => {
    const seen: unknown[] = [];
    class Both extends Function {
      static forward(context: FunctionContext, x: Tensor): [Tensor, Tensor] {
        context.setMaterializeGrads(false);
        return [x.mul(2), x.mul(3)];
      }
      static backward(_: FunctionContext, a: Tensor | null, b: Tensor | null): Tensor | null {
        seen.push(a === null, b === null);
        return b === null ? null : b.mul(3);
      }
    }
    const x = leaf([1]);
    Both.apply(x)[1].backward();
    expect([seen, x.grad!.item()]).toEqual([[true, false], 3]);
  });

  test('needsInputGrad tells which arguments want one', () => {
    let needs: readonly boolean[] = [];
    class Product extends Function {
      static forward(context: FunctionContext, x: Tensor, name: string, y: Tensor): Tensor {
        needs = context.needsInputGrad;
        context.saveForBackward(x, y);
        return x.mul(y.mul(name.length));
      }
      static backward(context: FunctionContext, gradient: Tensor): (Tensor | null)[] {
        const [x] = context.savedTensors as [Tensor];
        return [null, null, gradient.mul(x)];
      }
    }
    const y = leaf([3]);
    Product.apply(torch.tensor([2]), 'a', y).backward();
    expect([needs, y.grad!.item()]).toEqual([[false, false, true], 2]);
  });

  test('an output may be without a derivative', () => {
    class Sorted extends Function {
      static forward(context: FunctionContext, x: Tensor): [Tensor, Tensor] {
        const [values, order] = x.sort();
        context.markNonDifferentiable(order);
        context.saveForBackward(order);
        return [values, order];
      }
      static backward(context: FunctionContext, values: Tensor): Tensor {
        const [order] = context.savedTensors as [Tensor];
        return values.zerosLike().scatter(0, order, values);
      }
    }
    const x = leaf([3, 1, 2]);
    const [values, order] = Sorted.apply(x);
    expect([values.requiresGrad, order.requiresGrad]).toEqual([true, false]);
    values
      .mul(torch.tensor([1, 10, 100]))
      .sum()
      .backward();
    expect(x.grad!.toArray()).toEqual([100, 1, 10]);
  });

  test('an input may be changed in place and given back', () => {
    class Double extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.markDirty(x);
        return x.mul_(2);
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient.mul(2);
      }
    }
    const x = leaf([1, 2]);
    const y = x.mul(3);
    const z = Double.apply(y);
    expect([z.toArray(), z === y, y.gradFn]).toEqual([[6, 12], true, 'DoubleBackward']);
    z.sum().backward();
    expect(x.grad!.toArray()).toEqual([6, 6]);
    expect(thrown(() => Double.apply(x))).toMatchObject({ code: 'ERR_AUTOGRAD' });
  });

  test('an input given back as it is becomes a tensor of its own', () => {
    class Same extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x;
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient.neg();
      }
    }
    const x = leaf([1]);
    const y = Same.apply(x);
    y.backward();
    expect([y === x, x.grad!.item(), x.isLeaf]).toEqual([false, -1, true]);
  });
});

describe('scopes', () => {
  test('what forward saves outlives scopes in it and around it; what backward makes does not outlive it', async () => {
    class Square extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        return torch.scope(() => {
          const copy = x.mul(1);
          context.saveForBackward(copy);
          return copy.mul(copy);
        });
      }
      static backward(context: FunctionContext, gradient: Tensor): Tensor {
        const [x] = context.savedTensors as [Tensor];
        return gradient.mul(x.mul(2)).mul(1);
      }
    }
    await collectGarbage();
    const x = leaf([3]);
    const before = torch.memory().tensors;
    const y = torch.scope(() => Square.apply(x));
    expect(torch.memory().tensors).toBe(before + 1);
    y.backward();
    expect(torch.memory().tensors).toBe(before + 1);
    expect(x.grad!.item()).toBe(6);
    y.dispose();
  });

  test('many passes in one loop without pause leave nothing', async () => {
    await collectGarbage();
    const x = leaf([3]);
    x.grad = torch.zeros([1]);
    const before = torch.memory().tensors;
    for (let step = 0; step < 500; step++) torch.scope(() => Cube.apply(Exp.apply(x)).backward());
    expect(torch.memory().tensors).toBe(before);
  });
});

describe('onceDifferentiable', () => {
  class Once extends Function {
    static forward(context: FunctionContext, x: Tensor): Tensor {
      context.saveForBackward(x);
      return x.pow(2);
    }
    static backward = onceDifferentiable((context: FunctionContext, gradient: Tensor) => {
      expect(torch.isGradEnabled()).toBe(false);
      return gradient.mul(context.savedTensors[0]!).mul(2);
    });
  }

  test('gives the first derivative', () => {
    const x = leaf([3]);
    Once.apply(x).backward();
    expect(x.grad!.item()).toBe(6);
  });

  test('refuses the second', () => {
    const x = leaf([3]);
    const y = x.mul(1);
    const [first] = grad(Once.apply(y).mul(y), y, { createGraph: true });
    expect(first!.item()).toBe(27);
    expect(thrown(() => grad(first!, x)).message).toMatch(/onceDifferentiable/);
  });
});

describe('mistakes', () => {
  const withBackward = (backward: (...values: never[]) => unknown) =>
    class Wrong extends Function {
      static forward(_: FunctionContext, x: Tensor, factor: number): Tensor {
        return x.mul(factor);
      }
      static backward = backward as () => null;
    };

  test.each<[string, (...values: Tensor[]) => unknown, string, RegExp]>([
    ['too few gradients', (_, g) => g, 'ERR_AUTOGRAD', /1 gradients, but forward takes 2/],
    ['a gradient for a number', (_, g) => [g, g], 'ERR_AUTOGRAD', /argument 1 of forward/],
    ['no tensor', () => [1, null], 'ERR_ARGUMENT', /gradient 0/],
    ['another shape', () => [torch.ones([3]), null], 'ERR_SHAPE', /invalid gradient/],
  ])('%s', (_name, backward, code, message) => {
    const x = leaf([1, 1]);
    expect(thrown(() => withBackward(backward).apply(x, 2).sum().backward())).toMatchObject({ code, message });
  });

  test('errors in forward and backward come out as they are', () => {
    const [a, b] = [new Error('forward'), new Error('backward')];
    class Failing extends Function {
      static forward(_: FunctionContext, x: Tensor, early: boolean): Tensor {
        if (early) throw a;
        return x.mul(1);
      }
      static backward(): null {
        throw b;
      }
    }
    const x = leaf([1]);
    expect(thrown(() => Failing.apply(x, true))).toBe(a);
    expect(thrown(() => Failing.apply(x, false).backward())).toBe(b);
    expect(x.mul(1).requiresGrad).toBe(true);
  });

  test('a class without both methods', () => {
    class Half extends Function {
      static forward(_: FunctionContext, x: Tensor): Tensor {
        return x;
      }
    }
    expect(thrown(() => (Half as unknown as typeof Cube).apply(leaf([1])))).toMatchObject({
      code: 'ERR_ARGUMENT',
      message: /backward of Half/,
    });
  });

  test('saved tensors are for backward', () => {
    class Early extends Function {
      static forward(context: FunctionContext, x: Tensor): Tensor {
        context.saveForBackward(x);
        return context.savedTensors[0]!;
      }
      static backward(_: FunctionContext, gradient: Tensor): Tensor {
        return gradient;
      }
    }
    expect(thrown(() => Early.apply(leaf([1]))).code).toBe('ERR_AUTOGRAD');
  });
});
