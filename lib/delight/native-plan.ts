/** From a model's configuration to the plan that the native side builds it from: sizes computed, every default filled in. */
import { isTranslation, type LanguageModelConfig, type ModelConfig, type TranslationModelConfig } from './config';
import { decoderPlan, embeddingPlan, encoderPlan, tableWidth, type BlockPlan, type TransformationPlan } from './plan';

type DelightConfig = Extract<ModelConfig, { type: 'delight' }>;

function unit(config: DelightConfig, { inFeatures, projFeatures, outFeatures, layers }: TransformationPlan) {
  const { shuffle, norm, activation, unitDropout: dropout } = config;
  return { inFeatures, projFeatures, outFeatures, layers, shuffle, bias: true, norm, activation, dropout };
}

function layer(config: ModelConfig, block: BlockPlan) {
  const { hiddenSize: features, activation, normalizeBefore, dropout, attentionDropout, activationDropout } = config;
  const rest = { features, activation, normalizeBefore, dropout, attentionDropout, activationDropout };
  const ffnFeatures = block.ffnSize;
  if (block.type === 'transformer') return { type: block.type, heads: block.heads, ffnFeatures, ...rest };
  const delight = config as DelightConfig;
  const transformation = unit(delight, block.transformation);
  return { type: block.type, unit: transformation, ffnFeatures, ffnDropout: delight.ffnDropout, ...rest };
}

function embedding(config: ModelConfig, vocabSize: number) {
  const plan = embeddingPlan(config);
  const input = isTranslation(config) ? null : config.adaptiveInput;
  return {
    vocabSize,
    paddingId: config.padTokenId,
    features: tableWidth(config),
    scale: config.scaleEmbedding,
    dropout: config.type === 'delight' ? config.embeddingDropout : 0,
    adaptive: input && { cutoffs: input.cutoffs, factor: input.factor, zeroTails: input.zeroTailInit },
    unit: plan && unit(config as DelightConfig, plan),
  };
}

interface Side {
  vocabSize: number;
  maxPositions: number;
  layers: object[];
  finalNorm: boolean;
}

function stack(config: ModelConfig, { vocabSize, maxPositions, layers, finalNorm }: Side) {
  const { hiddenSize: features, padTokenId: paddingId, dropout, activationCheckpointing } = config;
  return {
    features,
    embedding: embedding(config, vocabSize),
    positions: { type: config.positions, features, paddingId, maxPositions },
    layers,
    finalNorm,
    dropout,
    // DeLighT's is one mask for all positions, a Transformer's an ordinary one.
    positionDropout: config.type === 'delight' ? config.positionDropout : dropout,
    activationCheckpointing,
  };
}

function decoder(config: ModelConfig, vocabSize: number, maxPositions: number, crossAttention: boolean) {
  return stack(config, {
    vocabSize,
    maxPositions,
    layers: decoderPlan(config).map((block) => ({ ...layer(config, block), crossAttention })),
    finalNorm: config.normalizeBefore && config.finalNorm,
  });
}

/** The plan of an encoder-decoder. @throws ConfigError for impossible sizes */
export function translationNativePlan(config: TranslationModelConfig) {
  const { sourceVocabSize, targetVocabSize, maxSourcePositions, maxTargetPositions } = config;
  return {
    paddingId: config.padTokenId,
    eosId: config.eosTokenId,
    shareEmbeddings: config.shareEmbeddings,
    encoder: stack(config, {
      vocabSize: sourceVocabSize,
      maxPositions: maxSourcePositions,
      layers: encoderPlan(config).map((block) => layer(config, block)),
      finalNorm: config.normalizeBefore,
    }),
    decoder: decoder(config, targetVocabSize, maxTargetPositions, true),
    outFeatures: tableWidth(config),
    output: config.tieWordEmbeddings ? 'tied' : 'linear',
    labelSmoothing: config.labelSmoothing,
  };
}

/** The plan of a language model. @throws ConfigError for impossible sizes */
export function languageNativePlan(config: LanguageModelConfig) {
  const { vocabSize, maxPositionEmbeddings, tieWordEmbeddings, adaptiveSoftmax: softmax } = config;
  return {
    paddingId: config.padTokenId,
    decoder: decoder(config, vocabSize, maxPositionEmbeddings, false),
    outFeatures: tableWidth(config),
    output: softmax ? 'adaptive' : tieWordEmbeddings ? 'tied' : 'linear',
    adaptive: softmax,
  };
}
