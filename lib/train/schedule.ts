/** The `schedule:` of a training, and the learning rate of each step. */
import { z } from 'zod';

import { ConfigError } from '../errors';
import { learningRateFactor, type Schedule } from '../optim/schedule';
import { learningRateAt, type UpdateSchedule } from '../optim/update-schedule';

const rate = z.number().nonnegative();
const shape = {
  /** Steps in which the rate rises along a line from `warmupInitLr`. */
  warmupUpdates: z.int().nonnegative().default(0),
  warmupInitLr: rate.default(1e-7),
};
const minLr = rate.default(1e-7);
const updates = z.int().positive().optional();

/** A schedule by updates, with fairseq's names. The highest rate is `train.learningRate`. */
export const updateScheduleSchema = z.discriminatedUnion('type', [
  /** Half a cosine over `periodUpdates`, then again from the top. Default: all steps after the warm-up. */
  z.strictObject({ type: z.literal('cosine'), ...shape, minLr, periodUpdates: updates }),
  /** A line down to `minLr` at `totalUpdates`. Default: all steps. */
  z.strictObject({ type: z.literal('linear'), ...shape, minLr, totalUpdates: updates }),
  z.strictObject({ type: z.literal('inverse-sqrt'), ...shape, warmupUpdates: z.int().positive() }),
]);

export type UpdateScheduleConfig = z.output<typeof updateScheduleSchema>;

interface Lengths {
  /** Null where it is not known before. */
  totalSteps: number | null;
  warmupSteps: number;
}

/** The rate of the step that follows so many finished ones. @throws ConfigError for a schedule that does not fit the training's length */
export function learningRates(
  {
    schedule,
    learningRate,
  }: {
    /** By its name, from `learningRate` on; or by updates. */
    schedule: Schedule | UpdateScheduleConfig;
    learningRate: number;
  },
  { totalSteps, warmupSteps }: Lengths,
): (steps: number) => number {
  if (schedule === 'constant') totalSteps ??= Number.MAX_SAFE_INTEGER;
  if (typeof schedule === 'object' && schedule.type === 'inverse-sqrt') totalSteps ??= Number.MAX_SAFE_INTEGER;
  if (totalSteps === null) {
    const name = typeof schedule === 'string' ? schedule : schedule.type;
    throw new ConfigError(
      `train.schedule: "${name}" goes down to the last step, and of these data nobody knows when it comes; ` +
        'give train.maxSteps, or the schedule "constant" or "inverse-sqrt".',
    );
  }
  if (typeof schedule === 'string') {
    return (steps) => learningRate * learningRateFactor(schedule, steps, totalSteps, warmupSteps);
  }
  const complete = completeSchedule(schedule, learningRate, totalSteps);
  return (steps) => learningRateAt(complete, steps);
}

function completeSchedule(schedule: UpdateScheduleConfig, maxLr: number, totalSteps: number): UpdateSchedule {
  const { type, warmupUpdates } = schedule;
  if (type === 'inverse-sqrt') return { ...schedule, maxLr };
  if (type === 'cosine') {
    return { ...schedule, maxLr, periodUpdates: schedule.periodUpdates ?? Math.max(1, totalSteps - warmupUpdates) };
  }
  const totalUpdates = schedule.totalUpdates ?? totalSteps;
  if (totalUpdates >= warmupUpdates) return { ...schedule, maxLr, totalUpdates };
  throw new ConfigError(
    `train.schedule.warmupUpdates ${warmupUpdates} is more than all ${totalUpdates} updates of the schedule; ` +
      'warm up for fewer, or train for longer.',
  );
}
