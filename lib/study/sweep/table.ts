/** The table of a sweep: its study's own, with the swept keys as columns and the best row first. */
import type { Report } from '../../report';
import { languageModelKind } from '../language-model/table';
import { residualKind } from '../residual/table';
import { compareRuns, markdownOf, textOf, type StudyComparison, type StudyKind } from '../shared/comparison';
import type { SavedRun } from '../shared/record';
import type { BaseRow, Score } from '../shared/row';
import { csvTable, type Column } from '../shared/table';
import { translationKind } from '../translation/table';
import type { Axis } from './axes';
import { shortNames, valueText } from './names';
import type { Point } from './point';
import { sweepReport } from './report';
import type { SweepResult, SweepRow } from './result';

/** What a table says of all its rows. */
export interface SweepPlace {
  study: string;
  folder: string;
  axes: readonly Axis[];
}

/** A training that has ended, and which of the trials it belongs to. */
export interface TrialRun {
  point: Omit<Point, 'training'>;
  run: SavedRun;
}

export interface SweepTable {
  result: SweepResult;
  markdown: string;
  csv: string;
  report(): Promise<Report>;
}

/** The table of the trainings that have ended, of which there is at least one. */
export function sweepTable(place: SweepPlace, runs: readonly TrialRun[]): SweepTable {
  const { task } = runs[0]!.run;
  if (task === 'residual') return tableOf(residualKind, place, runs);
  return task === 'translation' ? tableOf(translationKind, place, runs) : tableOf(languageModelKind, place, runs);
}

function tableOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: StudyKind<Row, Comparison>,
  place: SweepPlace,
  trials: readonly TrialRun[],
): SweepTable {
  const pointByTitle = new Map(trials.map(({ point }) => [point.title, point]));
  const ownKind = sweepKind(kind, place.axes, pointByTitle);
  const unordered = trials.map(({ point, run }) => ({ ...run, title: point.title }));
  const order = compareRuns(ownKind, place, unordered)
    .rows.sort(byScore(kind))
    .map(({ title }) => title);
  const runs = order.flatMap((title) => unordered.filter((run) => run.title === title));
  const comparison = compareRuns(ownKind, place, runs);
  // The study's own columns relate rows to a baseline, which a sweep has not.
  const shown = { ...ownKind, columns: ownKind.columns.filter(showsSomething(kind, comparison.rows)) };
  const result = { ...resultOf(kind, place, comparison, pointByTitle), text: textOf(shown, comparison) };
  return {
    result,
    markdown: markdownOf(shown, comparison),
    csv: csvOf(result),
    report: () => sweepReport(shown, place, runs, result, pointByTitle),
  };
}

const showsSomething =
  <Row>({ score }: Scored, rows: readonly Row[]) =>
  ({ key, cell }: Column<Row>) =>
    key === score.key || rows.some((row) => cell(row) !== '-');

const scoreOf = (row: object, key: string): number | null => {
  const score = (row as Record<string, unknown>)[key];
  return typeof score === 'number' && Number.isFinite(score) ? score : null;
};

interface Scored {
  score: Score;
}

/** The best first, rows without a score last. */
const byScore =
  ({ score: { key, better } }: Scored) =>
  (a: BaseRow, b: BaseRow): number => {
    const sign = better === 'lower' ? 1 : -1;
    const place = (row: BaseRow) => sign * (scoreOf(row, key) ?? sign * Infinity);
    const [first, second] = [place(a), place(b)];
    return first === second ? 0 : first - second;
  };

