/** What one line of a comparison is, whatever was trained. */
import type { Metrics, Spread } from '../../metrics';

/** What the rows of all comparisons have. */
export interface BaseRow {
  /** The name of what was trained. */
  title: string;
  /** Folder of the run, inside the comparison's; of the first run, where there are several. */
  folder: string;
  /** Null in a row about several. */
  seed: number | null;
  /** Why it has no numbers, or lacks those of some seeds. */
  error: string | null;
  /** Of a row about several seeds: how each of its numbers spreads over them. */
  spread?: Record<string, Spread>;
}

/** The number that a kind of study is about. */
export interface Score {
  key: string;
  /** As in a sentence: `the evaluation loss`. */
  name: string;
  digits: number;
  better: 'lower' | 'higher';
}

/** Relates two numbers where both are there. */
export const both = (a: number | null, b: number | null, relate: (a: number, b: number) => number) =>
  a === null || b === null ? null : relate(a, b);
export const over = (a: number, b: number) => a / b;
export const minus = (a: number, b: number) => a - b;

/** A metric of a run that may have none. */
export const metric = (metrics: Metrics | undefined, key: string) => metrics?.[key] ?? null;
