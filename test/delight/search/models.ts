import { DelightLanguageModel, DelightTransformer } from '../../../lib/delight';

/** Small models with fresh weights, much the same for each test: every test begins with the same seed. */
export function smallTranslator(vocabSize = 40): DelightTransformer {
  return DelightTransformer.create({
    type: 'delight',
    embeddingSize: 32,
    hiddenSize: 64,
    sourceVocabSize: vocabSize,
    targetVocabSize: vocabSize,
    maxSourcePositions: 24,
    maxTargetPositions: 24,
    embedding: { depth: 2, widthMultiplier: 2, maxGroups: 2 },
    encoder: { minDepth: 2, maxDepth: 3, blocks: 2, maxGroups: 2 },
    decoder: { minDepth: 2, maxDepth: 3, blocks: 2, maxGroups: 2 },
  }).eval();
}

export function smallTransformer(vocabSize = 40): DelightTransformer {
  return DelightTransformer.create({
    type: 'transformer',
    hiddenSize: 32,
    sourceVocabSize: vocabSize,
    targetVocabSize: vocabSize,
    maxSourcePositions: 24,
    maxTargetPositions: 24,
    encoder: { layers: 2, heads: 4 },
    decoder: { layers: 2, heads: 4 },
  }).eval();
}

export function smallLanguageModel(vocabSize = 40): DelightLanguageModel {
  return DelightLanguageModel.create({
    type: 'delight',
    embeddingSize: 32,
    hiddenSize: 64,
    vocabSize,
    maxPositionEmbeddings: 32,
    embedding: { depth: 2, widthMultiplier: 2, maxGroups: 2 },
    decoder: { minDepth: 2, maxDepth: 3, blocks: 2, maxGroups: 2 },
  }).eval();
}
