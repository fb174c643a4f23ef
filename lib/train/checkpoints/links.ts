/** Links from a run's folder to its checkpoints. They are swapped by a rename, so that each always leads to a whole one. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { ArgumentError } from '../../errors';
import { syncFolder } from './durable';
import { checkpointsName, stepOf } from './layout';

/**
 * Lets `run/link` lead to a checkpoint, by a relative path, so that the folder can be moved.
 * @throws ArgumentError when something else than a link is in its place
 */
export async function pointLink(run: string, link: string, checkpoint: string): Promise<void> {
  if ((await linkedName(run, link)) === checkpoint) return;
  const place = path.join(run, link);
  const inPlace = await fs.lstat(place).catch(() => undefined);
  if (inPlace !== undefined && !inPlace.isSymbolicLink())
    throw new ArgumentError(`${place} is in the way of the link to a checkpoint; move it away.`);
  const temporary = `${place}.${randomBytes(4).toString('hex')}.tmp`;
  await fs.symlink(path.join(checkpointsName, checkpoint), temporary, 'dir');
  try {
    await fs.rename(temporary, place);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(run);
}

/** Takes a link away, if it is there. */
export async function removeLink(run: string, link: string): Promise<void> {
  if ((await linkedName(run, link)) !== undefined) await fs.rm(path.join(run, link), { force: true });
}

/** The name of the checkpoint that a link leads to; undefined where there is no such link. */
export async function linkedName(run: string, link: string): Promise<string | undefined> {
  const target = await fs.readlink(path.join(run, link)).catch(() => undefined);
  const name = target === undefined ? undefined : path.basename(target);
  return name !== undefined && stepOf(name) !== undefined ? name : undefined;
}
