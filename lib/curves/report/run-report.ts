/** The report of any trainings that left a `metrics.jsonl`, whatever was trained. */
import path from 'node:path';

import { ArgumentError, DataError } from '../../errors';
import { formatMetrics, type TextSample } from '../../metrics';
import { writeReport, type Contender, type Report, type ReportSample, type ReportTable } from '../../report';
import { Run } from '../run';
import { courseCharts, type Trained } from './charts';
import { megabytes, speedTable } from './speed';

/** The page's name in a run's folder. */
export const reportName = 'report.html';

/**
 * Writes `report.html` and `figures/` about the runs in some folders, each of which has a `metrics.jsonl`.
 * @throws ArgumentError for a folder without records; DataError for damaged ones; StorageError
 */
export async function reportFolders(folders: readonly string[], file: string): Promise<void> {
  const runs: Run[] = [];
  for (const folder of folders) runs.push(await readRun(folder));
  await writeReport(file, reportOfRuns(runs));
}

/** The run in a folder. @throws DataError for damaged records */
export async function readRun(folder: string): Promise<Run> {
  const run = new Run(folder);
  await run.look();
  if (run.problem !== undefined) throw new DataError(path.join(folder, run.problem));
  return run;
}

function reportOfRuns(runs: readonly Run[]): Report {
  const empty = runs.find(({ start, rows }) => start === undefined && rows.length === 0);
  if (empty) throw new ArgumentError(`${empty.folder} holds no records of a training.`);
  const titles = distinctTitles(runs);
  const all = runs.map((run, color) => ({
    contender: { title: titles[color]!, color, dashed: false },
    runs: [run],
    run,
  }));
  return {
    title: runs.length === 1 ? titles[0]! : `${runs.length} trainings`,
    summary: summaryOf(runs),
    findings: [],
    table: tableOf(all),
    notes: all.flatMap(notesOf),
    curves: courseCharts(all, 'loss'),
    speed: speedTable(all),
    scatters: [],
    heatMaps: [],
    samples: samplesOf(all),
    details: all.map(detailsOf),
    facts: factsOf(runs),
  };
}

type Shown = Trained & { run: Run };

/** Where several have one title, each gets its folder's name too. */
function distinctTitles(runs: readonly Run[]): string[] {
  const isTaken = (run: Run) => runs.some((other) => other !== run && other.title === run.title);
  return runs.map((run) => (isTaken(run) ? `${run.title} (${run.folder})` : run.title));
}

const unique = (values: readonly string[]) => [...new Set(values)];

function summaryOf(runs: readonly Run[]): string {
  const parameters = unique(runs.map(({ start }) => `${(start?.parameters ?? 0).toLocaleString('en-US')} parameters`));
  const devices = unique(runs.map(({ start }) => start?.device ?? '')).filter((device) => device !== '');
  const steps = Math.max(...runs.map(stepOf)).toLocaleString('en-US');
  return `${parameters.length === 1 ? `${parameters[0]}, ` : ''}${steps} steps, on ${devices.join(' and ')}`;
}

const stepOf = ({ lastStep, start }: Run) => lastStep?.step ?? start?.step ?? 0;

/** Metrics that have columns by themselves, or say how an evaluation went. */
const besides = /^epoch$|^eval_loss$|_runtime$|_samples$|_per_second$|_targets$|_tokens$/;

