/** Texts in records: rows of JSONL and Parquet files. */
import { DataError } from '../errors';

/** A text whose bytes are not UTF-8, as the Parquet reader gives it. */
export class InvalidText {
  constructor(readonly bytes: Uint8Array) {}
}

/** What a record has at a dotted name; undefined where it has nothing. */
export function valueAt(record: unknown, name: string): unknown {
  let value = record;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value;
}

/**
 * A value that must be text.
 * @param name of its field
 * @param place file and line, for errors
 * @throws DataError for anything that is not text
 */
export function checkText(value: unknown, name: string, place: () => string): string {
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value))
      throw new DataError(`${place()}: ${name} is not valid Unicode: it has half a character`);
    return value;
  }
  const type = value === null ? 'null' : Array.isArray(value) ? 'a list' : `of type ${typeof value}`;
  throw new DataError(
    `${place()}: ${name} is ${value instanceof InvalidText ? 'not UTF-8 text; convert it' : `not a text but ${type}`}`,
  );
}
