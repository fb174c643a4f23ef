/** What the page's table says of a run. */
import { isDeepStrictEqual } from 'node:util';

import type { WatchedRun } from './watcher';

export interface RunSummary {
  id: string;
  version: number;
  title: string;
  /** Its path inside the folder that was given. */
  name: string;
  folder: string;
  state: 'running' | 'silent' | 'ended' | 'empty';
  /** Why it ended, and the error that ended it. */
  reason: string | null;
  error: string | null;
  /** Seconds since the file last grew. */
  silentSeconds: number;
  step: number;
  totalSteps: number | null;
  epoch: number | null;
  seconds: number;
  tokens: number;
  /** Seconds to the last step, at the speed of the last ones. */
  remaining: number | null;
  parameters: number | null;
  device: string | null;
  /** A mean over the last steps. */
  loss: number | null;
  evalLoss: number | null;
  best: { step: number; loss: number } | null;
  learningRate: number | null;
  gradNorm: number | null;
  tokensPerSecond: number | null;
  mfu: number | null;
  /** Most bytes so far: of the accelerator, where there is one, else of the process. */
  peakMemory: number | null;
  /** Mean seconds of the last steps. */
  split: Record<'data' | 'forward' | 'backward' | 'optimizer', number> | null;
  warnings: number;
  /** Steps of the evaluations with samples. */
  sampled: number[];
  problem: string | null;
  /** Values of the options in which the watched runs differ. */
  options: Record<string, string>;
}

/** A run that says nothing for so long may have been killed. */
const silentAfter = 90;

/** Of all runs, since what is worth telling of one depends on the others. */
export function summariesOf(runs: readonly WatchedRun[]): RunSummary[] {
  const options = runs.map((run) => flat(run.start?.config ?? {}));
  const names = differing(options);
  return runs.map((run, index) => ({
    ...summaryOf(run),
    options: Object.fromEntries(names.map((name) => [name, shown(options[index]![name])])),
  }));
}

function summaryOf(run: WatchedRun): Omit<RunSummary, 'options'> {
  const { id, version, title, name, folder, start, end, lastStep, best, marks, samples, problem, rows } = run;
  const silentSeconds = run.heard === undefined ? 0 : (Date.now() - run.heard) / 1000;
  const step = lastStep?.step ?? start?.step ?? 0;
  const totalSteps = start?.totalSteps ?? null;
  const secondsEach = run.recent('stepSeconds');
  const isOver = end !== undefined;
  return {
    id,
    version,
    title,
    name,
    folder,
    state: isOver ? 'ended' : start === undefined ? 'empty' : silentSeconds > silentAfter ? 'silent' : 'running',
    reason: end?.reason ?? null,
    error: end?.error ?? null,
    silentSeconds,
    step,
    totalSteps,
    epoch: lastStep?.epoch ?? null,
    seconds: rows.last('seconds'),
    tokens: rows.last('tokens'),
    remaining: isOver || totalSteps === null || secondsEach === null ? null : (totalSteps - step) * secondsEach,
    parameters: start?.parameters ?? null,
    device: start?.device ?? null,
    loss: run.recent('loss'),
    evalLoss: run.evaluations.at(-1)?.metrics.eval_loss ?? null,
    best: best ?? null,
    learningRate: lastStep?.learningRate ?? null,
    gradNorm: run.recent('gradNorm'),
    tokensPerSecond: lastStep?.tokensPerSecond ?? null,
    mfu: lastStep?.mfu ?? null,
    peakMemory: lastStep?.peakDeviceMemory ?? lastStep?.peakMemory ?? null,
    split: splitOf(run),
    warnings: marks.filter(({ kind }) => kind === 'warning').length,
    sampled: samples.map((sample) => sample.step),
    problem: problem ?? null,
  };
}

function splitOf(run: WatchedRun): RunSummary['split'] {
  const part = (name: string) => run.recent(`split.${name}`);
  const [data, forward, backward, optimizer] = ['data', 'forward', 'backward', 'optimizer'].map(part);
  return run.rows.length === 0
    ? null
    : { data: data ?? 0, forward: forward ?? 0, backward: backward ?? 0, optimizer: optimizer ?? 0 };
}

/** `{ model: { layers: 2 } }` as `{ 'model.layers': 2 }`. Lists stay whole. */
function flat(value: object, before = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.entries(flat(inner, `${before}${key}.`))
        : [[before + key, inner]],
    ),
  );
}

/** Most options that have a column. */
const mostOptions = 6;

function differing(options: readonly Record<string, unknown>[]): string[] {
  const [first] = options;
  if (first === undefined) return [];
  const names = [...new Set(options.flatMap((own) => Object.keys(own)))];
  return names
    .filter((name) => options.some((own) => !isDeepStrictEqual(own[name], first[name])))
    .slice(0, mostOptions);
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
