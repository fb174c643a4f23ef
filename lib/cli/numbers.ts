import { InvalidArgumentError } from 'commander';

/** A number out of an option; whether it makes sense is for the one who uses it. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** `3-5` or `3`: a first and a last step. */
export function stepRange(text: string): [first: number, last: number] {
  const [, first, last = first] = /^([1-9]\d*)(?:-([1-9]\d*))?$/.exec(text) ?? [];
  if (first === undefined || Number(first) > Number(last))
    throw new InvalidArgumentError('Expected steps such as 3-5.');
  return [Number(first), Number(last)];
}

export function positiveWhole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a positive whole number.');
  return Number(text);
}
