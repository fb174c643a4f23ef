/** The trainings of a sweep, some at a time, and what became of each. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import type { StudyEvent } from '../shared/events';
import { circumstances, readRecord, recordName, type SavedRun } from '../shared/record';
import type { TrialEndEvent, TrialName } from './events';
import { trainInProcess } from './process';
import type { Point } from './point';
import type { Sweep } from './read';
import type { Facts } from './training';

/** One training: a point of the sweep with one of its seeds. */
export interface Trial {
  name: TrialName;
  point: Point;
}

/** All trainings of a sweep in its folder: all points with the first seed, then with the next, so that one that is stopped is as even as can be. */
export function trialsOf({ points, seeds }: Sweep, folder: string): Trial[] {
  return seeds.flatMap((seed) =>
    points.map((point) => ({
      name: {
        number: point.number,
        title: point.title,
        seed,
        folder: path.join(folder, seeds.length > 1 ? `${point.slug}_seed-${seed}` : point.slug),
      },
      point,
    })),
  );
}

/** What became of a training that was tried. */
interface Ended {
  run: SavedRun;
  how: TrialEndEvent['how'];
}

interface Means {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  cacheDir: string | undefined;
  onEvent: (event: StudyEvent) => void;
}

/** Trains in a process, on from a checkpoint where there is one. @returns undefined when it was stopped before its end */
export async function train({ name, point }: Trial, facts: Facts, means: Means): Promise<Ended | undefined> {
  const { study, model } = point.training;
  const { cacheDir, ...others } = means;
  const began = new Date();
  const failure = await trainInProcess(
    { study: { ...study, seed: name.seed }, model, out: name.folder, cacheDir },
    others,
  );
  const run = await recordOf(name);
  if (run) return { run, how: run.outcome ? 'finished' : 'diverged' };
  if (means.signal.aborted) return undefined;
  const message = failure?.message ?? 'The training has left no record.';
  return { run: failedRun(facts, name, began, message), how: 'failed' };
}

/** The run of a training that has ended; undefined where it has not. @throws DataError for a damaged record */
export async function recordOf({ folder }: TrialName): Promise<SavedRun | undefined> {
  return existsSync(path.join(folder, recordName)) ? readRecord(folder) : undefined;
}

/** What stands in tables for a training that has left no record. */
function failedRun(facts: Facts, { seed, folder }: TrialName, began: Date, error: string): SavedRun {
  const seconds = (Date.now() - began.getTime()) / 1000;
  const times = { began: began.toISOString(), seconds, peakMemory: null };
  return { ...facts, ...times, ...circumstances(), seed, folder, outcome: null, error };
}
