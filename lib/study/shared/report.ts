/** The report of finished runs: read back from their folders, drawn, and written beside them. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { formatMetrics, spreadOf } from '../../metrics';
import {
  writeReport,
  type Contender,
  type CurveChart,
  type HeatMap,
  type Point,
  type Report,
  type ScatterChart,
} from '../../report';
import { columnsOf, compareRuns, type ComparedSample, type StudyComparison, type StudyKind } from './comparison';
import { readHistory, type History } from './history';
import { configName } from './options';
import type { SavedRun } from './record';
import type { BaseRow } from './row';

export const reportName = 'report.html';

/** Any kind of study, its rows' own fields hidden. */
type Kind<Row extends BaseRow, Comparison extends StudyComparison<Row>> = StudyKind<Row, Comparison>;

interface ReportedRun extends SavedRun {
  history: History;
  /** Its resolved configuration; empty where the file is gone. */
  config: string;
}

/** Writes `report.html` and `figures/` into a folder. */
export async function saveReport<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  folder: string,
  kind: Kind<Row, Comparison>,
  runs: readonly SavedRun[],
): Promise<void> {
  await writeReport(path.join(folder, reportName), await reportOf(kind, { name: nameOf(runs), folder }, runs));
}

const nameOf = (runs: readonly SavedRun[]) => [...new Set(runs.map(({ study }) => study))].join(', ');

/** The report of runs of one kind; those with the same title are seeds of the same thing. */
export async function reportOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: Kind<Row, Comparison>,
  { name, folder }: { name: string; folder: string },
  saved: readonly SavedRun[],
): Promise<Report> {
  const comparison = compareRuns(kind, { study: name, folder }, saved);
  const runs = await Promise.all(saved.map(readRun));
  const contenders = contendersOf(comparison.rows.map(({ title }) => title));
  const { rows } = comparison;
  const columns = columnsOf(kind, rows);
  return {
    title: name,
    summary: summaryOf(kind.thing, runs, rows.length),
    findings: comparison.findings,
    table: {
      columns: columns.map(({ title, key }) => ({ title, key: key ?? null })),
      rows: rows.map((row) => ({
        contender: contenders.get(row.title)!,
        cells: columns.map(({ cell }) => cell(row)),
        failed: fieldOf(row, kind.score.key) === null,
      })),
    },
    notes: [
      ...kind.notes(comparison),
      ...rows.flatMap(({ title, error }) => (error === null ? [] : [`${title} failed: ${error}`])),
    ],
    curves: curvesOf(contenders, runs),
    scatters: scattersOf(kind, contenders, rows),
    heatMaps: [...contenders.values()].flatMap(({ title }) => heatMapOf(runs.filter((run) => run.title === title))),
    samples: comparison.samples.map((sample) => withContenders(sample, contenders)),
    details: runs.flatMap(detailsOf),
    facts: factsOf(runs),
  };
}

async function readRun(run: SavedRun): Promise<ReportedRun> {
  const config = await fs.readFile(path.join(run.folder, configName), 'utf8').catch(() => '');
  return { ...run, history: await readHistory(run.folder), config };
}

/** Stored outputs have the colour of their recomputed counterpart, with dashes. */
function contendersOf(titles: readonly string[]): Map<string, Contender> {
  const plain = (title: string) => title.replace(/ \(stored\)$|stored, |, stored(?=\))/, '');
  const colors = new Map<string, number>();
  for (const title of titles) if (!colors.has(plain(title))) colors.set(plain(title), colors.size);
  return new Map(
    titles.map((title) => [title, { title, color: colors.get(plain(title))!, dashed: plain(title) !== title }]),
  );
}

