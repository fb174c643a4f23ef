/** Where checkpoints lie in a run's folder, and what they are called. */
import fs from 'node:fs/promises';
import path from 'node:path';

/** The folder of all checkpoints, in that of the run. */
export const checkpointsName = 'checkpoints';
/** A link to the checkpoint with the lowest `eval_loss`, in the run's folder. */
export const bestName = 'best';
/** A link to the newest checkpoint, in the run's folder. */
export const latestName = 'latest';
/** What a training goes on from, in a checkpoint's folder beside the model's own files. */
export const trainingName = 'training';

const digits = 8;
const form = /^step-(\d{8,})$/;
/** What `temporaryName` of lib/files.ts makes of a checkpoint's name. */
const temporaryForm = /^(step-\d{8,})\.[0-9a-f]+\.tmp$/;

/** `step-00000120` */
export const checkpointName = (step: number) => `step-${String(step).padStart(digits, '0')}`;

/** The step of a checkpoint by its name; undefined for other names. */
export function stepOf(name: string): number | undefined {
  const step = form.exec(name)?.[1];
  return step === undefined ? undefined : Number(step);
}

/** The checkpoint that a temporary folder was to become, or was; undefined for other names. */
export const finalName = (name: string) => temporaryForm.exec(name)?.[1];

/** Names in the folder of checkpoints; none where there is no such folder. */
export async function namesIn(run: string): Promise<string[]> {
  try {
    return await fs.readdir(path.join(run, checkpointsName));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Names of the checkpoints of a run, the newest first. */
export async function checkpointNames(run: string): Promise<string[]> {
  const names = (await namesIn(run)).filter((name) => stepOf(name) !== undefined);
  return names.sort((a, b) => stepOf(b)! - stepOf(a)!);
}
