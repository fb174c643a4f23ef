/** Where the two texts of a pair are in a row of a file. */
import { ConfigError } from '../../errors';
import { checkText, valueAt } from '../fields';
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

/**
 * The text at the first of the names that the row has; empty where it has none, or null.
 * @param place file and line, for errors
 * @throws DataError for anything that is not text
 */
export function textAt(row: unknown, names: readonly string[], place: () => string): string {
  for (const name of names) {
    const value = valueAt(row, name);
    if (value !== undefined && value !== null) return checkText(value, name, place);
  }
  return '';
}
