/** Four workers at once do four kinds of work, each what one alone does before: the results must be the same to the bit. */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { fromBuffer, Generator, torch, type Tensor } from '../../../lib/tensor';

const rounds = 30;

/** Each gives a number that any difference would change. */
const works = {
  operators(): number {
    const generator = new Generator({ seed: 1 });
    let sum = 0;
    for (let i = 0; i < rounds; i++) {
      sum += torch.scope(() => {
        const x = torch.randn([48, 48], { generator });
        return x.matmul(x.t()).softmax(1).sort({ dim: 0 })[0].cumsum(1).std().item();
      });
    }
    return sum;
  },
  training(): number {
    const generator = new Generator({ seed: 2 });
    const weight = torch.randn([32, 32], { generator, requiresGrad: true });
    let calls = 0;
    const hook = weight.registerHook((gradient) => {
      calls++;
      return gradient.mul(2);
    });
    for (let i = 0; i < rounds; i++) {
      torch.scope(() => {
        torch.randn([16, 32], { generator }).matmul(weight).tanh().square().mean().backward();
        torch.noGrad(() => weight.sub_(weight.grad!, { alpha: 0.1 }));
        weight.grad = null;
      });
    }
    hook.remove();
    return calls + torch.scope(() => weight.abs().sum().item());
  },
  async reading(): Promise<number> {
    let sum = 0;
    for (let i = 0; i < rounds; i++) {
      using x = torch.arange(10_000, { dtype: 'float64' });
      using y = x.add(i);
      const [a, b] = await Promise.all([x.data(), y.data()]);
      sum += Number(a.at(-1)) + Number(b.at(-1));
    }
    return sum;
  },
  async scopes(): Promise<number> {
    const branch = (depth: number): Promise<number> =>
      torch.scope(async () => {
        const own = torch.full([1], depth, { dtype: 'float32' });
        await new Promise((resolve) => setImmediate(resolve));
        const others = depth === 0 ? [] : await Promise.all([branch(depth - 1), branch(depth - 1)]);
        return own.item() + others.reduce((total, each) => total + each, 0);
      });
    return branch(6);
  },
};

async function work(name: keyof typeof works) {
  const before = torch.memory().tensors;
  const result = await torch.scope(() => Promise.resolve(works[name]()));
  return { result, left: torch.memory().tensors - before };
}

async function main(): Promise<void> {
  const names = Object.keys(works) as (keyof typeof works)[];
  const alone = [];
  for (const name of names) alone.push(await work(name));
  const memory = new SharedArrayBuffer(4 * names.length);
  const places = fromBuffer(memory, { dtype: 'float32' });
  const together = await Promise.all(
    names.map(
      (name, place) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(__filename, { workerData: { name, place, memory } });
          worker.on('message', resolve).on('error', reject);
          // What arrives of a tensor is no tensor.
          worker.postMessage(torch.ones([1]));
        }),
    ),
  );
  console.log(JSON.stringify({ alone, together, shared: places.toArray() }));
}

if (isMainThread) void main();
else {
  const { name, place, memory } = workerData as { name: keyof typeof works; place: number; memory: SharedArrayBuffer };
  parentPort!.once('message', (posted: unknown) => {
    let refused = '';
    try {
      torch.add(posted as Tensor, 1);
    } catch (error) {
      refused = (error as { code: string }).code;
    }
    fromBuffer(memory, { dtype: 'float32', offset: 4 * place, shape: [1] }).fill_(place + 1);
    void work(name).then((done) => parentPort!.postMessage({ ...done, refused }));
  });
}
