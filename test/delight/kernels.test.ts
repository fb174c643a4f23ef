/**
 * The float32 kernels of our own against libtorch's operators in float64: the same layer, the same weights, sizes that fill no vector.
 * Golden fixtures are small; these sizes meet every tile and tail.
 */
import { DelightTransformation, DelightTransformer, GatedLinear, GroupLinear } from '../../lib/delight';
import { noGrad, torch, type Tensor } from '../../lib/tensor';

const style = { norm: 'layer', activation: 'swish' } as const;

/** How far the float32 results lie from the float64 ones, relative to the largest of them. */
function distance(actual: Tensor, expected: Tensor): number {
  const difference = actual.detach().to('float64').sub(expected.detach()).abs().max().item();
  return difference / Math.max(1e-6, expected.detach().abs().max().item());
}

type Layer = GatedLinear | GroupLinear;

function gradients(module: Layer): Map<string, Tensor> {
  return new Map([...module.namedParameters()].map(([name, parameter]) => [name, parameter.grad!]));
}

/** Runs forward and backward of both and compares the output and every gradient. */
function compare(narrow: Layer, wide: Layer, shape: number[], tolerance = 2e-5): void {
  torch.scope(() => {
    wide.loadStateDict(narrow.stateDict());
    const x = torch.randn(shape, { requiresGrad: true });
    const wideX = x.detach().to('float64').requiresGrad_(true);
    const y = narrow.forward(x);
    const wideY = wide.forward(wideX);
    expect(distance(y, wideY)).toBeLessThan(tolerance);
    const probe = torch.randn(y.shape);
    y.mul(probe).sum().backward();
    wideY.mul(probe.to('float64')).sum().backward();
    expect(distance(x.grad!, wideX.grad!)).toBeLessThan(tolerance);
    const wideGradients = gradients(wide);
    for (const [name, gradient] of gradients(narrow)) {
      expect({ name, far: distance(gradient, wideGradients.get(name)!) > tolerance }).toEqual({ name, far: false });
    }
  });
  narrow.dispose();
  wide.dispose();
}

beforeEach(() => torch.manualSeed(7));

test.each([
  [1, 1, 1],
  [3, 7, 2],
  [12, 8, 9],
  [13, 16, 15],
  [40, 33, 17],
  [64, 48, 31],
  [65, 259, 70],
  [200, 600, 100],
])('a dense layer of %i rows, %i to %i features', (rows, inFeatures, outFeatures) => {
  const options = { inFeatures, outFeatures };
  compare(new GatedLinear(options), new GatedLinear(options, { dtype: 'float64' }), [rows, 1, inFeatures]);
});

test.each([
  [1, 2, 6, 34],
  [5, 2, 6, 10],
  [17, 3, 9, 21],
  [30, 4, 64, 88],
  [97, 8, 40, 72],
  [20, 16, 160, 112],
  [11, 32, 96, 64],
])('a group linear transform of %i rows, %i groups, %i to %i features', (rows, groups, inFeatures, outFeatures) => {
  for (const shuffle of [false, true]) {
    const options = { inFeatures, outFeatures, groups, shuffle, ...style };
    compare(new GroupLinear(options), new GroupLinear(options, { dtype: 'float64' }), [rows, 1, inFeatures], 1e-4);
  }
});

test.each(['relu', 'leaky', 'selu', 'elu', 'celu', 'prelu', 'sigmoid', 'tanh', 'gelu', 'swish'] as const)(
  'a group linear transform with %s, float32 and float64 alike',
  (activation) => {
    const options = { inFeatures: 24, outFeatures: 40, groups: 4, shuffle: true, norm: 'layer', activation } as const;
    compare(new GroupLinear(options), new GroupLinear(options, { dtype: 'float64' }), [9, 2, 24], 1e-4);
  },
);