/** The study's kind with trials as rows. */
function sweepKind<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: StudyKind<Row, Comparison>,
  axes: readonly Axis[],
  pointByTitle: ReadonlyMap<string, TrialRun['point']>,
): StudyKind<Row, Comparison> {
  const bestOf = (rows: readonly Row[]) =>
    [...rows].sort(byScore(kind)).find((row) => scoreOf(row, kind.score.key) !== null);
  let best: string | undefined;
  const settingColumns = sweptKeys(axes).map(([key, title]): Column<Row> => ({
    title,
    key,
    cell: (row) => {
      const { settings } = pointByTitle.get(row.title)!;
      return Object.hasOwn(settings, key) ? valueText(settings[key]) : '-';
    },
  }));
  const trial: Column<Row> = {
    title: 'Trial',
    key: 'title',
    cell: ({ title }) => `${pointByTitle.get(title)!.number}${title === best ? ' *' : ''}`,
  };
  return {
    ...kind,
    thing: 'trial',
    isReferenceChosen: true,
    reference(rows) {
      const row = bestOf(rows);
      best = row?.title;
      return row;
    },
    relate: (row) => row,
    complete: (comparison, runs) => kind.complete({ ...comparison, samples: samplesOf(comparison, best) }, runs),
    columns: [trial, ...settingColumns, ...kind.columns.slice(1)],
    notes: (comparison) => [...kind.notes(comparison), ...ownNotes(kind, axes)],
  };
}

/** Keys that have more than one value, and how their columns are called. */
export function sweptKeys(axes: readonly Axis[]): [key: string, name: string][] {
  const names = shortNames([...new Set(axes.flatMap(({ keys }) => keys))]);
  const keys = axes.filter(({ choices }) => choices.length > 1).flatMap((axis) => axis.keys);
  return [...new Set(keys)].map((key) => [key, names.get(key)!]);
}

function ownNotes({ score }: Scored, axes: readonly Axis[]): string[] {
  const better = score.better === 'lower' ? 'lowest' : 'highest';
  const ofData = axes.flatMap(({ keys }) => keys).filter((key) => key.startsWith('data.'));
  return [
    `The star marks the ${better} ${score.name}; the best stand first.`,
    ...(ofData.length > 0
      ? [
          `The trials differ in ${ofData.join(', ')}: numbers for each token of different texts or tokenizers do not compare.`,
        ]
      : []),
  ];
}

/** What the best made of the data's texts. */
function samplesOf({ samples }: StudyComparison, best: string | undefined): StudyComparison['samples'] {
  return samples
    .map((sample) => ({ ...sample, texts: sample.texts.filter(({ title }) => title === best) }))
    .filter(({ texts }) => texts.length > 0);
}

function resultOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  { task, score, csvKeys }: StudyKind<Row, Comparison>,
  { axes }: SweepPlace,
  comparison: Comparison,
  pointByTitle: ReadonlyMap<string, TrialRun['point']>,
): Omit<SweepResult, 'text'> {
  const { study, folder, data, findings } = comparison;
  const hasNumber = (key: string) => comparison.runs.some((row) => typeof valueOf(row, key) === 'number');
  const numberKeys = csvKeys.filter((key) => key !== 'seed' && hasNumber(key));
  const rowOf = (row: Row): SweepRow => {
    const { title, seed, folder: place, error, spread } = row;
    const { number: trial, settings } = pointByTitle.get(title)!;
    const numbers = Object.fromEntries(numberKeys.map((key) => [key, valueOf(row, key) as number | null]));
    const own = { trial, title, settings, seed, folder: place, error, numbers };
    return { ...own, score: scoreOf(row, score.key), spread: spread?.[score.key] ?? null };
  };
  const rows = comparison.rows.map(rowOf);
  const { key, name, better } = score;
  const best = rows[0]?.score === null ? null : (rows[0] ?? null);
  const keys = sweptKeys(axes).map(([swept]) => swept);
  const runs = comparison.runs.map(rowOf);
  return { study, task, folder, data, keys, score: { key, name, better }, rows, runs, best, findings };
}

const valueOf = (row: object, key: string) => (row as Record<string, unknown>)[key];

/** Every training in a line, numbers unrounded. */
function csvOf({ runs, keys }: SweepResult): string {
  const columns = ['trial', 'folder', 'seed', ...keys, ...Object.keys(runs[0]?.numbers ?? {}), 'error'];
  const lines = runs.map(({ trial, folder, seed, settings, numbers, error }) => {
    const fields: Record<string, unknown> = { ...settings, ...numbers, trial, folder, seed, error };
    return Object.fromEntries(columns.map((key) => [key, csvCell(fields[key])]));
  });
  return csvTable(columns, lines);
}

const csvCell = (value: unknown) =>
  value === undefined || value === null ? null : typeof value === 'number' ? value : valueText(value);
