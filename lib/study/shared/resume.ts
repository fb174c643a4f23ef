/** Going on with a comparison that was stopped. */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { parse } from 'yaml';

import { formatConfig } from '../../config';
import { ArgumentError } from '../../errors';
import { configName } from './options';
import { readRecord, recordName, type RunFacts, type SavedRun } from './record';

/** @throws ArgumentError unless `out` holds a comparison that was begun with this study */
export async function checkResumable(study: object, out: string | undefined): Promise<void> {
  if (out === undefined) throw new ArgumentError('To resume a comparison, give its folder as `out` (--out).');
  const file = path.join(out, configName);
  const begun = await fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ArgumentError(`${out} holds no comparison to resume: ${error.message}`, { cause: error });
  });
  if (!isDeepStrictEqual(parse(begun), parse(formatConfig(study))))
    throw new ArgumentError(`The comparison in ${out} was begun with another study: resume it with ${file}.`);
}

/**
 * The run in a folder, where it has ended. One that has not is cleared away, to begin anew.
 * @throws ArgumentError where it was trained on other data; DataError for a damaged record
 */
export async function endedRun(folder: string, { data }: Pick<RunFacts, 'data'>): Promise<SavedRun | undefined> {
  if (!existsSync(path.join(folder, recordName))) {
    await fs.rm(folder, { recursive: true, force: true });
    return undefined;
  }
  const run = await readRecord(folder);
  if (run.data === data) return run;
  throw new ArgumentError(`The data have changed since ${folder} was trained. Then: ${run.data} Now: ${data}`);
}
