/** Studies of different families and sizes, each of some steps, over made-up text. */
import fs from 'node:fs';
import path from 'node:path';

const words = ['whale', 'ship', 'sea', 'captain', 'storm', 'harpoon', 'sail', 'deck', 'wind', 'rope', 'anchor', 'wave'];
const sentence = (length, seed) => {
  let state = seed * 7919 + 11;
  return Array.from({ length }, () => words[(state = (state * 1103515245 + 12345) % 2147483648) % words.length]).join(
    ' ',
  );
};

/** @param folder - where the texts go */
export function studies(folder) {
  const lines = (name, length, count = 2000) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, Array.from({ length: count }, (_, index) => `${sentence(length, index)}\n`).join(''));
    return file;
  };
  const text = lines('text.txt', 60);
  const corpus = { source: lines('source.txt', 48), target: lines('target.txt', 48) };
  const train = { maxSteps: 100 };
  const output = path.join(folder, 'runs');
  const texts = (blockSize) => ({ corpus: text, validation: 0.1, blockSize });
  const decode = { beams: 1, maxLengthB: 4, batchSentences: 8 };
  const pairs = { corpus, vocabulary: { bpe: 300 }, validation: 60, test: 4 };
  const residual = { vocabSize: 16000, hiddenSize: 384, numHiddenLayers: 8, numAttentionHeads: 6, residual: '3.2' };
  const delight = { type: 'delight', hiddenSize: 256, targetVocabSize: 16000, sourceVocabSize: 16000 };
  const stacks = { encoder: { maxDepth: 6 }, decoder: { maxDepth: 6 } };
  const transformer = { type: 'transformer', hiddenSize: 640, vocabSize: 24000, decoder: { layers: 10, heads: 10 } };
  const translation = (name, models) => ({
    task: 'translation',
    name,
    output,
    data: pairs,
    models,
    decode,
    train: { ...train, maxTokens: 2048 },
  });
  const language = (name, models, blockSize, batchSize) => ({
    task: 'language-model',
    name,
    output,
    data: texts(blockSize),
    models,
    train: { ...train, batchSize, evalBatchSize: batchSize },
  });
  const decoder = (name, model, batchSize, more = {}) => ({
    name,
    output,
    data: texts(512),
    model,
    train: { ...train, batchSize, evalBatchSize: batchSize, ...more },
  });
  const lm = {
    ...delight,
    targetVocabSize: undefined,
    sourceVocabSize: undefined,
    vocabSize: 16000,
    decoder: { maxDepth: 6 },
  };
  return [
    { title: 'decoder, Method 3.2', study: decoder('residual', residual, 4) },
    {
      title: 'the same, activations made anew',
      study: decoder('residual-anew', { ...residual, activationCheckpointing: true }, 4),
    },
    {
      title: 'the same, baseline, 2 micro-batches',
      study: decoder('residual-two', { ...residual, residual: 'baseline' }, 4, { accumulation: 2 }),
    },
    { title: 'DeLighT, translation', study: translation('delight', { DeLighT: { ...delight, ...stacks } }) },
    {
      title: 'the same, activations made anew',
      study: translation('delight-anew', { DeLighT: { ...delight, ...stacks, activationCheckpointing: true } }),
    },
    { title: 'DeLighT, language model', study: language('delight-lm', { DeLighT: lm }, 256, 16) },
    {
      title: 'Transformer, language model: weights',
      study: language('transformer-lm', { Transformer: transformer }, 32, 2),
    },
  ];
}
