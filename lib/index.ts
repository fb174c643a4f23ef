/**
 * Torchwright: PyTorch's engine (libtorch) for TypeScript. `torch`, `nn` and `optim` script tensors; `ResidualLlama` is a decoder whose
 * residual stream is recomputed, `DelightTransformer` and `DelightLanguageModel` are DeLighT and the Transformers it is compared with; `Trainer`
 * trains them all, `Translator` translates, and `runStudy` does whole comparisons from one file.
 */
import * as nn from './nn';
import * as optim from './optim';
import { torch as tensors } from './tensor';

/** Tensors and operators, with `torch.nn` and `torch.optim` where PyTorch has them. */
export const torch = { ...tensors, nn, optim };
export { nn, optim };

export { Tensor, slice, withSignal } from './tensor';
export type { Complex, DataArray, Device, Dtype, Memory, NestedArray, TypedArray } from './tensor';
export {
  AbortError,
  ArgumentError,
  CheckpointError,
  ConfigError,
  DataError,
  DeviceError,
  DisposedError,
  DistributedError,
  DtypeError,
  LoadError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StorageError,
  TorchError,
  TorchwrightError,
  VersionError,
} from './errors';
export { formatConfig, loadConfig, parseConfig } from './config';
export { dataSchema, loadPairTokenizers, loadTokenizer, pairDataSchema, prepareData, preparePairs } from './data';
export type {
  DataConfig,
  DataInput,
  DataProgress,
  PairDataConfig,
  PairDataInput,
  PairProgress,
  PairTokenizer,
  PairTokenizers,
  PreparedData,
  PreparedPairs,
  TextCounts,
  TextTokenizer,
  TokenBlocks,
  TokenPairs,
} from './data';
export {
  Activation,
  AdaptiveInput,
  AdaptiveSoftmax,
  DecoderLayerState,
  DelightDecoderLayer,
  DelightEmbedding,
  DelightEncoderLayer,
  DelightLanguageModel,
  DelightTransformation,
  DelightTransformer,
  GatedLinear,
  GroupLinear,
  IncrementalState,
  LearnedPositions,
  RecurrentDropout,
  SingleHeadAttention,
  SinusoidalPositions,
  Translator,
  architecture,
  architectureNames,
  beamSearch,
  blockScaling,
  modelCost,
  perplexity,
  sampleTranslations,
  transformationPlan,
} from './delight';
export type {
  BeamSearchOptions,
  BlockCost,
  GroupLinearSize,
  Hypothesis,
  LanguageModelConfig,
  LanguageModelOptions,
  ModelCost,
  Perplexity,
  TransformationOptions,
  TransformationPlan,
  TranslateOptions,
  Translation,
  TranslationModelConfig,
  TranslationModelOptions,
} from './delight';
export { drawTokens } from './generation';
export type { DrawOptions, DrawnTokens, GeneratedPiece, GenerateOptions, Prompt, SamplingOptions } from './generation';
export {
  corpusBleu,
  corpusChrf,
  fairseqBleu,
  formatBleu,
  formatChrf,
  formatMetrics,
  saveMetrics,
  saveTrainerState,
  sentenceBleu,
} from './metrics';
export type { BleuOptions, BleuScore, ChrfOptions, ChrfScore, Metrics, TrainerState } from './metrics';
export {
  ResidualLlama,
  countParameters,
  layerWeights,
  modelCost as residualCost,
  parseVariant,
  residualTitle,
  variantNames,
} from './residual';
export type {
  BatchEvaluation,
  ModelConfig,
  ModelOptions,
  ResidualConfig,
  ResidualVariant,
  CostOptions as ResidualCostOptions,
  LayerMix,
  ModelCost as ResidualCost,
  VariantName,
} from './residual';
export { Trainer, averageCheckpoints, evaluateBlocks, evaluatePairs, pairTrainSchema, trainSchema } from './train';
export type {
  Checkpoints,
  LanguageModel,
  PairTrainConfig,
  PairTrainOptions,
  PairTrainerOptions,
  TrainConfig,
  TrainEvent,
  TrainOptions,
  TrainerOptions,
  TranslationModel,
} from './train';
export {
  comparisonMarkdown,
  comparisonText,
  defineStudy,
  evaluateRun,
  languageModelStudySchema,
  readStudy,
  runStudy,
  reportRuns,
  shippedStudies,
  studySchema,
  trainStudy,
  translationStudySchema,
} from './study';
export type {
  AnyComparison,
  AnyStudyConfig,
  AnyStudyInput,
  CompareStudyOptions,
  Comparison,
  ComparisonRow,
  LanguageModelComparison,
  LanguageModelRow,
  LanguageModelStudyConfig,
  LanguageModelStudyInput,
  ModelResult,
  RunEvaluation,
  RunResult,
  StudyConfig,
  StudyDefinition,
  StudyEvent,
  StudyFile,
  StudyInput,
  StudyOptions,
  TrainStudyOptions,
  TranslationComparison,
  TranslationRow,
  TranslationStudyConfig,
  TranslationStudyInput,
} from './study';
