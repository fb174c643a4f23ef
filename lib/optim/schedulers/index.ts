/** Schedulers of learning rates, with the names and the arithmetic of `torch.optim.lr_scheduler`. */
export { ChainedScheduler, SequentialLR, type SequentialLROptions } from './combined';
export {
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingLROptions,
  type CosineAnnealingWarmRestartsOptions,
} from './cosine';
export { CyclicLR, OneCycleLR, type CyclicLROptions, type OneCycleLROptions } from './cycles';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './plateau';
export { LRScheduler, Scheduler, StepScheduler, type SchedulerState, type StartOptions } from './scheduler';
export {
  ConstantLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiplicativeLR,
  MultiStepLR,
  PolynomialLR,
  StepLR,
  type ConstantLROptions,
  type ExponentialLROptions,
  type LambdaLROptions,
  type LinearLROptions,
  type MultiStepLROptions,
  type PolynomialLROptions,
  type StepLROptions,
} from './steps';
export {
  constantWithWarmup,
  cosineWithWarmup,
  inverseSqrt,
  linearWithWarmup,
  warmupStableDecay,
  type InverseSqrtOptions,
  type WarmupDecayOptions,
  type WarmupOptions,
  type WarmupStableDecayOptions,
} from './warm-up';
