/** Ranges of a dimension, as `x.at(slice(1, null, 2))` takes them. */
import { ArgumentError } from '../../errors';

/** A bound of a slice: null or nothing stands for the end of the dimension. */
export type Bound = number | bigint | null;

/** A range of positions in one dimension; `slice()` makes it. */
export class Slice {
  /** @internal */
  constructor(
    /** The first position. Negative ones count from the end of the dimension. */
    readonly start: number,
    /** The position before which the range ends; Infinity for the end of the dimension. */
    readonly stop: number,
    readonly step: number,
  ) {}
}

/**
 * Positions `start`, `start + step`, ... before `stop` of one dimension, as Python writes `start:stop:step`. Bounds beyond the
 * dimension are cut to it, negative ones count from its end. `slice()` takes the whole dimension, and `slice(2)` what
 * comes from 2 on, as in JavaScript's own `slice`.
 * @throws ArgumentError for a bound that is no whole number, and for a step below 1: libtorch has none; `flip` turns around
 */
export function slice(start: Bound = null, stop: Bound = null, step: Bound = null): Slice {
  const stride = bound('step', step, 1);
  if (stride < 1) {
    throw new ArgumentError(
      `slice: the step must be greater than zero, not ${stride}. To go backwards, turn the dimension around with flip().`,
    );
  }
  return new Slice(bound('start', start, 0), bound('stop', stop, Infinity), stride);
}

function bound(name: string, value: unknown, otherwise: number): number {
  if (value === null || value === undefined) return otherwise;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' && (Number.isInteger(value) || Math.abs(value) === Infinity)) return value;
  throw new ArgumentError(
    `slice: ${name} must be a whole number or null, not ${typeof value === 'number' ? value : typeof value}.`,
  );
}
