/** Clipping of gradients. */
import { ArgumentError } from '../errors';
import { native } from '../native';
import type { Tensor } from '../tensor';

/**
 * Scales all gradients together so that their joint L2 norm is at most `maxNorm`.
 * @returns the norm before
 */
export function clipGradNorm(parameters: Iterable<Tensor>, maxNorm: number): number {
  if (!(maxNorm > 0)) throw new ArgumentError(`maxNorm must be above 0, not ${maxNorm}.`);
  return native.clipGradNorm(
    Array.from(parameters, (parameter) => parameter.handle),
    maxNorm,
  );
}
