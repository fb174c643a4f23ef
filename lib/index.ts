/**
 * Torchwright: PyTorch's engine (libtorch) for TypeScript. `torch`, `nn` and `optim` script tensors; `ResidualLlama` and `Trainer` train
 * decoders whose residual stream is recomputed; `runStudy` does whole comparisons from one file.
 */
import * as nn from './nn';
import * as optim from './optim';
import { torch as tensors } from './tensor';

/** Tensors and operators, with `torch.nn` and `torch.optim` where PyTorch has them. */
export const torch = { ...tensors, nn, optim };
export { nn, optim };

export { Tensor, withSignal } from './tensor';
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
  TorchError,
  TorchwrightError,
  VersionError,
} from './errors';
export { formatConfig, loadConfig, parseConfig } from './config';
export { dataSchema, prepareData } from './data';
export type { DataConfig, DataInput, DataProgress, PreparedData, TextTokenizer, TokenBlocks } from './data';
export { formatMetrics, saveMetrics, saveTrainerState } from './metrics';
export type { Metrics, TrainerState } from './metrics';
export { ResidualLlama, countParameters, parseVariant, residualTitle, variantNames } from './residual';
export type {
  BatchEvaluation,
  ModelConfig,
  ModelOptions,
  ResidualConfig,
  ResidualVariant,
  VariantName,
} from './residual';
export { Trainer, evaluateBlocks, trainSchema } from './train';
export type { Checkpoints, LanguageModel, TrainConfig, TrainEvent, TrainOptions, TrainerOptions } from './train';
export { comparisonMarkdown, comparisonText, evaluateRun, runStudy, studySchema, trainStudy } from './study';
export type {
  Comparison,
  ComparisonRow,
  RunEvaluation,
  RunResult,
  StudyConfig,
  StudyEvent,
  StudyInput,
  StudyOptions,
} from './study';
