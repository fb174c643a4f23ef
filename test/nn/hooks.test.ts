/** Hooks of modules: they run whoever calls forward, in order, and can be removed. */
import * as nn from '../../lib/nn';
import { torch, type Tensor } from '../../lib/tensor';

class Mlp extends nn.Module {
  readonly up = new nn.Linear(2, 3, { dtype: 'float64' });
  readonly act = new nn.Tanh();
  override forward(x: Tensor): Tensor {
    return this.act.forward(this.up.forward(x));
  }
}
const ones = () => torch.ones([1, 2], { dtype: 'float64' });
const code = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

test('forward hooks run around forward, in order, also of modules that others call', () => {
  const net = new Mlp();
  const calls: string[] = [];
  net.registerForwardPreHook((module, [x]) => void calls.push(`before ${module.constructor.name} [${x.shape.join()}]`));
  net.up.registerForwardHook((_, [x], y) => void calls.push(`up [${x.shape.join()}] to [${y.shape.join()}]`));
  net.registerForwardHook(() => void calls.push('second'));
  net.registerForwardHook(() => void calls.push('first'), { prepend: true });
  new nn.Sequential(net).forward(ones());
  expect(calls).toEqual(['before Mlp [1,2]', 'up [1,2] to [1,3]', 'first', 'second']);
});

test('hooks change inputs and outputs', () => {
  const relu = new nn.ReLU();
  const change = relu.registerForwardPreHook((_, [x]) => [x.neg()]);
  const double = relu.registerForwardHook((_module, _inputs, y) => y.mul(2));
  expect(relu.forward(torch.tensor([-1, 2])).toArray()).toEqual([2, 0]);
  change.remove();
  expect(relu.forward(torch.tensor([-1, 2])).toArray()).toEqual([0, 4]);
  double.remove();
  double.remove();
  expect(relu.forward(torch.tensor([-1, 2])).toArray()).toEqual([0, 2]);
  expect(Object.hasOwn(relu, 'forward')).toBe(false);
});

test('one hook registered twice runs twice, and each handle removes one', () => {
  const relu = new nn.ReLU();
  let count = 0;
  const hook = () => void count++;
  const [first] = [relu.registerForwardHook(hook), relu.registerForwardHook(hook)];
  relu.forward(ones());
  expect(count).toBe(2);
  first.remove();
  relu.forward(ones());
  expect(count).toBe(3);
});

test('a hook that removes itself while it runs leaves the others to run', () => {
  const relu = new nn.ReLU();
  let count = 0;
  const handle: nn.RemovableHandle = relu.registerForwardHook(() => handle.remove());
  relu.registerForwardHook(() => void count++);
  relu.forward(ones());
  relu.forward(ones());
  expect(count).toBe(2);
});

test("forwards that are properties, subclasses' and replaced ones are hooked too, once", () => {
  class Arrow extends nn.Module {
    override forward = (x: Tensor): Tensor => x.add(1);
  }
  class Twice extends Mlp {
    override forward(x: Tensor): Tensor {
      return super.forward(x).mul(2);
    }
  }
  for (const module of [new Arrow(), new Twice()]) {
    let count = 0;
    const handle = module.registerForwardHook(() => void count++);
    module.forward(ones());
    expect(count).toBe(1);
    module.forward = (x: Tensor) => x;
    module.forward(ones());
    expect(count).toBe(2);
    handle.remove();
    expect(module.forward(ones()).toArray()).toEqual([[1, 1]]);
    expect(count).toBe(2);
  }
});

test('hooks of asynchronous forwards wait for the output', async () => {
  class Later extends nn.Module {
    override async forward(x: Tensor): Promise<Tensor> {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return x.add(1);
    }
  }
  const later = new Later();
  later.registerForwardHook((_module, _inputs, y) => y.mul(10));
  expect((await later.forward(torch.tensor([1]))).toArray()).toEqual([20]);
});