function summaryOf(thing: string, runs: readonly ReportedRun[], contenders: number): string {
  const unique = (values: readonly (string | number)[]) => [...new Set(values)];
  const seeds = unique(runs.map(({ seed }) => seed));
  const parts = [
    `${contenders} ${thing}${contenders === 1 ? '' : 's'}`,
    seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds (${seeds.join(', ')})`,
    `on ${unique(runs.map(({ device }) => device)).join(' and ')}`,
  ];
  const data = unique(runs.map((run) => run.data.split(/[;.] /)[0]!));
  return `${parts.join(', ')}; ${data.join(' and ')}`;
}

/** Most points of a training's curve. */
const curvePoints = 150;

function curvesOf(contenders: ReadonlyMap<string, Contender>, runs: readonly ReportedRun[]): CurveChart[] {
  const curves = (course: (history: History) => Point[]) =>
    [...contenders.values()]
      .map((contender) => ({
        contender,
        points: overSeeds(runs.filter(({ title }) => title === contender.title).map(({ history }) => course(history))),
      }))
      .filter(({ points }) => points.length > 0);
  const most = Math.max(0, ...runs.map(({ history }) => history.steps.length));
  const every = Math.max(1, Math.ceil(most / curvePoints));
  const charts: CurveChart[] = [
    {
      id: 'evaluation-loss',
      title: 'Evaluation loss',
      xLabel: 'step',
      yLabel: 'nats per token',
      curves: curves(({ evaluations }) => evaluations.map(({ step: x, evalLoss: y }) => ({ x, y }))),
      marked: true,
    },
    {
      id: 'training-loss',
      title: `Training loss${every > 1 ? `, means of ${every} steps` : ''}`,
      xLabel: 'step',
      yLabel: 'nats per token',
      curves: curves(({ steps }) =>
        meansOf(
          steps.map(({ step: x, loss: y }) => ({ x, y })),
          every,
        ),
      ),
      marked: false,
    },
    {
      id: 'gradient-norm',
      title: `Gradient norm before clipping${every > 1 ? `, means of ${every} steps` : ''}`,
      xLabel: 'step',
      yLabel: 'L2 norm',
      curves: curves(({ steps }) =>
        meansOf(
          steps.map(({ step: x, gradNorm: y }) => ({ x, y })),
          every,
        ),
      ),
      marked: false,
    },
  ];
  return charts.filter(({ curves: drawn }) => drawn.length > 0);
}

/** Means of so many points each, at the last one's place; too few at the end are left out. */
function meansOf(points: readonly Point[], every: number): Point[] {
  const means: Point[] = [];
  for (let end = every; end <= points.length; end += every) {
    const part = points.slice(end - every, end);
    means.push({ x: part.at(-1)!.x, y: part.reduce((sum, { y }) => sum + y, 0) / every });
  }
  return means;
}

/** One course of several that differ in their seed: the mean, the least and the most wherever all are. */
function overSeeds(courses: readonly Point[][]): Point[] {
  const [first = [], ...others] = courses.filter((course) => course.length > 0);
  if (others.length === 0) return first;
  return first.flatMap(({ x, y }) => {
    const ys = others.map((course) => course.find((point) => point.x === x)?.y);
    if (ys.includes(undefined)) return [];
    const { mean, least: low, most: high } = spreadOf([y, ...(ys as number[])]);
    return [{ x, y: mean, low, high }];
  });
}

const fieldOf = (row: object, key: string) => (row as Record<string, unknown>)[key];

function scattersOf<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  { score, cost }: Kind<Row, Comparison>,
  contenders: ReadonlyMap<string, Contender>,
  rows: readonly Row[],
): ScatterChart[] {
  const against = (id: string, key: string, name: string): ScatterChart => ({
    id,
    title: `${score.name[0]!.toUpperCase()}${score.name.slice(1)} against ${name}`,
    xLabel: name,
    yLabel: `${score.name} (${score.better} is better)`,
    marks: rows.flatMap((row) => {
      const [x, y] = [fieldOf(row, key), fieldOf(row, score.key)];
      if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x + y)) return [];
      const spread = row.spread?.[score.key];
      const point: Point = spread ? { x, y, low: spread.least, high: spread.most } : { x, y };
      return [{ contender: contenders.get(row.title)!, point }];
    }),
  });
  const charts = [
    against('quality-cost', cost.key, cost.name),
    against('quality-seconds', 'trainRuntime', 'seconds of training'),
  ];
  return charts.filter(({ marks }) => marks.length > 1);
}

/** The learned weights of the reported models, their mean over seeds. */
function heatMapOf(runs: readonly ReportedRun[]): HeatMap[] {
  const mixes = runs.flatMap(({ history, outcome }) => {
    const found = history.evaluations.find(({ step }) => step === outcome?.step) ?? history.evaluations.at(-1);
    return found?.layerWeights && found.layerWeights.length > 0 ? [found.layerWeights] : [];
  });
  const [first] = mixes;
  if (first === undefined) return [];
  const { title } = runs[0]!;
  const count = Math.max(...first.map(({ layer }) => layer)) + 1;
  const rows = first.map(({ layer, first: earliest }, index) => ({
    label: String(layer),
    cells: Array.from({ length: count }, (_, column) => {
      const values = mixes.flatMap((mix) => mix[index]?.weights[column - earliest] ?? []);
      return values.length === mixes.length ? spreadOf(values).mean : null;
    }),
  }));
  return [
    {
      id: `layer-weights-${title
        .toLowerCase()
        .replace(/[^a-z0-9.]+/g, '-')
        .replace(/-$/, '')}`,
      title: `${title}${mixes.length > 1 ? `, mean of ${mixes.length} seeds` : ''}`,
      rowLabel: 'layer',
      columnLabel: 'weight of the output of layer',
      rows,
      columns: Array.from({ length: count }, (_, column) => String(column)),
    },
  ];
}

const withContenders = ({ source, reference, texts }: ComparedSample, contenders: ReadonlyMap<string, Contender>) => ({
  source,
  reference,
  texts: texts.map(({ title, text }) => ({ contender: contenders.get(title)!, text })),
});

function detailsOf({ title, seed, task, outcome, config }: ReportedRun): { title: string; text: string }[] {
  const split = task === 'translation' ? 'test' : 'eval';
  const reports = outcome ? [formatMetrics('train', outcome.train), formatMetrics(split, outcome.scores)] : [];
  return [{ title: `${title}, seed ${seed}`, text: [...reports, config.trimEnd()].join('\n\n') }];
}

function factsOf(runs: readonly ReportedRun[]): [string, string][] {
  const unique = (values: readonly string[]) => [...new Set(values)].join('; ');
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;
  const peaks = new Map<string, number>();
  for (const { title, peakMemory } of runs) {
    if (peakMemory !== null) peaks.set(title, Math.max(peakMemory, peaks.get(title) ?? 0));
  }
  const began = runs.map((run) => run.began).sort();
  return [
    ['Data', unique(runs.map(({ data }) => data))],
    ['Machine', unique(runs.map(({ machine, device }) => `${machine}; ${device}`))],
    [
      'Versions',
      unique(
        runs.map(({ versions }) =>
          Object.entries(versions)
            .map(([name, text]) => `${name} ${text}`)
            .join(', '),
        ),
      ),
    ],
    [
      'Trained',
      `${began[0]?.slice(0, 16).replace('T', ' ') ?? ''} UTC, ${Math.round(runs.reduce((sum, { seconds }) => sum + seconds, 0))} s in all`,
    ],
    [
      'Peak memory of the process',
      [...peaks].map(([title, bytes]) => `${title} ${megabytes(bytes)}`).join(', ') || 'not told by this system',
    ],
  ];
}
