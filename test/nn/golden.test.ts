/** Layers and functions against PyTorch: first values under a seed, outputs, gradients. */
import fs from 'node:fs';
import path from 'node:path';

import { functional, type Module } from '../../lib/nn';
import * as nn from '../../lib/nn';
import { torch, type Tensor } from '../../lib/tensor';
import { farthest } from './close';

interface LayerCase {
  state: Record<string, unknown>;
  input: unknown;
  output: unknown;
  inputGrad: unknown;
  grads: Record<string, unknown>;
}
const file = path.join(__dirname, '../fixtures/tensor/golden.json');
const golden = JSON.parse(fs.readFileSync(file, 'utf8')) as {
  layers: Record<string, LayerCase>;
  functions: Record<string, never>;
};

/** In the order of the script, so that the seed gives the same values. */
function makeLayers(): Record<string, Module & { forward(input: Tensor): Tensor }> {
  torch.manualSeed(1);
  return {
    Linear: new nn.Linear(4, 3),
    LinearWithoutBias: new nn.Linear(4, 2, { bias: false }),
    Embedding: new nn.Embedding(5, 3, { paddingIdx: -1 }),
    LayerNorm: new nn.LayerNorm(4),
    RMSNorm: new nn.RMSNorm(4),
    RMSNormEps: new nn.RMSNorm([2, 4], { eps: 1e-2 }),
    ReLU: new nn.ReLU(),
    GELU: new nn.GELU(),
    GELUTanh: new nn.GELU('tanh'),
    SiLU: new nn.SiLU(),
    Tanh: new nn.Tanh(),
    Sigmoid: new nn.Sigmoid(),
  };
}

test('the cases are all there', () => expect(Object.keys(makeLayers())).toEqual(Object.keys(golden.layers)));

test.each(Object.entries(golden.layers))('%s', (name, wanted) => {
  const layer = makeLayers()[name]!;
  const state = layer.stateDict();
  expect([...state.keys()].sort()).toEqual(Object.keys(wanted.state).sort());
  for (const [key, value] of state) expect(farthest(value, wanted.state[key])).toBe(0);

  const ids = name === 'Embedding';
  const input = torch.tensor(wanted.input as number[], ids ? { dtype: 'int64' } : { requiresGrad: true });
  const output = layer.forward(input);
  expect(farthest(output, wanted.output)).toBeLessThan(1e-5);
  output.square().sum().backward();
  if (!ids) expect(farthest(input.grad!, wanted.inputGrad)).toBeLessThan(1e-4);
  for (const [key, parameter] of layer.namedParameters()) {
    expect(farthest(parameter.grad!, wanted.grads[key])).toBeLessThan(1e-4);
  }
});

describe('functional', () => {
  const { functions } = golden;
  const logits = () => torch.tensor(functions.logits!);
  const classes = () => torch.tensor(functions.classes!, { dtype: 'int64' });
  const target = () => torch.tensor(functions.target!);
  const cases: Record<string, () => Tensor> = {
    crossEntropy: () => functional.crossEntropy(logits(), classes()),
    crossEntropyWeighted: () =>
      functional.crossEntropy(logits(), classes(), { weight: torch.tensor(functions.weight!), labelSmoothing: 0.1 }),
    crossEntropyNone: () =>
      functional.crossEntropy(logits(), classes().clamp({ min: 0 }), { ignoreIndex: 2, reduction: 'none' }),
    mseLoss: () => functional.mseLoss(logits(), target()),
    mseLossSum: () => functional.mseLoss(logits(), target(), { reduction: 'sum' }),
    l1Loss: () => functional.l1Loss(logits(), target()),
    binaryCrossEntropyWithLogits: () => functional.binaryCrossEntropyWithLogits(logits(), target()),
    softmax: () => functional.softmax(logits(), 1),
    logSoftmax: () => functional.logSoftmax(logits(), 0),
    attention: () => {
      const [query, key] = [torch.tensor(functions.query!), torch.tensor(functions.key!)];
      return functional.scaledDotProductAttention(query, key, key, { isCausal: true, scale: 0.7, enableGqa: true });
    },
  };

  test.each(Object.keys(cases))('%s', (name) => {
    torch.scope(() => expect(farthest(cases[name]!(), functions[name])).toBeLessThan(2e-5));
  });

  test('losses of different shapes are refused, not broadcast', () => {
    const [a, b] = [torch.ones([4, 1]), torch.ones([4])];
    for (const loss of ['mseLoss', 'l1Loss', 'binaryCrossEntropyWithLogits'] as const) {
      expect(() => functional[loss](a, b)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }) as Error);
    }
    expect(() => functional.mseLoss(a, a, { reduction: 'avg' as 'mean' })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error,
    );
  });

  test('dropout zeroes and scales in training only', () => {
    const ones = torch.ones([1000]);
    const dropped = functional.dropout(ones, { p: 0.25 });
    expect(new Set(Array.from(dropped.dataSync(), Number))).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect(functional.dropout(ones, { p: 0.25, training: false }).sum().item()).toBe(1000);
    const layer = new nn.Dropout(1).eval();
    expect(layer.forward(ones).sum().item()).toBe(1000);
    expect(layer.train().forward(ones).sum().item()).toBe(0);
  });
});
