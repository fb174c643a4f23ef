/** How many steps a run has, and which micro-batches each takes: Hugging Face's arithmetic (N = epochs * ceil(batches / accumulation)). */
import { epochsOf, type TrainConfig } from './config';

export interface StepPlan {
  /** Micro-batches in an epoch; the last may be short of samples. */
  batchesPerEpoch: number;
  stepsPerEpoch: number;
  /** Up to the first limit of steps, epochs and tokens; Infinity where none is given that is known before. */
  totalSteps: number;
  /** Epochs begun, as `num_train_epochs` counts them. */
  epochs: number;
  warmupSteps: number;
}

type PlannedConfig = Pick<
  TrainConfig,
  'batchSize' | 'accumulation' | 'epochs' | 'maxSteps' | 'maxTrainTokens' | 'warmupSteps' | 'warmupRatio'
>;

/** @param tokensPerSample - null where samples are of different lengths, or nobody knows */
export function planSteps(samples: number, config: PlannedConfig, tokensPerSample: number | null = null): StepPlan {
  const { batchSize, accumulation, maxSteps = Infinity, maxTrainTokens: tokens = Infinity } = config;
  const batchesPerEpoch = Math.ceil(samples / batchSize);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / accumulation);
  const ofTokens =
    tokensPerSample === null ? Infinity : stepsToSamples(tokens / tokensPerSample, samples, batchSize * accumulation);
  const totalSteps = Math.min(maxSteps, Math.ceil(epochsOf(config) * stepsPerEpoch), ofTokens);
  const warmupSteps = config.warmupSteps ?? Math.ceil((config.warmupRatio ?? 0) * totalSteps);
  return { batchesPerEpoch, stepsPerEpoch, totalSteps, epochs: Math.ceil(totalSteps / stepsPerEpoch), warmupSteps };
}

/** Steps until so many samples were taken; the last step of an epoch takes what is left of it. */
function stepsToSamples(wanted: number, inEpoch: number, perStep: number): number {
  if (wanted === Infinity) return Infinity;
  const wholeEpochs = Math.ceil(wanted / inEpoch) - 1;
  return wholeEpochs * Math.ceil(inEpoch / perStep) + Math.ceil((wanted - wholeEpochs * inEpoch) / perStep);
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
