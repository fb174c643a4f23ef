/** Checks of what callers ask of a search. */
import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import { nearest } from '../tensor/nearest';

/**
 * @param known - the names of all options
 * @param what - has the options
 * @throws ArgumentError unless `options` is an object that has none but these
 */
export function checkOptions(options: object, known: Record<string, true>, what: string): void {
  checkArgument(options, 'object', `The options of ${what}`);
  const names = Object.keys(known);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const meant = nearest(unknown, names);
  const advice = meant === undefined ? `there are ${names.join(', ')}` : `did you mean ${meant}?`;
  throw new ArgumentError(`${what} has no option ${unknown}; ${advice}`);
}

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
