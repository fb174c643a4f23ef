/** What every comparison is, and how it is kept. */
import path from 'node:path';

import { writeFileAtomically } from '../../files';

/** What the rows of all comparisons have. */
export interface BaseRow {
  /** The name of what was trained. */
  title: string;
  /** Folder of the run, inside the comparison's. */
  folder: string;
  /** Why it has no numbers. */
  error: string | null;
}

/** What a study has found, as far as it is. */
export interface StudyComparison<Row extends BaseRow = BaseRow> {
  study: string;
  folder: string;
  /** In the study's order; finished ones only, while it runs. */
  rows: Row[];
}

/** A line for each row that has no numbers. */
export const failures = ({ rows }: StudyComparison) =>
  rows.flatMap(({ title, error }) => (error === null ? [] : [`${title} failed: ${error}`]));

/** Relates two numbers where both are there. */
export const both = (a: number | null, b: number | null, relate: (a: number, b: number) => number) =>
  a === null || b === null ? null : relate(a, b);
export const over = (a: number, b: number) => a / b;
export const minus = (a: number, b: number) => a - b;

/** Writes `comparison.md`, `comparison.csv` and `comparison.json`. */
export async function saveComparison(comparison: StudyComparison, markdown: string, csv: string): Promise<void> {
  const write = (name: string, text: string) => writeFileAtomically(path.join(comparison.folder, name), text);
  await write('comparison.md', markdown);
  await write('comparison.csv', csv);
  await write('comparison.json', `${JSON.stringify(comparison, null, 2)}\n`);
}
