/** Optimisers, parameter groups, schedules, clipping. */
export { Adafactor, type AdafactorSettings, type AdafactorState } from './adafactor';
export { Adam, AdamW, type AdamSettings, type AdamState } from './adam';
export { clipGradNorm, clipGradValue, getTotalNorm, type ClipNormOptions, type NormOptions } from './clip';
export {
  ExponentialMovingAverage,
  type ExponentialMovingAverageOptions,
  type ExponentialMovingAverageState,
} from './exponential-moving-average';
export { ForeachOptimizer, type Bucket } from './foreach-optimizer';
export { GradScaler, type GradScalerOptions, type GradScalerState } from './grad-scaler';
export { decayGroups, type Group, type ParameterGroup } from './groups';
export { Lion, type LionSettings, type LionState } from './lion';
export { Optimizer } from './optimizer';
export { loadOptimizer, loadPytorchState, saveOptimizer, toPytorchState, type LoadOptimizerOptions } from './pytorch';
export { RMSprop, type RMSpropSettings, type RMSpropState } from './rmsprop';
export { learningRateFactor, type Schedule } from './schedule';
export type { CommonSettings, Rule, Rules } from './settings';
export { SGD, type SGDSettings, type SGDState } from './sgd';
export type { OptimizerState, ParameterState, StateForm } from './state';
export {
  learningRateAt,
  scaledLearningRate,
  type CosineSchedule,
  type InverseSqrtSchedule,
  type LinearSchedule,
  type UpdateSchedule,
} from './update-schedule';
export * as schedulers from './schedulers';
