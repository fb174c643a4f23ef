/** DeLighT: layers, translation and language models, their sizes and costs, search and perplexity. */
export {
  activationNames,
  architecture,
  architectureNames,
  isTranslation,
  languageModelConfig,
  languageModelSchema,
  normNames,
  translationModelConfig,
  translationModelSchema,
} from './config';
export type {
  ActivationName,
  LanguageModelConfig,
  LanguageModelOptions,
  LanguageModelSection,
  ModelConfig as DelightModelConfig,
  NormName,
  TranslationModelConfig,
  TranslationModelOptions,
  TranslationModelSection,
} from './config';
export { countParameters, modelCost, type BlockCost, type Lengths, type ModelCost } from './cost';
export { DelightLanguageModel, type LanguageEvaluation } from './language-model';
export * from './layers';
export { modelMemory, type BatchSize as DelightBatchSize } from './memory';
export type { LoadModelOptions } from './model-files';
export { parityCases } from './parity';
export * from './perplexity';
export {
  blockScaling,
  decoderPlan,
  embeddingPlan,
  encoderPlan,
  maxGroups,
  transformationPlan,
  type BlockPlan,
  type GroupLinearSize,
  type Scaling,
  type ScalingOptions,
  type TransformationOptions,
  type TransformationPlan,
} from './plan';
export * from './search';
export { originalStateDict, type ConfiguredModel, type WeightOptions } from './state-dict';
export { DelightTransformer, type TranslationEvaluation } from './transformer';
