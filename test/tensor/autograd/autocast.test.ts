/** Mixed precision: the dtypes that Python's autocast gives, nesting, and its cache of weights. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { torch, type Dtype, type Tensor } from '../../../lib/tensor';
import { thrown } from './thrown';

const golden = JSON.parse(readFileSync(path.join(__dirname, '../../fixtures/autograd/golden.json'), 'utf8')) as {
  autocast: Record<string, Record<string, string>>;
};

interface Given {
  a: Tensor;
  b: Tensor;
  v: Tensor;
  batch: Tensor;
  image: Tensor;
  kernel: Tensor;
  line: Tensor;
  kernel1: Tensor;
}

/** The operators of make.py, by its names. */
const operators: Record<string, (t: Given) => Tensor> = {
  matmul: ({ a, b }) => a.matmul(b),
  mm: ({ a, b }) => torch.mm(a, b),
  mv: ({ a, v }) => torch.mv(a, v),
  bmm: ({ batch }) => torch.bmm(batch, batch),
  addmm: ({ a, b }) => torch.addmm(a, a, b),
  baddbmm: ({ batch }) => torch.baddbmm(batch, batch, batch),
  linear: ({ a, b, v }) => torch.operator('aten::linear')(a, b, v) as Tensor,
  conv1d: ({ line, kernel1 }) => torch.conv1d(line, kernel1),
  conv2d: ({ image, kernel }) => torch.conv2d(image, kernel),
  scaledDotProductAttention: ({ batch }) =>
    torch.operator('aten::scaled_dot_product_attention')(batch, batch, batch) as Tensor,
  add: ({ a, b }) => a.add(b),
  mul: ({ a, b }) => a.mul(b),
  relu: ({ a }) => torch.relu(a),
  gelu: ({ a }) => torch.operator('aten::gelu')(a) as Tensor,
  softmax: ({ a }) => a.softmax(1),
  logSoftmax: ({ a }) => a.logSoftmax(1),
  layerNorm: ({ a, v }) => torch.layerNorm(a, [4], v, v),
  sum: ({ a }) => a.sum(),
  mean: ({ a }) => a.mean(),
  cumsum: ({ a }) => a.cumsum(0),
  prod: ({ a }) => a.prod(),
  exp: ({ a }) => a.exp(),
  log: ({ a }) => a.log(),
  pow: ({ a }) => a.pow(2),
  norm: ({ a }) => a.norm(),
  mseLoss: ({ a, b }) => torch.operator('aten::mse_loss')(a, b) as Tensor,
  crossEntropyLoss: ({ a }) =>
    torch.operator('aten::cross_entropy_loss')(a, torch.tensor([0, 1, 2, 3], { dtype: 'int64' })) as Tensor,
  interpolate: ({ image }) => torch.operator('aten::upsample_bilinear2d')(image, null, false, [2, 2]) as Tensor,
  avgPool2d: ({ image }) => torch.operator('aten::avg_pool2d')(image, [2, 2]) as Tensor,
  inverse: ({ a }) => torch.inverse(a),
  cat: ({ a, b }) => torch.cat([a, b.to('float32')]),
  stack: ({ a, b }) => torch.stack([a, b.to('bfloat16')]),
  where: ({ a, b }) => torch.where(a.gt(1), a, b.to('float32')),
  indexSelect: ({ a }) => a.indexSelect(0, torch.tensor([0, 2], { dtype: 'int64' })),
};

function given(dtype: Dtype): Given {
  const random = (...shape: number[]) => torch.rand(shape).add(0.5).to(dtype);
  return {
    a: random(4, 4),
    b: random(4, 4),
    v: random(4),
    batch: random(2, 4, 4),
    image: random(1, 2, 8, 8),
    kernel: random(3, 2, 3, 3),
    line: random(1, 2, 8),
    kernel1: random(3, 2, 3),
  };
}

describe.each(Object.entries(golden.autocast))('%s', (key, expected) => {
  const [dtype, inputDtype] = key.split('/') as ['bfloat16' | 'float16', Dtype];
  test('every operator gives the dtype that Python gives', () => {
    expect(Object.keys(operators).sort()).toEqual(Object.keys(expected).sort());
    const inputs = given(inputDtype);
    const found = Object.entries(operators).map(([name, operator]) => {
      try {
        return [name, torch.autocast({ device: 'cpu', dtype }, () => operator(inputs)).dtype];
      } catch {
        return [name, 'error'];
      }
    });
    expect(Object.fromEntries(found)).toEqual(expected);
  });
});

