/** What the native decoder computes beyond the golden cases, which are shorter than one block of its attention. */
import { ResidualLlama, type ModelOptions } from '../../lib/residual';
import { torch, type Tensor } from '../../lib/tensor';

const options: ModelOptions = {
  vocabSize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 3,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  initializerRange: 0.3,
};

const residuals = [
  ['baseline', 'baseline'],
  ['Method 3.2', '3.2'],
  ['Method 4.2', '4.2'],
  ['Method 1 on the stream after attention', { site: 'mlp', weights: 'sum', input: 'mid' }],
] as [string, NonNullable<ModelOptions['residual']>][];

function create(residual: ModelOptions['residual']): ResidualLlama {
  torch.manualSeed(7);
  return ResidualLlama.create({ ...options, residual: residual! }, { dtype: 'float64' });
}

const tokens = (time: number) => Array.from({ length: time }, (_, i) => (i * i + 3 * i) % options.vocabSize);
const idsOf = (rows: number[][]) => torch.tensor(rows, { dtype: 'int64' });

function largestDifference(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}

describe.each(residuals)('%s', (_name, residual) => {
  test('what is predicted does not depend on how long the sequence is, though attention is cut into blocks by it', () => {
    const model = create(residual);
    const whole = model.forward(idsOf([tokens(300)]));
    for (const time of [1, 2, 63, 64, 65, 129, 256]) {
      const part = model.forward(idsOf([tokens(time)]));
      expect(largestDifference(part, whole.narrow(1, 0, time))).toBeLessThan(1e-12);
    }
  });

  test('rows of a batch do not see each other', () => {
    const model = create(residual);
    const [first, second] = [tokens(70), tokens(140).slice(70)];
    const both = model.forward(idsOf([first, second]));
    for (const [row, ids] of [first, second].entries()) {
      expect(largestDifference(model.forward(idsOf([ids])), both.narrow(0, row, 1))).toBeLessThan(1e-12);
    }
  });

  test.each([65, 140])('gradients of %i tokens are the slope of the loss', (time) => {
    const model = create(residual);
    const ids = idsOf([tokens(time)]);
    model.loss(ids).backward();
    const step = 1e-5;
    const parameters = [...model.parameters()];
    const directions = parameters.map(({ shape }) => torch.randn(shape, { dtype: 'float64' }));
    const slope = parameters.reduce((sum, { grad }, i) => sum + grad!.mul(directions[i]!).sum().item(), 0);
    const lossAfter = (size: number) =>
      torch.noGrad(() => {
        parameters.forEach((parameter, i) => parameter.add_(directions[i]!, { alpha: size }));
        return model.loss(ids).item();
      });
    const measured = (lossAfter(step) - lossAfter(-2 * step)) / (2 * step);
    expect(Math.abs(measured - slope)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
  });
});

test('a loss may be differentiated twice when its graph is kept, each time alike', () => {
  const model = create('3.2');
  const loss = model.loss(idsOf([tokens(70)]));
  loss.backward(undefined, { retainGraph: true });
  const query = [...model.namedParameters()].find(([name]) => name.endsWith('layers.0.self_attn.q_proj.weight'))![1];
  const once = query.grad!.clone();
  loss.backward();
  expect(largestDifference(query.grad!, once.mul(2))).toBeLessThan(1e-14);
});

test('the loss of many rows of a large vocabulary, taken in parts, is that of all logits', () => {
  torch.manualSeed(7);
  const model = ResidualLlama.create({ ...options, vocabSize: 5000, residual: '4.1' }, { dtype: 'float64' });
  const ids = idsOf([tokens(200), tokens(400).slice(200)]);
  const logProbabilities = model.forward(ids).narrow(1, 0, 199).logSoftmax(-1);
  const wanted = logProbabilities
    .gather(2, ids.narrow(1, 1, 199).unsqueeze(2))
    .mean()
    .neg();
  const parameters = [...model.parameters()];
  wanted.backward();
  const gradients = parameters.map(({ grad }) => grad!.clone());
  for (const parameter of parameters) parameter.grad = null;
  const loss = model.loss(ids);
  loss.backward();
  expect(loss.item()).toBeCloseTo(wanted.item(), 12);
  parameters.forEach(({ grad }, i) => expect(largestDifference(grad!, gradients[i]!)).toBeLessThan(1e-13));
});

test.each([
  ['ERR_DATA', [[1, 11]], null],
  ['ERR_DATA', [[1, -1]], null],
  ['ERR_DATA', [[1, 2]], [[1, -100]]],
  ['ERR_SHAPE', [[1]], null],
  ['ERR_SHAPE', [[1, 2, 3]], [[1, 2]]],
])('%s for ids %j with labels %j', (code, ids, labels) => {
  const model = create('baseline');
  expect(() => model.loss(idsOf(ids), labels && idsOf(labels))).toThrow(expect.objectContaining({ code }));
});

test('ids must be whole numbers in two dimensions', () => {
  const model = create('baseline');
  expect(() => model.forward(torch.tensor([[1, 2]], { dtype: 'float32' }))).toThrow(
    expect.objectContaining({ code: 'ERR_DTYPE' }),
  );
  expect(() => model.forward(torch.tensor([1, 2], { dtype: 'int64' }))).toThrow(
    expect.objectContaining({ code: 'ERR_SHAPE' }),
  );
});

test('second derivatives are refused', () => {
  const loss = create('3.2').loss(idsOf([tokens(5)]));
  expect(() => loss.backward(undefined, { createGraph: true })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('createGraph') }),
  );
});
