/** What callers in plain JavaScript may leave out or mistake, told at the package's doors, before anything reads from it. */
import { inspect } from 'node:util';

import { ArgumentError } from './errors';

const words = { object: 'an object', string: 'a text', function: 'a function', boolean: 'true or false' };

/**
 * @param what - names the argument, and says where one comes from
 * @throws ArgumentError unless `value` is of the kind (null is no object)
 */
export function checkArgument(value: unknown, kind: keyof typeof words, what: string): void {
  if (typeof value === kind && value !== null) return;
  const found = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 60 });
  throw new ArgumentError(`${what} must be ${words[kind]}, not ${found}.`);
}