const product = (x: Tensor = torch.ones([2, 2])) => x.matmul(x).dtype;

test('nests, is turned off inside, and ends', () => {
  const seen: string[] = [];
  torch.autocast({ device: 'cpu' }, () => {
    seen.push(product(), String(torch.isAutocastEnabled('cpu')));
    torch.autocast({ device: 'cpu', enabled: false }, () => seen.push(product()));
    torch.autocast({ device: 'cpu', dtype: 'float16' }, () => seen.push(product()));
    seen.push(product());
  });
  expect([...seen, product()]).toEqual(['bfloat16', 'true', 'float32', 'float16', 'bfloat16', 'float32']);
});

test('follows await', async () => {
  const inside = torch.autocast({ device: 'cpu' }, async () => {
    await Promise.resolve();
    return product();
  });
  expect([product(), await inside, product()]).toEqual(['float32', 'bfloat16', 'float32']);
});

test('gradients come back in the dtype of the weights', () => {
  const [x, w] = [torch.randn([4, 4]), torch.randn([4, 4], { requiresGrad: true })];
  const loss = torch.autocast({ device: 'cpu' }, () => x.matmul(w).float().pow(2).mean());
  loss.backward();
  expect([loss.dtype, w.grad!.dtype]).toEqual(['float32', 'float32']);
  const exact = torch.autograd.grad(x.matmul(w).pow(2).mean(), w)[0]!;
  expect(w.grad!.sub(exact).abs().max().item()).toBeLessThan(0.05);
});

describe('weights that were cast', () => {
  const one = torch.ones([2, 2]);

  test('are not taken from before a change', () => {
    const w = torch.ones([2, 2], { requiresGrad: true });
    const total = () =>
      torch
        .autocast({ device: 'cpu' }, () => one.matmul(w))
        .sum()
        .item();
    const first = total();
    torch.noGrad(() => w.mul_(3));
    expect([first, total()]).toEqual([8, 24]);
  });

  test('nor from interleaved work', async () => {
    const w = torch.ones([2, 2], { requiresGrad: true });
    const found: number[] = [];
    await torch.autocast({ device: 'cpu' }, async () => {
      found.push(one.matmul(w).sum().item());
      const change = torch.autocast({ device: 'cpu', enabled: false }, () => torch.noGrad(() => w.mul_(2)));
      await Promise.resolve(change);
      found.push(one.matmul(w).sum().item());
    });
    expect(found).toEqual([8, 16]);
  });

  test('without gradients do not stand in for those with', () => {
    const w = torch.ones([2, 2], { requiresGrad: true });
    const y = torch.autocast({ device: 'cpu' }, () => {
      torch.noGrad(() => one.matmul(w));
      return one.matmul(w);
    });
    expect(y.requiresGrad).toBe(true);
    y.sum().backward();
    expect(w.grad!.sum().item()).toBe(8);
  });

  test('are cast each time with cacheEnabled: false', () => {
    const w = torch.ones([2, 2], { requiresGrad: true });
    const found = torch.autocast({ device: 'cpu', cacheEnabled: false }, () => {
      const before = one.matmul(w).sum().item();
      w.detach().mul_(2);
      return [before, one.matmul(w).sum().item()];
    });
    expect(found).toEqual([8, 16]);
  });
});

test('refuses what it cannot do', () => {
  const refuse = (options: unknown) => thrown(() => torch.autocast(options as never, () => 1)).code;
  expect(refuse({ device: 'tpu' })).toBe('ERR_ARGUMENT');
  expect(refuse({ device: 'cpu', dtype: 'float32' })).toBe('ERR_ARGUMENT');
  expect(refuse(undefined)).toBe('ERR_ARGUMENT');
  expect(thrown(() => torch.autocast({ device: 'cpu' }, 3 as never)).code).toBe('ERR_ARGUMENT');
  if (!torch.cuda.isAvailable()) {
    expect(refuse({ device: 'cuda' })).toBe('ERR_DEVICE');
    expect(torch.autocast({ device: 'cuda', enabled: false }, () => product())).toBe('float32');
  }
});
