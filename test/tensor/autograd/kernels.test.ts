/** Our own kernels under gradcheck and gradgradcheck: both families' layers and losses in float64, every parameter. */
import {
  AdaptiveSoftmax,
  DelightEncoderLayer,
  DelightTransformation,
  GatedLinear,
  GroupLinear,
  SingleHeadAttention,
} from '../../../lib/delight';
import { native } from '../../../lib/native';
import type { Module } from '../../../lib/nn';
import { ResidualLlama } from '../../../lib/residual';
import { applyModes, gradcheck, gradgradcheck, torch, wrap, type Tensor } from '../../../lib/tensor';

const double = { dtype: 'float64' } as const;
const random = (...shape: number[]) => torch.randn(shape, { ...double, requiresGrad: true });
const ids = (rows: number[][]) => torch.tensor(rows, { dtype: 'int64' });

beforeEach(() => torch.manualSeed(5));

/** The parameters with few elements, so that differences are taken in seconds; at least one of each name's last part. */
function fewOf(module: Module, most = 16): Tensor[] {
  const seen = new Set<string>();
  return Array.from(module.namedParameters()).flatMap(([name, parameter]) => {
    const kind = name.replace(/\d+/g, '');
    if (parameter.numel > most || seen.has(kind)) return [];
    seen.add(kind);
    return [parameter];
  });
}

describe('the residual decoder', () => {
  const sizes = { vocabSize: 5, hiddenSize: 4, intermediateSize: 4, numHiddenLayers: 2, numAttentionHeads: 2 };
  const lossOf = (model: ResidualLlama) => () => {
    const tokens = ids([[1, 4, 2, 0]]);
    applyModes();
    return wrap(native.moduleCall(model.id, 'loss', [tokens.handle, null])[0]!);
  };

  test.each(['none', '1', '2', '3.1', '3.2', '4.1', '4.2'])('variant %s: the loss', (residual) => {
    using model = ResidualLlama.create({ ...sizes, residual, initializerRange: 0.4 }, double);
    const parameters = fewOf(model);
    expect(parameters.length).toBeGreaterThan(6);
    gradcheck(lossOf(model), parameters as []);
  });

  test('with activation checkpointing', () => {
    using model = ResidualLlama.create({ ...sizes, residual: '3.2', activationCheckpointing: true }, double);
    gradcheck(lossOf(model), fewOf(model, 8) as []);
  });
});

describe("DeLighT's layers", () => {
  test.each([
    { inFeatures: 4, outFeatures: 4, groups: 2 },
    { inFeatures: 4, outFeatures: 8, groups: 2, shuffle: true, norm: 'layer', activation: 'swish' },
    { inFeatures: 6, outFeatures: 3, groups: 3, bias: false, activation: 'gelu' },
  ] as const)('a group linear of %o', (options) => {
    using layer = new GroupLinear(options, double);
    const inputs = [random(3, 2, options.inFeatures), ...layer.parameters()] as [Tensor];
    gradcheck((x) => layer.forward(x), inputs);
    expect(() => gradgradcheck((x) => layer.forward(x), inputs)).toThrow(/first derivatives only/);
  });

  test('a gated linear', () => {
    using layer = new GatedLinear({ inFeatures: 3, outFeatures: 2, gates: 2 }, double);
    const inputs = [random(2, 2, 3), ...layer.parameters()] as [Tensor];
    gradcheck((x) => layer.forward(x), inputs);
    gradgradcheck((x) => layer.forward(x), inputs);
  });

  test('a transformation', () => {
    const sizes = { inFeatures: 8, projFeatures: 4, outFeatures: 4, depth: 3, widthMultiplier: 2, maxGroups: 2 };
    using layer = new DelightTransformation(sizes, double);
    gradcheck((x) => layer.forward(x), [random(2, 1, 8), ...fewOf(layer, 16)] as [Tensor]);
  });

  test('attention', () => {
    using layer = new SingleHeadAttention({ type: 'self', queryFeatures: 4, projFeatures: 2, outFeatures: 3 }, double);
    gradcheck((x) => layer.forward(x).output, [random(3, 1, 4), ...fewOf(layer)] as [Tensor]);
  });

  test('a softmax in two steps', () => {
    using layer = new AdaptiveSoftmax({ vocabSize: 6, inFeatures: 4, cutoffs: [3] }, double);
    gradcheck((x) => layer.forward(x, ids([[0, 4, 5]])), [random(1, 3, 4), ...fewOf(layer)] as [Tensor]);
  });

  test('an encoder layer', () => {
    const sizes = { hiddenSize: 8, depth: 2, widthMultiplier: 2, maxGroups: 2 };
    using layer = new DelightEncoderLayer(sizes, double);
    gradcheck((x) => layer.forward(x), [random(2, 1, 8), ...fewOf(layer, 16)] as [Tensor]);
  });
});
