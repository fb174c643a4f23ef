/** The memory of a pass, tensor by tensor, against what the allocator counts. */
import {
  DelightLanguageModel,
  DelightTransformer,
  modelMemory,
  type DelightBatchSize,
  type LanguageModelOptions,
  type TranslationModelOptions,
} from '../../lib/delight';
import { torch } from '../../lib/tensor';
import { measuredPeaks, ratios } from '../memory/measured';

const delight = { type: 'delight', hiddenSize: 64, decoder: { minDepth: 3, maxDepth: 4 } } as const;
const transformer = { type: 'transformer', hiddenSize: 64, decoder: { layers: 3, heads: 4 } } as const;
const size = { batch: 8, source: 40, target: 48, device: 'cpu' } as const;
const words = 3000;
type Precision = 'float32' | 'bf16';

const ids = (...shape: number[]) => torch.randint(4, words, shape, { dtype: 'int64' });
const batchSize = (precision: Precision): DelightBatchSize => ({ ...size, precision });

function close(estimated: ReturnType<typeof modelMemory>, measured: ReturnType<typeof measuredPeaks>): void {
  const { training, evaluation } = ratios(estimated, measured);
  expect(Math.abs(training - 1)).toBeLessThan(0.08);
  expect(Math.abs(evaluation - 1)).toBeLessThan(0.12);
}

const translations: [string, TranslationModelOptions, Precision?, number?][] = [
  ['DeLighT', { ...delight, encoder: {} }],
  [
    'DeLighT, norms before, no dropout in the units',
    { ...delight, encoder: {}, normalizeBefore: true, unitDropout: 0 },
  ],
  ['DeLighT with batch norms', { ...delight, encoder: {}, norm: 'batch' }],
  ['DeLighT in bf16', { ...delight, encoder: {} }, 'bf16'],
  ['DeLighT, checkpointing', { ...delight, encoder: {}, activationCheckpointing: true }],
  ['Transformer', { ...transformer, encoder: {} }],
  ['Transformer, dropout of attention', { ...transformer, encoder: {}, attentionDropout: 0.1 }],
  ['Transformer, checkpointing', { ...transformer, encoder: {}, activationCheckpointing: true }],
  ['Transformer, shared table, accumulation', { ...transformer, encoder: {}, shareEmbeddings: true }, 'float32', 2],
];

test.each(translations)(
  'translation, %s: peaks as the allocator counts them',
  (_name, options, precision = 'float32', accumulation = 1) => {
    const create = () => DelightTransformer.create({ ...options, sourceVocabSize: words, targetVocabSize: words });
    const measured = measuredPeaks(() => {
      const model = create();
      const inputs = () => [ids(size.batch, size.source), ids(size.batch, size.target), ids(size.batch, size.target)];
      return {
        model,
        batches: Array.from({ length: accumulation }, () => inputs),
        loss: ([source, previous, target]) => model.loss(source!, previous!, target!).loss,
        evaluate: (all) => model.call('evaluate', all),
        precision,
      };
    });
    using model = create();
    close(modelMemory(model.config, batchSize(precision), accumulation), measured);
  },
);

const languages: [string, LanguageModelOptions, Precision?][] = [
  ['DeLighT', { ...delight, vocabSize: words }],
  ['DeLighT, adaptive', { ...delight, vocabSize: words, adaptiveInput: { cutoffs: [500, 1500] }, adaptiveSoftmax: {} }],
  ['Transformer', { ...transformer, vocabSize: words }],
  ['Transformer in bf16', { ...transformer, vocabSize: words }, 'bf16'],
];

test.each(languages)('texts, %s: peaks as the allocator counts them', (_name, options, precision = 'float32') => {
  const measured = measuredPeaks(() => {
    const model = DelightLanguageModel.create(options);
    return {
      model,
      batches: [() => [ids(size.batch, size.target)]],
      loss: ([text]) => model.loss(text!),
      evaluate: ([text]) => model.call('evaluate', [text!]),
      precision,
    };
  });
  using model = DelightLanguageModel.create(options);
  close(modelMemory(model.config, batchSize(precision)), measured);
});

test('activation checkpointing leaves a fraction of the activations', () => {
  const activations = (activationCheckpointing: boolean) => {
    using model = DelightLanguageModel.create({ ...delight, vocabSize: words, activationCheckpointing });
    return modelMemory(model.config, batchSize('float32')).training.activations;
  };
  expect(activations(true)).toBeLessThan(activations(false) / 2);
});

/** All logits of this batch would be 8 * 511 * 60,000 * 4 bytes: 0.98 GB. */
test.each([
  [
    'a plain softmax with label smoothing',
    DelightTransformer,
    { ...transformer, hiddenSize: 16, encoder: { layers: 1 }, decoder: { layers: 1, heads: 2 }, labelSmoothing: 0.1 },
  ],
  [
    'an adaptive softmax',
    DelightLanguageModel,
    {
      ...transformer,
      hiddenSize: 16,
      decoder: { layers: 1, heads: 2 },
      adaptiveInput: { cutoffs: [40000, 50000] },
      adaptiveSoftmax: {},
    },
  ],
] as const)('%s never holds all logits, neither in training nor in evaluation', (_name, Model, options) => {
  const vocabulary = 60_000;
  const text = () => torch.randint(4, vocabulary, [8, 511], { dtype: 'int64' });
  const measured = measuredPeaks(() => {
    if (Model === DelightTransformer) {
      const model = DelightTransformer.create({
        ...options,
        sourceVocabSize: 100,
        targetVocabSize: vocabulary,
      });
      const source = () => torch.randint(4, 100, [8, 8], { dtype: 'int64' });
      return {
        model,
        batches: [() => [source(), text(), text()]],
        loss: (inputs) => model.loss(inputs[0]!, inputs[1]!, inputs[2]!).loss,
        evaluate: (inputs) => model.call('evaluate', inputs),
      };
    }
    const model = DelightLanguageModel.create({ ...options, vocabSize: vocabulary } as LanguageModelOptions);
    return {
      model,
      batches: [() => [text()]],
      loss: ([ids]) => model.loss(ids!),
      // The perplexity with context asks for the loss of every token.
      evaluate: ([ids]) => [model.call('evaluate', [ids!]), model.tokenLosses(ids!, ids!)],
    };
  });
  expect(measured.training).toBeLessThan(0.25e9);
  expect(measured.evaluation).toBeLessThan(0.25e9);
});
