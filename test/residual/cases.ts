/** Small decoders of every variant and switch, and what is compared of them. */
import { ResidualLlama, variantNames, type ModelOptions } from '../../lib/residual';
import { torch, type Dtype, type Tensor } from '../../lib/tensor';

export const sizes: ModelOptions = {
  vocabSize: 23,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 4,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  initializerRange: 0.3,
};

export type Case = [string, Partial<ModelOptions>];
/** Every variant, and every switch on every variant it acts on. */
export const cases: Case[] = [
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

/** Token ids `[2, time]`. */
export const idsOf = (time: number) =>
  torch.tensor(
    [0, 1].map((row) => Array.from({ length: time }, (_, i) => (i * i * 5 + 7 * row) % 23)),
    { dtype: 'int64' },
  );

/** Weights that are nowhere what they begin as: gains, biases and learned weights too. */
export function create(options: Partial<ModelOptions>, dtype: Dtype): ResidualLlama {
  torch.manualSeed(11);
  const model = ResidualLlama.create({ ...sizes, ...options }, { dtype });
  torch.noGrad(() => {
    for (const parameter of model.parameters()) parameter.add_(torch.randn(parameter.shape, { dtype }), { alpha: 0.2 });
  });
  return model;
}

export function gradients(model: ResidualLlama, loss: Tensor): Map<string, Tensor> {
  for (const parameter of model.parameters()) parameter.grad = null;
  loss.backward();
  return new Map([...model.namedParameters()].map(([name, { grad }]) => [name, grad!.clone()]));
}

export const largest = (x: Tensor) => x.abs().max().item();