describe('backward hooks', () => {
  test('hear the gradients of outputs and inputs', () => {
    const net = new Mlp();
    const x = ones().requiresGrad_();
    const heard: unknown[] = [];
    net.up.registerFullBackwardPreHook((_, gradients) => void heard.push(gradients.map((each) => each?.toArray())));
    net.up.registerFullBackwardHook((module, gradInput, gradOutput) => {
      heard.push([module === net.up, gradInput[0]!.toArray(), gradOutput[0]!.shape]);
    });
    const y = net.up.forward(x);
    y.backward(torch.tensor([[1, 2, 3]], { dtype: 'float64' }));
    expect(heard).toEqual([[[[1, 2, 3]]], [true, x.grad!.toArray(), [1, 3]]]);
  });

  test('change gradients, as PyTorch does', () => {
    const net = new Mlp();
    const x = ones().requiresGrad_();
    const plain = () => {
      x.grad = null;
      net.zeroGrad();
      net.forward(x).sum().backward();
      return [x.grad!.clone(), net.up.weight.grad!.clone()] as const;
    };
    const [input, weight] = plain();
    const doubled = net.registerFullBackwardPreHook((_, [gradient]) => [gradient!.mul(2)]);
    const [input2, weight2] = plain();
    expect([input2.allclose(input.mul(2)), weight2.allclose(weight.mul(2))]).toEqual([true, true]);
    doubled.remove();
    net.registerFullBackwardHook((_, [gradient]) => [gradient!.mul(3)]);
    const [input3, weight3] = plain();
    expect([input3.allclose(input.mul(3)), weight3.allclose(weight)]).toEqual([true, true]);
  });

  test('run where only parameters require gradients, and not at all without', () => {
    const net = new Mlp();
    const heard: unknown[] = [];
    net.registerFullBackwardHook((_, gradInput, gradOutput) => void heard.push([gradInput, gradOutput[0]!.shape]));
    net.forward(ones()).sum().backward();
    expect(heard).toEqual([[[null], [1, 3]]]);
    torch.noGrad(() => net.forward(ones()));
    expect(heard.length).toBe(1);
  });

  test('hear each part of an output of several, null where none flows', () => {
    class Two extends nn.Module {
      override forward(x: Tensor, scale: number): [Tensor, Tensor, string] {
        return [x.mul(scale), x.add(1), 'note'];
      }
    }
    const two = new Two();
    const heard: unknown[] = [];
    two.registerFullBackwardHook((_, gradInput, gradOutput) => {
      heard.push(
        gradInput.map((each) => each?.toArray() ?? null),
        gradOutput.map((each) => each?.toArray() ?? null),
      );
    });
    const x = torch.tensor([1, 2], { requiresGrad: true });
    two.forward(x, 3)[0].sum().backward();
    expect(heard).toEqual([
      [[3, 3], null],
      [[1, 1], null, null],
    ]);
  });

  test('allow second derivatives through them', () => {
    const net = new nn.Sequential(new nn.Tanh());
    net.registerFullBackwardHook((_, [gradient]) => [gradient!.mul(2)]);
    const x = torch.tensor([0.3], { dtype: 'float64', requiresGrad: true });
    net.forward(x).sum().backward(null, { createGraph: true });
    const first = x.grad!;
    const tanh = Math.tanh(0.3);
    expect(first.item()).toBeCloseTo(2 * (1 - tanh * tanh), 12);
    x.grad = null;
    first.sum().backward();
    expect(x.grad!.item()).toBeCloseTo(-4 * tanh * (1 - tanh * tanh), 12);
  });
});

test('misuse of hooks', () => {
  const relu = new nn.ReLU();
  expect(code(() => relu.registerForwardHook(3 as never))).toBe('ERR_ARGUMENT');
  expect(code(() => relu.registerForwardHook(() => undefined, null as never))).toBe('ERR_ARGUMENT');
  const handle = relu.registerForwardPreHook((() => torch.ones([1])) as never);
  expect(code(() => relu.forward(ones()))).toBe('ERR_ARGUMENT');
  handle.remove();
  const x = ones().requiresGrad_();
  relu.registerFullBackwardHook(() => []);
  expect(code(() => relu.forward(x).sum().backward())).toBe('ERR_ARGUMENT');
});
