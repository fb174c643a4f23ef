/** Schedules with a warm-up, as language models are trained. The same formulas serve the Trainer's schedules by name. */
import type { Optimizer } from '../optimizer';
import { inverseSqrtFactor, learningRateFactor, stableDecayFactor, type Fall } from '../schedule';
import { integerFrom, within, type StartOptions } from './scheduler';
import { LambdaLR } from './steps';

export interface WarmupOptions extends StartOptions {
  /** Steps in which the rate rises from 0 along a line. */
  warmupSteps: number;
}

export interface WarmupDecayOptions extends WarmupOptions {
  /** All steps, with the warm-up; the rate stays at its lowest after them. */
  totalSteps: number;
  /** The lowest rate after the warm-up, as a part of the highest. Default 0. */
  minRatio?: number;
}

function decay(
  shape: 'linear' | 'cosine',
  optimizer: Optimizer,
  { warmupSteps, totalSteps, minRatio = 0, lastEpoch }: WarmupDecayOptions,
): LambdaLR {
  integerFrom(0, 'warmupSteps', warmupSteps);
  integerFrom(warmupSteps, 'totalSteps', totalSteps);
  within('minRatio', minRatio, 0, 1);
  const lrLambda = (step: number) => {
    const factor = learningRateFactor(shape, step, totalSteps, warmupSteps);
    return step < warmupSteps ? factor : factor * (1 - minRatio) + minRatio;
  };
  return new LambdaLR(optimizer, { lrLambda, ...start(lastEpoch) });
}

const start = (lastEpoch: number | undefined): StartOptions => (lastEpoch === undefined ? {} : { lastEpoch });

/** Rises along a line, then stays. */
export function constantWithWarmup(optimizer: Optimizer, { warmupSteps, lastEpoch }: WarmupOptions): LambdaLR {
  integerFrom(0, 'warmupSteps', warmupSteps);
  const lrLambda = (step: number) => learningRateFactor('constant', step, 0, warmupSteps);
  return new LambdaLR(optimizer, { lrLambda, ...start(lastEpoch) });
}

/** Rises along a line, then falls along one. */
export function linearWithWarmup(optimizer: Optimizer, options: WarmupDecayOptions): LambdaLR {
  return decay('linear', optimizer, options);
}

/** Rises along a line, then falls along half a cosine. */
export function cosineWithWarmup(optimizer: Optimizer, options: WarmupDecayOptions): LambdaLR {
  return decay('cosine', optimizer, options);
}

export interface InverseSqrtOptions extends WarmupOptions {
  /** Steps that count as done at the end of the warm-up: the larger, the slower the fall. Default: those of the warm-up, or 10,000 without one. */
  timescale?: number;
}

/** Rises along a line, then falls with the square root of the steps. Source: Vaswani et al. 2017. */
export function inverseSqrt(optimizer: Optimizer, { warmupSteps, timescale, lastEpoch }: InverseSqrtOptions): LambdaLR {
  integerFrom(0, 'warmupSteps', warmupSteps);
  const scale = integerFrom(1, 'timescale', timescale ?? (warmupSteps || 10_000));
  const lrLambda = (step: number) => inverseSqrtFactor(step, warmupSteps, scale);
  return new LambdaLR(optimizer, { lrLambda, ...start(lastEpoch) });
}

export interface WarmupStableDecayOptions extends WarmupOptions {
  /** Steps at the highest rate. */
  stableSteps: number;
  decaySteps: number;
  /** Default `linear`. */
  warmupType?: Fall;
  /** Default `cosine`. */
  decayType?: Fall;
  /** The lowest rate, before and after, as a part of the highest. Default 0. */
  minRatio?: number;
}

/** Rises, stays, and falls at the end: a training can be prolonged before its decay. Source: Hu et al. 2024, "MiniCPM". */
export function warmupStableDecay(optimizer: Optimizer, options: WarmupStableDecayOptions): LambdaLR {
  const { warmupType = 'linear', decayType = 'cosine', minRatio = 0, lastEpoch } = options;
  const steps = {
    warmup: integerFrom(0, 'warmupSteps', options.warmupSteps),
    stable: integerFrom(0, 'stableSteps', options.stableSteps),
    decay: integerFrom(0, 'decaySteps', options.decaySteps),
  };
  const shapes = { rise: warmupType, shape: decayType, least: within('minRatio', minRatio, 0, 1) };
  const lrLambda = (step: number) => stableDecayFactor(step, steps, shapes);
  return new LambdaLR(optimizer, { lrLambda, ...start(lastEpoch) });
}
