/** What differs between two configurations. */
import { isDeepStrictEqual } from 'node:util';

export interface Difference {
  /** Keys from the outermost on, joined by dots: `train.learningRate`. */
  path: string;
  /** Undefined where the key is not there. */
  before: unknown;
  now: unknown;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every key with another value, in the order of the first; then those that only the second has. */
export function differencesOf(before: unknown, now: unknown, path = ''): Difference[] {
  if (!isPlain(before) || !isPlain(now)) return isDeepStrictEqual(before, now) ? [] : [{ path, before, now }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys.flatMap((key) => differencesOf(before[key], now[key], path === '' ? key : `${path}.${key}`));
}

const shown = (value: unknown) => (value === undefined ? 'not set' : JSON.stringify(value));

/** A line for each: `  train.learningRate: 0.001 before, 0.002 now`. */
export function describeDifferences(differences: readonly Difference[]): string {
  return differences.map(({ path, before, now }) => `  ${path}: ${shown(before)} before, ${shown(now)} now`).join('\n');
}
