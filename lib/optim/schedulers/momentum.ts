/** Momentum that goes up as the learning rate goes down: `momentum`, or the first of Adam's `betas`. */
import { ArgumentError } from '../../errors';
import type { Optimizer } from '../optimizer';

type WithMomentum = { momentum?: number; betas?: readonly [number, number] };

/** @throws ArgumentError for an optimiser that has neither */
export function checkMomentum(scheduler: string, optimizer: Optimizer): void {
  const { momentum, betas } = optimizer.defaults as WithMomentum;
  if (momentum !== undefined || betas !== undefined) return;
  throw new ArgumentError(
    `${scheduler}: ${optimizer.constructor.name} has no momentum and no betas; give cycleMomentum: false.`,
  );
}

/** One value for each group. */
export function setMomentum(optimizer: Optimizer, values: readonly number[]): void {
  for (const [index, group] of optimizer.groups.entries()) {
    const settings = group as WithMomentum;
    if (settings.betas === undefined) settings.momentum = values[index]!;
    else settings.betas = [values[index]!, settings.betas[1]];
  }
}
