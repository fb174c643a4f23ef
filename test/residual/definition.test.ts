/** The native decoder against its definition written in operators, values and gradients, for every variant and switch. */
import { NativeModule } from '../../lib/nn';
import { ResidualLlama, variantNames, type ModelOptions } from '../../lib/residual';
import { torch, type Dtype, type Tensor } from '../../lib/tensor';
import { plainDecoder } from './plain';

const sizes: ModelOptions = {
  vocabSize: 23,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 4,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  initializerRange: 0.3,
};

/** A decoder whose plan TypeScript has not checked. */
class Unchecked extends NativeModule {
  constructor(plan: object) {
    super('residual-llama', plan);
  }
  override forward(ids: Tensor): Tensor {
    return this.call('forward', [ids])[0]!;
  }
}

type Case = [string, Partial<ModelOptions>];
const cases: Case[] = [
  ...variantNames.flatMap((name): Case[] => [[`${name}`, { residual: name }]]),
  ...variantNames.slice(1).flatMap((name): Case[] => {
    const site = name === '1' || name.startsWith('3') ? 'mlp' : 'attention';
    const weights = name.endsWith('.1') ? 'mean' : name.endsWith('.2') ? 'learned' : 'sum';
    const of = (switches: object): Partial<ModelOptions> => ({ residual: { site, weights, ...switches } });
    const stored = { source: 'stored' };
    return [
      [`${name}, window 2, replace`, of({ window: 2, mode: 'replace' })],
      [`${name}, detached`, of({ detachProbs: true })],
      [`${name}, earlier`, of({ normSet: 'earlier' })],
      [`${name}, free, with biases`, { ...of({ weightParam: 'free' }), attentionBias: true, mlpBias: true }],
      ...(site === 'mlp' ? [[`${name}, mid`, of({ input: 'mid' })] as Case] : []),
      [`${name}, stored`, of(stored)],
      [`${name}, stored, window 1`, of({ ...stored, window: 1 })],
      [`${name}, stored, earlier`, of({ ...stored, normSet: 'earlier' })],
      [`${name}, stored, replace, first layer none`, of({ ...stored, mode: 'replace', firstLayer: 'none' })],
      [
        `${name}, stored, free, with biases, tied`,
        { ...of({ ...stored, weightParam: 'free' }), attentionBias: true, mlpBias: true, tieWordEmbeddings: true },
      ],
    ];
  }),
];

const ids = () =>
  torch.tensor(
    [0, 1].map((row) => Array.from({ length: 9 }, (_, i) => (i * i * 5 + 7 * row) % 23)),
    { dtype: 'int64' },
  );

/** Weights that are nowhere what they begin as: gains, biases and learned weights too. */
function create(options: Partial<ModelOptions>, dtype: Dtype): ResidualLlama {
  torch.manualSeed(11);
  const model = ResidualLlama.create({ ...sizes, ...options }, { dtype });
  torch.noGrad(() => {
    for (const parameter of model.parameters()) parameter.add_(torch.randn(parameter.shape, { dtype }), { alpha: 0.2 });
  });
  return model;
}

function gradients(model: ResidualLlama, loss: Tensor): Map<string, Tensor> {
  for (const parameter of model.parameters()) parameter.grad = null;
  loss.backward();
  return new Map([...model.namedParameters()].map(([name, { grad }]) => [name, grad!.clone()]));
}

const largest = (x: Tensor) => x.abs().max().item();

describe.each(cases)('%s', (_name, options) => {
  test.each([
    ['float64', 1e-12],
    ['float32', 1e-4],
  ] as [Dtype, number][])('%s: logits, loss and gradients are the definition’s', (dtype, tolerance) => {
    torch.scope(() => {
      const model = create(options, dtype);
      const plain = plainDecoder(model.config, model.namedParameters(), ids());
      expect(largest(model.forward(ids()).sub(plain.logits))).toBeLessThan(tolerance * largest(plain.logits));
      const loss = model.loss(ids());
      expect(Math.abs(loss.item() - plain.loss.item())).toBeLessThan(tolerance);
      const wanted = gradients(model, plain.loss);
      for (const [name, gradient] of gradients(model, loss)) {
        expect([
          name,
          largest(gradient.sub(wanted.get(name)!)) < tolerance * Math.max(1, largest(wanted.get(name)!)),
        ]).toEqual([name, true]);
      }
    });
  });
});

test('the native decoder itself refuses stored outputs on another stream, or without their probabilities’ gradient', () => {
  const plan = ResidualLlama.create(sizes).config;
  for (const change of [{ input: 'mid' }, { detachProbs: true }]) {
    const residual = { ...plan.residual, site: 'mlp', source: 'stored', ...change };
    expect(() => new Unchecked({ ...plan, residual })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining("source 'recomputed'") }),
    );
  }
});
