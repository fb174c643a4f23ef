/** The memory of a pass, tensor by tensor, against what the allocator counts. */
import { modelCost, ResidualLlama, variantNames, type ModelOptions } from '../../lib/residual';
import { torch } from '../../lib/tensor';
import { measuredPeaks, ratios } from '../memory/measured';

const time = 96;
const batch = 4;
const sizes = { vocabSize: 3000, hiddenSize: 64, numHiddenLayers: 5, numAttentionHeads: 4, numKeyValueHeads: 2 };

const cases: [string, Partial<ModelOptions>, ('float32' | 'bf16')?, number?][] = [
  ...variantNames.map((residual) => [residual, { residual }] as [string, Partial<ModelOptions>]),
  ['stored outputs', { residual: '3.2 stored' }],
  ['stored outputs of attention', { residual: '2 stored' }],
  ['a window', { residual: { site: 'mlp', weights: 'mean', window: 2 } }],
  ['the stream after the attention', { residual: { site: 'mlp', weights: 'sum', input: 'mid' } }],
  ['detached probabilities', { residual: { site: 'attention', weights: 'learned', detachProbs: true } }],
  ['no probabilities', { residual: '3.2', probabilityBudget: 0 }],
  ['checkpointing', { residual: '3.2', activationCheckpointing: true }],
  ['checkpointing, tied', { activationCheckpointing: true, tieWordEmbeddings: true }],
  ['bf16', { residual: '4.2' }, 'bf16'],
  ['accumulation', { residual: '3.2' }, 'float32', 3],
];

test.each(cases)(
  '%s: peaks as the allocator counts them',
  (_name, options, precision = 'float32', accumulation = 1) => {
    const measured = measuredPeaks(() => {
      const model = ResidualLlama.create({ ...sizes, ...options });
      return {
        model,
        batches: Array.from({ length: accumulation }, () => () => [torch.zeros([batch, time], { dtype: 'int64' })]),
        loss: ([ids]) => model.loss(ids!),
        evaluate: ([ids]) => model.call('evaluate', [ids!]),
        precision,
      };
    });
    using model = ResidualLlama.create({ ...sizes, ...options });
    const { memory } = modelCost(model.config, { time, batch, precision, accumulation });
    const { training, evaluation } = ratios(memory, measured);
    expect(Math.abs(training - 1)).toBeLessThan(0.05);
    expect(Math.abs(evaluation - 1)).toBeLessThan(0.1);
  },
);

test('the parts are those of weights, gradients, moments, activations and loss', () => {
  using model = ResidualLlama.create({ ...sizes, residual: '3.2' });
  const bytes = [...model.parameters()].reduce((sum, { numel }) => sum + 4 * numel, 0);
  const partsOf = (options: Partial<Parameters<typeof modelCost>[1]> = {}, change: object = {}) =>
    modelCost({ ...model.config, ...change }, { time, batch, ...options }).memory.training;
  expect(partsOf()).toMatchObject({ weights: bytes, optimizer: 2 * bytes });
  // With a batch of next to nothing, the peak is where every gradient is there.
  expect(partsOf({ time: 2, batch: 1 }).gradients).toBeGreaterThanOrEqual(0.5 * bytes);
  expect(partsOf({ accumulation: 2 }).gradients).toBeGreaterThanOrEqual(bytes);
  expect(partsOf({ batch: 2 * batch }).activations / partsOf().activations).toBeGreaterThan(1.8);
  // Logits are there in parts: a vocabulary of ten times does not make the loss ten times as large.
  const largest = { batch: 64, time: 256 };
  expect(partsOf(largest, { vocabSize: 30000 }).loss).toBeLessThan((4 * 64 * 256 * 30000) / 10);
});
