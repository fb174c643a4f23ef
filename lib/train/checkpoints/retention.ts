/** Which checkpoints are kept: the newest, those that links lead to, and those that a kept one needs. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { linkedName } from './links';
import { bestName, checkpointName, checkpointNames, checkpointsName, latestName, stepOf } from './layout';
import { readManifest } from './manifest';

/** Deletes the others. Those of later steps than this one are of a course that was given up; they stay until training comes by. */
export async function dropOld(run: string, { step, keepLast }: { step: number; keepLast: number }): Promise<void> {
  const past = (await checkpointNames(run)).filter((name) => stepOf(name)! <= step);
  const kept = new Set(past.slice(0, keepLast));
  for (const link of [bestName, latestName]) {
    const name = await linkedName(run, link);
    if (name !== undefined) kept.add(name);
  }
  kept.add(checkpointName(step));
  for (const name of [...kept]) for (const needed of await needsOf(run, name)) kept.add(needed);
  for (const name of past) if (!kept.has(name)) await remove(path.join(run, checkpointsName, name));
}

async function needsOf(run: string, name: string): Promise<readonly string[]> {
  return readManifest(path.join(run, checkpointsName, name)).then(
    ({ needs }) => needs,
    () => [], // damaged: it is not gone on from, and needs nothing
  );
}

/** First it loses its name, so that what is half deleted is never taken for a checkpoint. */
async function remove(folder: string): Promise<void> {
  const temporary = `${folder}.${randomBytes(4).toString('hex')}.tmp`;
  await fs.rename(folder, temporary);
  await fs.rm(temporary, { recursive: true, force: true });
}
