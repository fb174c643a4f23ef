/** Hooks of saved tensors: other forms of what the graph keeps. */
import { torch, type Tensor } from '../../../lib/tensor';
import { collectGarbage } from '../garbage';
import { thrown } from './thrown';

const { graph, grad } = torch.autograd;
const leaf = (values: number[]) => torch.tensor(values, { requiresGrad: true });
const live = () => torch.memory().tensors;

test('pack and unpack see what is saved', () => {
  const x = leaf([1, 2]);
  const packed: unknown[] = [];
  const unpacked: number[] = [];
  const y = graph.savedTensorsHooks(
    (tensor) => {
      packed.push(tensor.toArray());
      return { values: tensor.toArray() as number[] };
    },
    ({ values }) => {
      unpacked.push(values.length);
      return torch.tensor(values);
    },
    () => x.mul(x),
  );
  expect([packed, unpacked]).toEqual([[[1, 2], [1, 2]], []]); // prettier-ignore
  y.sum().backward();
  expect([x.grad!.toArray(), unpacked]).toEqual([
    [2, 4],
    [2, 2],
  ]);
});

test('the innermost hooks apply; outside there are none', () => {
  const x = leaf([1]);
  const seen: string[] = [];
  const under = (name: string, fn: () => void) =>
    graph.savedTensorsHooks((tensor) => (seen.push(name), tensor), (tensor) => tensor, fn); // prettier-ignore
  under('outer', () => {
    x.exp();
    under('inner', () => void x.exp());
    x.exp();
  });
  x.exp();
  expect(seen).toEqual(['outer', 'inner', 'outer']);
});

test('packed tensors outlive the scope, and go with the graph', async () => {
  await collectGarbage();
  const x = leaf([1, 2]);
  x.grad = torch.zeros([2]);
  const before = live();
  const y = torch.scope(() => graph.savedTensorsHooks((tensor) => [tensor.mul(2)], ([half]) => half!.div(2), () => x.exp().sum())); // prettier-ignore
  expect(live()).toBe(before + 2);
  y.backward();
  expect(x.grad.toArray()).toEqual([Math.fround(Math.E), Math.fround(Math.exp(2))]);
  y.dispose();
  await collectGarbage();
  expect(live()).toBe(before);
});

test('saveOnCpu gives the same gradients', () => {
  const x = leaf([1, 2]);
  const y = graph.saveOnCpu(() => x.exp().mul(x).sum());
  expect(grad(y, x)[0]!.toArray()).toEqual(grad(x.exp().mul(x).sum(), x)[0]!.toArray());
});

test('errors of hooks come out as they are', () => {
  const x = leaf([1]);
  const [packing, unpacking] = [new Error('packing'), new Error('unpacking')];
  const failing = (error: Error) => () => {
    throw error;
  };
  expect(thrown(() => graph.savedTensorsHooks(failing(packing), (t: Tensor) => t, () => x.exp()))).toBe(packing); // prettier-ignore
  const y = graph.savedTensorsHooks((t) => t, failing(unpacking), () => x.exp()); // prettier-ignore
  expect(thrown(() => y.backward())).toBe(unpacking);
  const z = graph.savedTensorsHooks((t) => t, () => 3 as never, () => x.exp()); // prettier-ignore
  expect(thrown(() => z.backward()).code).toBe('ERR_ARGUMENT');
  expect(thrown(() => graph.savedTensorsHooks(null as never, (t: Tensor) => t, () => 1)).code).toBe('ERR_ARGUMENT'); // prettier-ignore
});

test('follow await', async () => {
  const x = leaf([1]);
  let packs = 0;
  await graph.savedTensorsHooks(
    (tensor) => (packs++, tensor),
    (tensor) => tensor,
    async () => {
      await Promise.resolve();
      x.exp();
    },
  );
  x.exp();
  expect(packs).toBe(1);
});
