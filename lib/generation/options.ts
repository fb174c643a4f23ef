/** Checks of what callers ask of a search. */
import { ArgumentError } from '../errors';

/** @throws ArgumentError unless `value` is a whole number of at least `least` */
export function checkWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new ArgumentError(`${name} is ${value}; it must be a whole number of at least ${least}`);
}

/** @throws ArgumentError unless `value` is a finite number of at least `least` */
export function checkNumber(name: string, value: number, least: number): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new ArgumentError(`${name} is ${value}; it must be a number of at least ${least}`);
}