function tableOf(all: readonly Shown[]): ReportTable {
  const digits = (value: number | null | undefined) =>
    value === null || value === undefined || !Number.isFinite(value) ? '-' : value.toFixed(4);
  const others = unique(all.flatMap(({ run }) => Object.keys(run.evaluations.at(-1)?.metrics ?? {})));
  const columns: [title: string, key: string, cell: (run: Run) => string][] = [
    ['Steps', 'steps', (run) => stepOf(run).toLocaleString('en-US')],
    ['Epochs', 'epoch', ({ lastStep }) => lastStep?.epoch.toFixed(2) ?? '-'],
    ['Training loss', 'trainLoss', (run) => digits(run.end?.metrics.train_loss ?? run.recent('loss'))],
    ['Evaluation loss', 'evalLoss', ({ evaluations }) => digits(evaluations.at(-1)?.metrics.eval_loss)],
    ['Best', 'best', ({ best }) => (best ? `${digits(best.loss)} at ${best.step}` : '-')],
    ...others
      .filter((name) => !besides.test(name))
      .map((name): [string, string, (run: Run) => string] => [
        words(name),
        name,
        ({ evaluations }) => digits(evaluations.at(-1)?.metrics[name]),
      ]),
    ['Time', 'seconds', ({ rows }) => `${rows.last('seconds').toFixed(1)} s`],
  ];
  const filled = columns.filter(([, , cell]) => all.some(({ run }) => cell(run) !== '-'));
  return {
    columns: [{ title: 'Run', key: 'title' }, ...filled.map(([title, key]) => ({ title, key }))],
    rows: all.map(({ contender, run }) => ({
      contender,
      cells: [contender.title, ...filled.map(([, , cell]) => cell(run))],
      failed: run.end?.reason === 'failed',
    })),
  };
}

/** `Accuracy` of `eval_accuracy`. */
function words(name: string): string {
  const text = name.replace(/^eval_/, '').replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Warnings that a page has room for. */
const mostWarnings = 8;

function notesOf({ contender: { title }, run }: Shown): string[] {
  const { end } = run;
  const state =
    end === undefined
      ? [`${title} has not ended: this is its course up to step ${stepOf(run)}.`]
      : end.error !== null
        ? [`${title} failed after step ${stepOf(run)}: ${end.error}`]
        : end.reason === 'stopped'
          ? [`${title} was stopped after step ${stepOf(run)}.`]
          : [];
  const warnings = run.marks.filter(({ kind }) => kind === 'warning');
  const told = warnings.slice(0, mostWarnings).map(({ step, text }) => `${title}, step ${step}: ${text}`);
  const more = warnings.length - told.length;
  return [...state, ...told, ...(more > 0 ? [`${title}: ${more} more warnings are in its metrics.jsonl.`] : [])];
}

/** The last ones of each run, the same texts together. */
function samplesOf(all: readonly Shown[]): ReportSample[] {
  const bySource = new Map<string, { sample: TextSample; texts: { contender: Contender; text: string }[] }>();
  for (const { contender, run } of all) {
    for (const sample of run.samples.at(-1)?.samples ?? []) {
      const own = bySource.get(sample.source) ?? { sample, texts: [] };
      bySource.set(sample.source, own);
      own.texts.push({ contender, text: sample.text });
    }
  }
  return [...bySource.values()].map(({ sample: { source, reference }, texts }) => ({ source, reference, texts }));
}

function detailsOf({ contender: { title }, run: { start, end } }: Shown): { title: string; text: string } {
  const metrics = end && Object.keys(end.metrics).length > 0 ? `${formatMetrics('train', end.metrics)}\n\n` : '';
  return { title, text: `${metrics}${JSON.stringify(start?.config ?? {}, null, 2)}` };
}

function factsOf(runs: readonly Run[]): [string, string][] {
  const starts = runs.flatMap(({ start }) => start ?? []);
  const versions = starts.map((start) =>
    Object.entries(start.versions)
      .map(([name, text]) => `${name} ${text}`)
      .join(', '),
  );
  const began = starts.map(({ time }) => time).sort();
  const seconds = runs.reduce((sum, { rows }) => sum + rows.last('seconds'), 0);
  const memory = runs.flatMap(({ lastStep }) => lastStep?.peakMemory ?? []);
  return [
    ['Device', unique(starts.map(({ device }) => device)).join('; ')],
    ['Versions', unique(versions).join('; ')],
    ['Trained', `${began[0]?.slice(0, 16).replace('T', ' ') ?? ''} UTC, ${Math.round(seconds)} s in all`],
    ...(memory.length > 0
      ? [['Peak memory of the process', megabytes(Math.max(...memory))] satisfies [string, string]]
      : []),
  ];
}
