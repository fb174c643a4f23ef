/** How many steps a run has, and which micro-batches each takes: Hugging Face's arithmetic (N = epochs * ceil(batches / accumulation)). */
import type { TrainConfig } from './config';

export interface StepPlan {
  /** Micro-batches in an epoch; the last may be short of samples. */
  batchesPerEpoch: number;
  stepsPerEpoch: number;
  totalSteps: number;
  /** Epochs begun, as `num_train_epochs` counts them. */
  epochs: number;
  warmupSteps: number;
}

export function planSteps(blocks: number, config: TrainConfig): StepPlan {
  const batchesPerEpoch = Math.ceil(blocks / config.batchSize);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / config.accumulation);
  const totalSteps = config.maxSteps ?? Math.ceil((config.epochs ?? 3) * stepsPerEpoch);
  const warmupSteps = config.warmupSteps ?? Math.ceil((config.warmupRatio ?? 0) * totalSteps);
  return { batchesPerEpoch, stepsPerEpoch, totalSteps, epochs: Math.ceil(totalSteps / stepsPerEpoch), warmupSteps };
}

/** The micro-batches of the step that follows `steps` finished ones: fewer at the end of an epoch, which no step crosses. */
export function microBatchesOf(steps: number, plan: StepPlan, accumulation: number): number {
  const begun = (steps % plan.stepsPerEpoch) * accumulation;
  return Math.min(accumulation, plan.batchesPerEpoch - begun);
}

/** Passes over the data after `steps` steps; exact at an epoch's end. */
export function epochAfter(steps: number, plan: StepPlan, accumulation: number): number {
  const whole = Math.floor(steps / plan.stepsPerEpoch);
  const batches = (steps % plan.stepsPerEpoch) * accumulation;
  return whole + batches / plan.batchesPerEpoch;
}
