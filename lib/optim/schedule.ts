/** Learning-rate schedules as factors of the highest rate. */
import { ArgumentError } from '../errors';

export type Schedule = 'linear' | 'cosine' | 'constant';

/**
 * The factor of the learning rate for update number `step` (from 0): rising from 0 over `warmup` updates, then falling to 0 at
 * `total` along a line or half a cosine, or staying 1. With a warm-up the first update has factor 0.
 * Source: spec/residual.md section 9.
 */
export function learningRateFactor(schedule: Schedule, step: number, total: number, warmup: number): number {
  checkSteps({ step, total, warmup });
  if (step < warmup) return step / warmup;
  if (schedule === 'constant') return 1;
  const remaining = Math.max(0, total - step) / Math.max(1, total - warmup);
  if (schedule === 'linear' || schedule === 'cosine') return fall(schedule, remaining);
  throw new ArgumentError(`There is no schedule ${JSON.stringify(schedule)}; choose "linear", "cosine" or "constant".`);
}

/** How a factor goes from 1 to 0 with the part of the way that remains. */
export type Fall = 'linear' | 'cosine' | '1-sqrt';

function fall(shape: Fall, remaining: number): number {
  switch (shape) {
    case 'linear':
      return remaining;
    case 'cosine':
      return 0.5 * (1 + Math.cos(Math.PI * (1 - remaining)));
    case '1-sqrt':
      return 1 - Math.sqrt(1 - remaining);
    default:
      throw new ArgumentError(`There is no shape ${JSON.stringify(shape)}; choose "linear", "cosine" or "1-sqrt".`);
  }
}

/** After a warm-up along a line, falls with the square root of the steps: 1 at `warmup`, as if `timescale` steps were done then. */
export function inverseSqrtFactor(step: number, warmup: number, timescale: number): number {
  checkSteps({ step, warmup });
  if (step < warmup) return step / warmup;
  return 1 / Math.sqrt((step + timescale - warmup) / timescale);
}

/** Steps of a warm-up, of the highest rate, and of the decay. */
export interface StableDecaySteps {
  warmup: number;
  stable: number;
  decay: number;
}

/** Rises from `least` to 1, stays there, and falls to `least`. Source: Hu et al. 2024, "MiniCPM". */
export function stableDecayFactor(
  step: number,
  { warmup, stable, decay }: StableDecaySteps,
  { rise = 'linear', shape = 'cosine', least = 0 }: { rise?: Fall; shape?: Fall; least?: number } = {},
): number {
  checkSteps({ step, warmup, stable, decay });
  const above = (factor: number) => factor * (1 - least) + least;
  if (step < warmup) return above(fall(rise, step / warmup));
  if (step < warmup + stable) return 1;
  if (step < warmup + stable + decay) return above(fall(shape, 1 - (step - warmup - stable) / decay));
  return least;
}

function checkSteps(steps: Record<string, number>): void {
  for (const [name, value] of Object.entries(steps)) {
    if (!Number.isInteger(value) || value < 0)
      throw new ArgumentError(`${name} must be a whole number from 0 on, not ${value}.`);
  }
}
