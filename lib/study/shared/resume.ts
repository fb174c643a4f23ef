/** Going on with what was stopped: a run, or a comparison of runs. */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

import { parse } from 'yaml';

import { formatConfig } from '../../config';
import { ArgumentError } from '../../errors';
import { writeFileAtomically } from '../../files';
import { describeDifferences, differencesOf, freeKeys } from '../../train';
import { refuseTaken } from './folder';
import { configName, type TrainStudyOptions } from './options';
import { readRecord, recordName, type RunFacts, type SavedRun } from './record';

type Options = Pick<TrainStudyOptions, 'out' | 'resume'>;

const wasBegun = (folder: string) => existsSync(path.join(folder, configName));

/** Whether a run that was begun in `out` is to go on. @throws ArgumentError where there is none, or one that is not to go on */
export async function isResumed({ out, resume = false }: Options): Promise<boolean> {
  if (resume !== false) {
    if (out === undefined) throw new ArgumentError('To resume, give the folder as `out` (--out).');
    if (wasBegun(out)) return true;
    if (resume === true)
      throw new ArgumentError(
        `There is nothing to resume in ${out}: it has no ${configName}, so nothing was begun there.`,
      );
  }
  await refuseTaken(out);
  return false;
}

/** The study that a folder was begun with, without what says only where results go, and when they are saved. */
function essence(study: unknown): object {
  const { output: _, train, ...rest } = study as Record<string, unknown>;
  return { ...rest, train: Object.fromEntries(Object.entries(train ?? {}).filter(([key]) => !freeKeys.includes(key))) };
}

/**
 * Writes a study into the folder that it is run in; where one was begun there before, only if it is the same. Where changes are allowed, the
 * record of a run that has ended goes first: it is of the study before, and the run goes on from its last checkpoint.
 * @throws ArgumentError with all differences, unless they are allowed
 */
export async function claimStudy(folder: string, study: object, { allowChanges = false } = {}): Promise<void> {
  const file = path.join(folder, configName);
  const text = formatConfig(study);
  if (wasBegun(folder)) {
    const differences = differencesOf(essence(parse(await fs.readFile(file, 'utf8'))), essence(parse(text)));
    if (differences.length > 0 && !allowChanges)
      throw new ArgumentError(
        `What is in ${folder} was begun with another study:\n${describeDifferences(differences)}\n` +
          `Resume it with ${file}, give another folder, or allow the changes of a single run (allowChanges: true, --allow-changes).`,
      );
    if (differences.length > 0) await fs.rm(path.join(folder, recordName), { force: true });
  }
  await writeFileAtomically(file, text);
}

/**
 * The run in a folder, where it has ended.
 * @throws ArgumentError where it was trained on other data; DataError for a damaged record
 */
export async function endedRun(folder: string, { data }: Pick<RunFacts, 'data'>): Promise<SavedRun | undefined> {
  if (!existsSync(path.join(folder, recordName))) return undefined;
  const run = await readRecord(folder);
  if (run.data === data) return run;
  throw new ArgumentError(`The data have changed since ${folder} was trained. Then: ${run.data} Now: ${data}`);
}
