/** The report of finished runs: read back from their folders, drawn, and written beside them. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { courseCharts, readRun, reportName, speedTable, type Run } from '../../curves';
import { formatMetrics, spreadOf } from '../../metrics';
import { writeReport, type Contender, type HeatMap, type Point, type Report, type ScatterChart } from '../../report';
import { columnsOf, compareRuns, type ComparedSample, type StudyComparison, type StudyKind } from './comparison';
import { configName } from './options';
import type { SavedRun } from './record';
import type { BaseRow } from './row';

/** Any kind of study, its rows' own fields hidden. */
type Kind<Row extends BaseRow, Comparison extends StudyComparison<Row>> = StudyKind<Row, Comparison>;

interface ReportedRun extends SavedRun {
  course: Run;
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
  const runs: ReportedRun[] = [];
  for (const run of saved) runs.push(await withCourse(run));
  const contenders = contendersOf(comparison.rows.map(({ title }) => title));
  const trained = [...contenders.values()].map((contender) => ({
    contender,
    runs: runs.filter(({ title }) => title === contender.title).map(({ course }) => course),
  }));
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
    curves: courseCharts(trained, 'nats per token'),
    speed: speedTable(trained),
    scatters: scattersOf(kind, contenders, rows),
    heatMaps: [...contenders.values()].flatMap(({ title }) => heatMapOf(runs.filter((run) => run.title === title))),
    samples: comparison.samples.map((sample) => withContenders(sample, contenders)),
    details: runs.flatMap(detailsOf),
    facts: factsOf(runs),
  };
}

async function withCourse(run: SavedRun): Promise<ReportedRun> {
  const config = await fs.readFile(path.join(run.folder, configName), 'utf8').catch(() => '');
  return { ...run, course: await readRun(run.folder), config };
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
  const mixes = runs.flatMap(({ course: { evaluations }, outcome }) => {
    const found = evaluations.find(({ step }) => step === outcome?.step) ?? evaluations.at(-1);
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
