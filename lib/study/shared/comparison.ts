/** What every comparison is, how it comes out of the runs, and how it is kept. */
import path from 'node:path';

import { writeFileAtomically } from '../../files';
import { findings } from './findings';
import type { RunRecord, SavedRun } from './record';
import type { BaseRow, Score } from './row';
import { meanRow } from './seeds';
import { csvTable, markdownTable, oneLine, textTable, type Column } from './table';

/** What a study has found, as far as it is. */
export interface StudyComparison<Row extends BaseRow = BaseRow> {
  study: string;
  folder: string;
  /** The data, in a few words. */
  data: string;
  /** In the study's order; finished ones only, while it runs. Where there are several seeds: means over them. */
  rows: Row[];
  /** Every run by itself. */
  runs: Row[];
  /** Which differences can be claimed and which cannot, in words. */
  findings: string[];
  samples: ComparedSample[];
}

/** What each model made of the same text; with several seeds, with the first that was finished. */
export interface ComparedSample {
  source: string;
  /** What stands in the data; null where that is not one text. */
  reference: string | null;
  texts: { title: string; text: string }[];
}

/** How the runs of one kind of study are compared. */
export interface StudyKind<Row extends BaseRow, Comparison extends StudyComparison<Row>> {
  task: RunRecord['task'];
  /** What its rows are: `variant`, `model`. */
  thing: string;
  /** The row of one run; numbers are null where its training failed. */
  row(run: RunRecord, folder: string): Row;
  /** The row that the others are related to, if it is there. */
  reference(rows: readonly Row[]): Row | undefined;
  /** Whether its score is why it is the reference: then more is asked of a difference before it is claimed. */
  isReferenceChosen?: boolean;
  relate(row: Row, reference: Row): Row;
  /** What a comparison of this kind has beside what all have. */
  complete(comparison: StudyComparison<Row>, runs: readonly SavedRun[]): Comparison;
  score: Score;
  /** What the score is bought with, beside time. */
  cost: { key: keyof Row & string; name: string };
  columns: Column<Row>[];
  csvKeys: readonly (keyof Row & string)[];
  /** What a reader must know. */
  notes(comparison: Comparison): string[];
}

/** The comparison of the runs that are there. */
export function compareRuns<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: StudyKind<Row, Comparison>,
  { study, folder }: { study: string; folder: string },
  runs: readonly SavedRun[],
): Comparison {
  const single = runs.map((run) => kind.row(run, path.relative(folder, run.folder)));
  const titles = [...new Set(single.map(({ title }) => title))];
  const means = titles.map((title) => meanRow(single.filter((row) => row.title === title)));
  const reference = kind.reference(means);
  const related = (rows: Row[], base: (row: Row) => Row | undefined) =>
    rows.map((row) => {
      const other = base(row);
      return other ? kind.relate(row, other) : row;
    });
  const rows = related(means, () => reference);
  const ofSeed = ({ seed }: Row) => single.find((row) => row.title === reference?.title && row.seed === seed);
  const comparison = {
    study,
    folder,
    data: [...new Set(runs.map((run) => run.data))].join(' '),
    rows,
    runs: related(single, ofSeed),
    findings: findings(rows, reference?.title, kind.score, kind.isReferenceChosen),
    samples: samplesOf(runs),
  };
  return kind.complete(comparison, runs);
}

function samplesOf(runs: readonly SavedRun[]): ComparedSample[] {
  const finished = runs.filter(({ outcome }) => outcome !== null);
  const firsts = [...new Map(finished.toReversed().map((run) => [run.title, run])).values()].toReversed();
  const texts = firsts.flatMap(({ title, outcome }) => outcome!.samples.map((sample) => ({ title, ...sample })));
  return [...new Set(texts.map(({ source }) => source))].map((source) => {
    const own = texts.filter((text) => text.source === source);
    return { source, reference: own[0]!.reference, texts: own.map(({ title, text }) => ({ title, text })) };
  });
}

/** The columns of a comparison: with several seeds, the score's spread stands behind it. */
export function columnsOf<Row extends BaseRow>(
  { columns, score }: { columns: Column<Row>[]; score: Score },
  rows: readonly Row[],
): Column<Row>[] {
  if (!rows.some(({ spread }) => spread)) return columns;
  const of = (row: Row) => row.spread?.[score.key];
  const spread: Column<Row>[] = [
    { title: 'SD', cell: (row) => of(row)?.deviation?.toFixed(score.digits) ?? '-' },
    {
      title: 'Range',
      cell: (row) => [of(row)?.least, of(row)?.most].map((end) => end?.toFixed(score.digits) ?? '-').join(' .. '),
    },
    { title: 'Runs', cell: (row) => String(of(row)?.count ?? 0) },
  ];
  const after = 1 + columns.findIndex(({ key }) => key === score.key);
  return [...columns.slice(0, after), ...spread, ...columns.slice(after)];
}

/** A line for each row that has no numbers, or lacks some. */
export const failures = ({ rows }: StudyComparison) =>
  rows.flatMap(({ title, error }) => (error === null ? [] : [`${title} failed: ${error}`]));

/** The table for a terminal. */
export function textOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: StudyKind<Row, Comparison>,
  comparison: Comparison,
): string {
  const { rows } = comparison;
  const notes = [...kind.notes(comparison), ...comparison.findings];
  return [
    textTable(columnsOf(kind, rows), rows),
    ...failures(comparison),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n');
}

/** The table as Markdown, with what a reader must know. */
export function markdownOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: StudyKind<Row, Comparison>,
  comparison: Comparison,
): string {
  const { study, data, rows, samples } = comparison;
  const notes = [data, ...kind.notes(comparison), ...comparison.findings, ...failures(comparison)];
  const sections = [
    `# ${study}`,
    markdownTable(columnsOf(kind, rows), rows),
    notes.map((note) => `* ${note}`).join('\n'),
    ...(samples.length > 0 ? ['## Samples'] : []),
    ...samples.map(markdownSample),
  ];
  return `${sections.join('\n\n')}\n`;
}

function markdownSample({ source, reference, texts }: ComparedSample): string {
  const all = reference === null ? texts : [{ title: 'Reference', text: reference }, ...texts];
  const lines = all.map(({ title, text }) => `| ${title} | ${oneLine(text).replaceAll('|', '\\|')} |`);
  return `> ${oneLine(source)}\n\n${['| | |', '| --- | --- |', ...lines].join('\n')}`;
}

/** All fields of every run, numbers unrounded. */
export function csvOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  { csvKeys }: StudyKind<Row, Comparison>,
  { runs }: Comparison,
): string {
  return csvTable(csvKeys, runs as unknown as Record<string, string | number | null>[]);
}

/** Writes `comparison.md`, `comparison.csv` and `comparison.json`. */
export async function saveComparison(comparison: StudyComparison, markdown: string, csv: string): Promise<void> {
  const write = (name: string, text: string) => writeFileAtomically(path.join(comparison.folder, name), text);
  await write('comparison.md', markdown);
  await write('comparison.csv', csv);
  await write('comparison.json', `${JSON.stringify(comparison, null, 2)}\n`);
}
