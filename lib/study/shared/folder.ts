/** Where a run's files go. A folder that holds anything is never written into. */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

import { AbortError, ArgumentError } from '../../errors';
import { makeFolder } from '../../files';
import { bestName, latestName } from '../../train';
import { averagedName, configName } from './options';

/** `2031-05-04_13-07-59`, local time. */
function timestamp(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day}_${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join('-')}`;
}

/**
 * Makes the folder of a new run: `out` where given, else a new one in `output` named by the study and the time.
 *
 * @throws ArgumentError when `out` exists and is not an empty folder.
 */
export async function createRunFolder(name: string, output: string, out: string | undefined): Promise<string> {
  if (out !== undefined) {
    await claimGiven(out);
    return out;
  }
  await makeFolder(output);
  const base = path.join(output, `${name}-${timestamp(new Date())}`);
  for (let attempt = 1; ; attempt++) {
    const folder = attempt === 1 ? base : `${base}-${attempt}`;
    if (await claim(folder)) return folder;
  }
}

/** Says at once what would otherwise come out after hours of preparation. @throws ArgumentError when `out` holds anything or is a file */
export async function refuseTaken(out: string | undefined): Promise<void> {
  if (out === undefined) return;
  const found = await fs.readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new ArgumentError(`${out} cannot be a run's folder: ${error.message}`, { cause: error });
  });
  if (found.every(isLeftover)) return;
  const resume = found.some((name) => name === configName)
    ? ' To go on with what was begun there, resume it (resume: true, --resume).'
    : '';
  throw new ArgumentError(
    `The folder ${out} is not empty. Give another one, or remove it first: results are never overwritten.${resume}`,
  );
}

/** What a process leaves that was killed while it wrote a file. */
const isLeftover = (name: string) => /\.[0-9a-f]{8}\.tmp$/.test(name);

async function claimGiven(out: string): Promise<void> {
  await refuseTaken(out);
  await makeFolder(out);
}

/** Whether the folder is now ours; false when somebody has it already. */
async function claim(folder: string): Promise<boolean> {
  try {
    await fs.mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Runs work whose results go into `folder`; when it is stopped, the error says where they are. */
export async function keepingIn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
    const found = error.message.replace(/\.$/, '');
    throw new AbortError(`${found}. What was finished is in ${folder}; --resume (resume: true) goes on with it.`, {
      cause: error,
    });
  }
}

/**
 * The folder of the model that a run's report is about: the mean of the last ones where it was asked for, else the best or the latest, as
 * the study says.
 * @throws ArgumentError where the best is wanted and there is none
 */
export function finalModel(folder: string, { loadBestModelAtEnd }: { loadBestModelAtEnd: boolean }): string {
  const averaged = path.join(folder, averagedName);
  if (existsSync(averaged)) return averaged;
  const model = path.join(folder, loadBestModelAtEnd ? bestName : latestName);
  if (existsSync(model)) return model;
  throw new ArgumentError(
    `There is no ${model}: that training was stopped before. Resume it${loadBestModelAtEnd ? `, or take the latest model with train.loadBestModelAtEnd=false` : ''}.`,
  );
}

/** Whether a run has left a model. */
export const hasModel = (folder: string) => [bestName, latestName].some((name) => existsSync(path.join(folder, name)));
