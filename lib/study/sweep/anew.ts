/** The table of a sweep that ran before, out of what its trainings have left. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { ArgumentError } from '../../errors';
import { sweepName } from './folder';
import { readSweep } from './read';
import { sweepTable, type SweepTable } from './table';
import { recordOf, trialsOf } from './trials';

export const isSweep = (folder: string) => existsSync(path.join(folder, sweepName));

/** @throws ArgumentError where none has ended; DataError for a damaged record */
export async function sweepTableOf(folder: string): Promise<SweepTable> {
  const sweep = readSweep(path.join(folder, sweepName));
  const trials = trialsOf(sweep, folder);
  const runs = await Promise.all(
    trials.map(async ({ name, point }) => {
      const run = await recordOf(name);
      return run ? [{ point, run }] : [];
    }),
  );
  if (runs.flat().length === 0) throw new ArgumentError(`No training of the sweep in ${folder} has ended.`);
  return sweepTable({ study: sweep.name, folder, axes: sweep.axes }, runs.flat());
}
