/** Where the two texts of a pair are in a row of a file. */
import { ConfigError, DataError } from '../../errors';
import type { PairDataConfig } from './schema';

export type PairReading = Pick<PairDataConfig, 'fields' | 'sourceLanguage' | 'targetLanguage'>;

/** Pairs as they are in a file. A text that is not there is empty. */
export interface PairBatch {
  sources: string[];
  targets: string[];
  /** File and line of a pair of this batch, for errors. */
  place(index: number): string;
}

/** Column numbers of a TSV file, from 0. */
export function columnsOf({ fields = { source: 1, target: 2 } }: PairReading): [source: number, target: number] {
  const { source, target } = fields;
  if (typeof source === 'string' || typeof target === 'string') {
    throw new ConfigError('data.fields: a TSV file has columns by number, from 1; give two numbers');
  }
  return [source - 1, target - 1];
}

/** The names a text may have in JSONL and Parquet, dotted; the first that a row has counts. */
export function namesOf({ fields, sourceLanguage, targetLanguage }: PairReading): [source: string[], target: string[]] {
  if (!fields) {
    const usual = (language: string) => [`translation.${language}`, language];
    return [usual(sourceLanguage), usual(targetLanguage)];
  }
  const { source, target } = fields;
  if (typeof source === 'number' || typeof target === 'number') {
    throw new ConfigError(
      'data.fields: JSONL and Parquet files have fields by name, such as translation.en; give two names',
    );
  }
  return [[source], [target]];
}

/** A text whose bytes are not UTF-8, as the Parquet reader gives it. */
export class InvalidText {
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * The text at the first of the names that the row has; empty where it has none, or null.
 * @param place file and line, for errors
 * @throws DataError for anything that is not text
 */
export function textAt(row: unknown, names: readonly string[], place: () => string): string {
  for (const name of names) {
    const value = valueAt(row, name);
    if (value === undefined || value === null) continue;
    if (typeof value === 'string') {
      if (/\p{Surrogate}/u.test(value))
        throw new DataError(`${place()}: ${name} is not valid Unicode: it has half a character`);
      return value;
    }
    const kind = value instanceof InvalidText ? 'not UTF-8 text; convert it' : `not a text but of type ${typeof value}`;
    throw new DataError(`${place()}: ${name} is ${kind}`);
  }
  return '';
}

function valueAt(row: unknown, name: string): unknown {
  let value = row;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value;
}
