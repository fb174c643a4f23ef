export { Trainer, type TrainerEvents } from './trainer';
export type { PairTrainerOptions, RunOptions, TrainerOptions } from './options';
export type { TrainObserver } from './observer';
export type { StepSplit } from './steps/step';
export { averageCheckpoints } from './average';
export type { Checkpoints } from './checkpoints';
export type { TrainingPlan, TrainingPosition } from './data';
export { evaluateBlocks, evaluatePairs } from './evaluate';
export type { EvaluateOptions, EvaluatePairsOptions, EvaluationBatchEvent } from './evaluate';
export { pairTrainSchema, pairTrainSectionSchema, seedSchema, trainSchema, trainSectionSchema } from './config';
export type { PairTrainConfig, PairTrainOptions, Precision, TrainConfig, TrainOptions } from './config';
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
