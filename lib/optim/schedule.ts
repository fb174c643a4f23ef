/** Learning-rate schedules. */
import { ArgumentError } from '../errors';

export type Schedule = 'linear' | 'cosine' | 'constant';

/**
 * The factor of the learning rate for update number `step` (from 0): rising from 0 over `warmup` updates, then falling to 0 at
 * `total` along a line or half a cosine, or staying 1. With a warm-up the first update has factor 0.
 * Source: spec/residual.md section 9.
 */
export function learningRateFactor(schedule: Schedule, step: number, total: number, warmup: number): number {
  for (const [name, value] of Object.entries({ step, total, warmup })) {
    if (!Number.isInteger(value) || value < 0)
      throw new ArgumentError(`${name} must be a whole number from 0 on, not ${value}.`);
  }
  if (step < warmup) return step / warmup;
  const remaining = Math.max(0, total - step) / Math.max(1, total - warmup);
  switch (schedule) {
    case 'constant':
      return 1;
    case 'linear':
      return remaining;
    case 'cosine':
      return 0.5 * (1 + Math.cos(Math.PI * (1 - remaining)));
    default:
      throw new ArgumentError(
        `There is no schedule ${JSON.stringify(schedule)}; choose "linear", "cosine" or "constant".`,
      );
  }
}
