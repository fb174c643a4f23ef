export { Trainer, type TrainerEvents } from './trainer';
export type {
  ModuleParts,
  ModuleTrainerOptions,
  PairTrainerOptions,
  RunOptions,
  StreamTrainerOptions,
  TrainerOptions,
} from './options';
export type { Batches, ModuleSplits } from './modules/batches';
export type { MetricsFunction } from './modules/evaluate';
export type { LossFunction, ModuleLoss } from './modules/loss';
export type { TrainObserver } from './observer';
export type { Training } from './training';
export { ProgressLine, PrometheusGauges } from './record';
export type { StepMemory, StepSpeed, TraceOptions } from './record';
export type { StepSplit } from './steps/step';
export { averageCheckpoints } from './average';
export { bestName, checkpointsName, describeDifferences, differencesOf, latestName } from './checkpoints';
export { freeKeys } from './settings';
export type { Difference, ModelFiles } from './checkpoints';
export type { TrainingPlan, TrainingPosition } from './data';
export { evaluateBlocks, evaluatePairs } from './evaluate';
export type { EvaluateOptions, EvaluatePairsOptions, EvaluationBatchEvent } from './evaluate';
export { pairTrainSchema, pairTrainSectionSchema, seedSchema, trainSchema, trainSectionSchema } from './config';
export type {
  ModuleTrainConfig,
  ModuleTrainOptions,
  PairTrainConfig,
  PairTrainOptions,
  Precision,
  TrainConfig,
  TrainOptions,
} from './config';
export type {
  CheckpointEvent,
  ContinuedEvent,
  EndEvent,
  EndReason,
  EvaluationEvent,
  PausedEvent,
  Sample,
  SampleEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
  WarningEvent,
} from './events';
export type { LanguageModel, TranslationModel } from './model';
