/** The checkpoint that a training goes on from: the newest one that is whole. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { CheckpointError } from '../../errors';
import { checkpointNames, checkpointsName, finalName, namesIn } from './layout';
import { verify } from './manifest';
import { readTraining, type SavedTraining } from './state';

export interface Resumable {
  /** The checkpoint's folder. */
  folder: string;
  saved: SavedTraining;
  /** What was found damaged on the way, in words. */
  warnings: string[];
}

/**
 * Finds the newest whole checkpoint of a run. Newer ones that are damaged are named in the warnings.
 * @returns undefined where there is none at all
 * @throws CheckpointError when there are some and every one is damaged
 */
export async function findResumable(run: string): Promise<Resumable | undefined> {
  const warnings: string[] = [];
  for (const name of await checkpointNames(run)) {
    const folder = path.join(run, checkpointsName, name);
    try {
      await verify(folder);
      return { folder, saved: await readTraining(folder), warnings: warnings.map(goesBack(name)) };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      warnings.push(`The checkpoint ${folder} is damaged: ${error.message}.`);
    }
  }
  if (warnings.length === 0) return undefined;
  throw new CheckpointError(`No checkpoint of ${run} is whole, so that training cannot go on. ${warnings.join(' ')}`);
}

const goesBack = (name: string) => (warning: string) => `${warning} Training goes on from ${name}.`;

/**
 * Clears away what a process that was killed has left half-written. A whole checkpoint whose last rename was cut off gets its name.
 * To be called only while no other process trains in the folder.
 */
export async function clearLeftovers(run: string): Promise<void> {
  const names = await namesIn(run);
  for (const name of names) {
    const final = finalName(name);
    if (final === undefined) continue;
    const leftover = path.join(run, checkpointsName, name);
    const isWhole = await verify(leftover).then(
      () => true,
      () => false,
    );
    const target = path.join(run, checkpointsName, final);
    const isFree = await fs.access(target).then(
      () => false,
      () => true,
    );
    if (isWhole && isFree) await fs.rename(leftover, target);
    else await fs.rm(leftover, { recursive: true, force: true });
  }
  const temporary = /\.[0-9a-f]{8}\.tmp$/;
  for (const name of await fs.readdir(run).catch(() => [])) {
    if (temporary.test(name)) await fs.rm(path.join(run, name), { recursive: true, force: true });
  }
}
