import { InvalidArgumentError } from 'commander';

/** A number out of an option; whether it makes sense is for the one who uses it. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}
