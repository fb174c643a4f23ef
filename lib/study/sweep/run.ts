/** Studies of settings: the same training many times, each with other values of some keys, compared in one table. */
import os from 'node:os';
import path from 'node:path';

import { checkArgument } from '../../arguments';
import { AbortError, ArgumentError, ConfigError, OutOfMemoryError } from '../../errors';
import { torch } from '../../tensor';
import type { StudyEvent } from '../shared/events';
import { createRunFolder, refuseTaken } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import { endedRun } from '../shared/resume';
import { problemLines } from './checks';
import type { SweepEvent } from './events';
import { checkSameSweep, sweepName, writeSweepFile } from './folder';
import { Ledger } from './ledger';
import type { Point } from './point';
import { readSweep, type Sweep, type SweepStudyInput } from './read';
import { environmentOf, type Machine } from './resources';
import type { SweepResult } from './result';
import type { SweepInput } from './section';
import { train, trialsOf } from './trials';
import type { Facts } from './training';

export interface SweepOptions extends Omit<StudyOptions, 'overrides' | 'onEvent'>, SweepInput {
  /** `a.b.c=value` for all trials; `a.b.c=value,value` sweeps the key. Values are YAML. */
  overrides?: string[] | undefined;
  /** How many trainings at a time, each in a process of its own; threads, and GPUs where there are several, are divided between them. Default: 1. */
  processes?: number | undefined;
  /** Go on with the sweep in `out`: trainings that have ended are taken as they are, the others go on from their checkpoints. */
  resume?: boolean | undefined;
  onEvent?: ((event: SweepEvent) => void) | undefined;
}

/**
 * Trains a study once for each combination of settings, and with each of the study's `seeds`; of a residual study its `model.residual`, of the
 * others their first model or the one that the key `model` names. All configurations are checked before anything runs. Each training has
 * a process and a run folder of its own; one that diverges or fails is noted, and the others go on. `sweep.md`, `sweep.csv`, `sweep.json` and
 * `report.html` are rewritten after each. Once `signal` is raised, all trainings save where they are and stop.
 *
 * @param source - a study as for `trainStudy`: a file, which may have a section `sweep:` with a `grid` and a `list`, the name of a shipped study, or an object
 * @param options - `grid` and `list` go above those of the source
 * @returns the table, the best row first
 * @throws ConfigError with all problems of all trials and DataError before any training; ArgumentError for a folder that holds something, or, with
 *   `resume`, another sweep; AbortError.
 * @example
 * const { best } = await runSweep('demo', {
 *   grid: { 'train.learningRate': [1e-3, 3e-3], 'model.hiddenSize': [64, 128] },
 *   processes: 2,
 * });
 */
export async function runSweep(source: string | SweepStudyInput, options: SweepOptions = {}): Promise<SweepResult> {
  checkArgument(options, 'object', 'The options of runSweep');
  const { overrides, grid, list, out, resume, processes = 1 } = options;
  if (!Number.isInteger(processes) || processes < 1)
    throw new ArgumentError(`processes must be a whole number from 1 on, not ${String(processes)}.`);
  const sweep = readSweep(source, overrides, { ...(grid && { grid }), ...(list && { list }) });
  await (resume ? checkSameSweep(sweep.file, out) : refuseTaken(out));
  const facts = await checkPoints(sweep, options);
  const folder = resume && out !== undefined ? out : await createRunFolder(sweep.name, sweep.output, out);
  await writeSweepFile(folder, sweep.file);
  return runTrials(sweep, facts, folder, options);
}

/** Makes all data ready, and checks every model against its own. @throws ConfigError with all problems at once; DataError, DeviceError, AbortError */
async function checkPoints({ points }: Sweep, { signal, cacheDir, onEvent }: SweepOptions): Promise<Map<Point, Facts>> {
  const facts = new Map<Point, Facts>();
  const ready = new Map<string, unknown>();
  const checked: { point: Point; lines: string[] }[] = [];
  const tell = (event: { type: string }) => onEvent?.(event as SweepEvent);
  for (const point of points) {
    const lines: string[] = [];
    try {
      facts.set(point, await point.training.check({ signal, cacheDir, onEvent: tell }, ready));
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof OutOfMemoryError)) throw error;
      lines.push(error.message);
    }
    checked.push({ point, lines });
  }
  const problems = problemLines(checked);
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return facts;
}

async function runTrials(
  sweep: Sweep,
  facts: ReadonlyMap<Point, Facts>,
  folder: string,
  { processes = 1, resume, signal, cacheDir, onEvent }: SweepOptions,
): Promise<SweepResult> {
  const trials = trialsOf(sweep, folder);
  const tell = (event: SweepEvent) => onEvent?.(event);
  const ledger = new Ledger({ study: sweep.name, folder, axes: sweep.axes }, trials, tell);
  const places = Math.min(processes, trials.length);
  tell({ type: 'sweep', folder, runs: trials.length, processes: places });
  for (const trial of resume ? trials : []) {
    const run = await endedRun(trial.name.folder, facts.get(trial.point)!);
    if (run) ledger.note(trial, run, 'resumed');
  }
  await ledger.save();

  const machine = machineOf(sweep);
  const waiting = ledger.open;
  await inPlaces(places, signal, async (place, stopped) => {
    const env = environmentOf(place, places, machine);
    for (let trial = waiting.shift(); trial && !stopped.aborted; trial = waiting.shift()) {
      const { name, point } = trial;
      const onTrialEvent = (event: StudyEvent) => tell({ type: 'trial', trial: name, event });
      const means = { env, cacheDir, signal: stopped, onEvent: onTrialEvent };
      const end = await train(trial, facts.get(point)!, means);
      if (!end) return;
      ledger.note(trial, end.run, end.how);
      await ledger.save();
    }
  });
  if (ledger.result) return ledger.result;
  throw new AbortError(
    `The sweep was stopped; ${trials.length - ledger.open.length} of ${trials.length} trainings have ended. What was finished is in ${folder}. ` +
      `To go on: torchwright sweep ${path.join(folder, sweepName)} --out ${folder} --resume`,
    { cause: signal?.reason },
  );
}

function machineOf({ points }: Sweep): Machine {
  const isOnCuda = points.every(({ training }) => training.study.device === 'cuda');
  const gpus = isOnCuda ? torch.cuda.deviceCount() : 0;
  return { cores: os.availableParallelism(), gpus, env: process.env };
}

/**
 * Works in so many places at once, until all have come to their ends.
 * @param work - its signal is raised with `signal`, and when another place fails
 * @throws what the first of those that failed has thrown
 */
async function inPlaces(
  count: number,
  signal: AbortSignal | undefined,
  work: (place: number, stopped: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const failures: unknown[] = [];
  const attempt = async (place: number) => {
    try {
      await work(place, stop.signal);
    } catch (error) {
      failures.push(error);
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: count }, (_, place) => attempt(place)));
  signal?.removeEventListener('abort', abort);
  if (failures.length > 0) throw failures[0];
}
