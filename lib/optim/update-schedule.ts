/** Learning rates by updates, as fairseq schedules them. Source: spec/delight.md section 9. */
import { ArgumentError } from '../errors';
import { roundHalfEven } from '../metrics';

interface Warmup {
  /** Updates in which the rate rises along a line from `warmupInitLr`. */
  warmupUpdates: number;
  warmupInitLr: number;
  /** The highest rate. */
  maxLr: number;
}

/** Half a cosine from `maxLr` to `minLr` over `periodUpdates`, then again from `maxLr`. */
export interface CosineSchedule extends Warmup {
  type: 'cosine';
  minLr: number;
  periodUpdates: number;
}

/** A line from `maxLr` down to `minLr` at update `totalUpdates`; `minLr` after it. */
export interface LinearSchedule extends Warmup {
  type: 'linear';
  minLr: number;
  totalUpdates: number;
}

/** Falls with the square root of the updates, from `maxLr` at the end of the warm-up. */
export interface InverseSqrtSchedule extends Warmup {
  type: 'inverse-sqrt';
}

export type UpdateSchedule = CosineSchedule | LinearSchedule | InverseSqrtSchedule;

/**
 * The rate of the update that follows `updates` finished ones. The linear warm-up reaches `maxLr` one update before it ends, so that
 * the highest rate is used twice; the others reach it just after.
 * @throws ArgumentError for a number of updates that is none, or a schedule that divides by nothing
 */
export function learningRateAt(schedule: UpdateSchedule, updates: number): number {
  if (!Number.isInteger(updates) || updates < 0)
    throw new ArgumentError(`updates must be a whole number from 0 on, not ${updates}.`);
  const { type, warmupUpdates, warmupInitLr, maxLr } = schedule;
  const since = updates - warmupUpdates;
  if (type === 'linear') {
    if (since < 0) return between(warmupInitLr, maxLr, updates, warmupUpdates - 1);
    const length = atLeast(0, 'totalUpdates - warmupUpdates', schedule.totalUpdates - warmupUpdates);
    return since > length ? schedule.minLr : between(maxLr, schedule.minLr, since, length);
  }
  if (since < 0) return between(warmupInitLr, maxLr, updates, warmupUpdates);
  if (type === 'inverse-sqrt') return maxLr * Math.sqrt(atLeast(1, 'warmupUpdates', warmupUpdates) / updates);
  const period = atLeast(1, 'periodUpdates', schedule.periodUpdates);
  const wave = 1 + Math.cos((Math.PI * (since % period)) / period);
  return schedule.minLr + 0.5 * (maxLr - schedule.minLr) * wave;
}

/** Point `index` of a line with `steps` steps; its beginning where there is none. */
function between(from: number, to: number, index: number, steps: number): number {
  return steps === 0 ? from : from + (index * (to - from)) / steps;
}

function atLeast(least: number, name: string, value: number): number {
  if (!(value >= least)) throw new ArgumentError(`The schedule's ${name} must be at least ${least}, not ${value}.`);
  return value;
}

/**
 * The highest rate for a model of another width by the rule of DeLighT's recipes: in inverse proportion to the width, rounded to
 * `digits` decimals, at most 0.01.
 * @param reference the width for which the rate is known, and that rate
 */
export function scaledLearningRate(width: number, reference: { width: number; lr: number; digits: number }): number {
  if (!(width > 0)) throw new ArgumentError(`A model's width must be above 0, not ${width}.`);
  return Math.min(roundHalfEven((reference.width / width) * reference.lr, reference.digits), 0.01);
}