test('few rows without gradients are the rows of many', () => {
  using layer = new GatedLinear({ inFeatures: 70, outFeatures: 130 });
  torch.scope(() => {
    const x = torch.randn([90, 1, 70]);
    const all = noGrad(() => layer.forward(x));
    for (const rows of [1, 5, 16, 40, 63, 64, 65]) {
      const few = noGrad(() => layer.forward(x.narrow(0, 0, rows)));
      expect(
        few
          .sub(all.narrow(0, 0, rows))
          .abs()
          .max()
          .item(),
      ).toBeLessThan(1e-5);
    }
  });
});

test.each([
  [5, 3],
  [67, 16],
  [64, 33],
  [30, 530],
])('few rows of a group linear transform from %i to %i features a group are the rows of many', (from, to) => {
  using layer = new GroupLinear({ inFeatures: 2 * from, outFeatures: 2 * to, groups: 2, shuffle: false });
  torch.scope(() => {
    const x = torch.randn([20, 1, 2 * from]);
    const all = noGrad(() => layer.forward(x));
    for (const rows of [1, 2, 5, 6, 7]) {
      const few = noGrad(() => layer.forward(x.narrow(0, 0, rows)));
      expect(distance(few, all.narrow(0, 0, rows).to('float64'))).toBeLessThan(1e-5);
    }
  });
});

test('dropout inside a transformation has the gradient of what it dropped', () => {
  const sizes = { inFeatures: 16, projFeatures: 8, outFeatures: 8, widthMultiplier: 2, depth: 3, maxGroups: 2 };
  using unit = new DelightTransformation({ ...sizes, ...style, shuffle: true, dropout: 0.4 }, { dtype: 'float64' });
  torch.scope(() => {
    const x = torch.randn([4, 1, 16], { dtype: 'float64', requiresGrad: true });
    const direction = torch.randn([4, 1, 16], { dtype: 'float64' });
    const loss = (input: Tensor): Tensor => {
      torch.manualSeed(3);
      return unit.forward(input).square().sum();
    };
    loss(x).backward();
    const slope = x.grad!.mul(direction).sum().item();
    const step = 1e-6;
    const [above, below] = noGrad(() => [
      loss(x.detach().add(direction.mul(step))).item(),
      loss(x.detach().sub(direction.mul(step))).item(),
    ]);
    expect((above - below) / (2 * step)).toBeCloseTo(slope, 4);
    unit.eval();
    const [one, two] = noGrad(() => [unit.forward(x), unit.forward(x)]);
    expect(one.equal(two)).toBe(true);
  });
});

test('the loss of a large odd vocabulary is that of the logits', () => {
  const config = {
    type: 'delight',
    hiddenSize: 32,
    embeddingSize: 32,
    encoder: { minDepth: 2, maxDepth: 2, scaling: 'uniform', blocks: 1 },
    sourceVocabSize: 1003,
    targetVocabSize: 1003,
    shareEmbeddings: true,
    labelSmoothing: 0.2,
  } as const;
  using model = DelightTransformer.create(config);
  model.eval();
  torch.scope(() => {
    const ids = (time: number) => torch.randint(4, 1003, [70, time], { dtype: 'int64' });
    const [source, previous, target] = [ids(5), ids(21), ids(21)];
    const { loss, nll } = model.loss(source, previous, target);
    const logProbabilities = model.forward(source, previous).to('float64').logSoftmax(-1);
    const plain = logProbabilities.gather(2, target.unsqueeze(2)).mean().neg();
    const uniform = logProbabilities.mean().neg();
    const expected = plain.mul(0.8).add(uniform.mul(0.2));
    expect(nll.item()).toBeCloseTo(plain.item(), 4);
    expect(loss.item()).toBeCloseTo(expected.item(), 4);
    const table = [...model.namedParameters()].find(([name]) => name.endsWith('map_layer.weight'))![1];
    loss.backward();
    const ours = table.grad!.clone();
    table.grad!.zero_();
    expected.backward();
    expect(distance(ours, table.grad!.to('float64'))).toBeLessThan(1e-3);
  });
});
