/** `training/` in a checkpoint: what a training goes on from beside the model. Read when it is written, filled when it is resumed. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { CheckpointError } from '../../errors';
import { makeFolder, writeFileAtomically } from '../../files';
import type { JsonObject, JsonValue } from '../../json';
import type { GradScaler, GradScalerState, Optimizer } from '../../optim';
import { loadSafetensors, saveSafetensors, scope, type Device } from '../../tensor';
import { fromExactJson, toExactJson } from './exact-json';
import { trainingName } from './layout';
import { fillOptimizer, readOptimizer } from './optimizer-state';
import { readRandom, writeRandom } from './random-state';

const stateName = 'state.json';
const optimizerName = 'optimizer.safetensors';
const randomName = 'random.safetensors';

/** What of a training is in memory, beside its model. */
export interface TrainingParts {
  optimizer: Optimizer;
  scaler: GradScaler | null;
  /** What else steps remember as plain data, such as schedulers. */
  others: { state(): JsonValue; restore(state: JsonValue): void };
  /** Whose default random generators it draws from. */
  generators: readonly Device[];
}

/** What a training knows of itself, as plain data. */
export interface TrainingFacts {
  /** Steps made. */
  step: number;
  /** What must be the same where training goes on: configuration, data, world size. */
  settings: JsonObject;
  /** What may be another, at the price of other last bits: versions, threads, device. */
  environment: JsonObject;
  /** How far it is; the trainer's own. */
  progress: JsonValue;
}

const stateSchema = z.object({
  step: z.int().nonnegative(),
  settings: z.record(z.string(), z.json()),
  environment: z.record(z.string(), z.json()),
  progress: z.json(),
  optimizer: z.unknown(),
  scaler: z.unknown(),
  others: z.json(),
});

export interface SavedTraining extends TrainingFacts {
  readonly optimizer: unknown;
  readonly scaler: unknown;
  readonly others: JsonValue;
}

/** Writes the folder `training/` of a checkpoint. */
export async function writeTraining(checkpoint: string, facts: TrainingFacts, parts: TrainingParts): Promise<void> {
  const folder = path.join(checkpoint, trainingName);
  await makeFolder(folder);
  await scope(async () => {
    const { plain: optimizer, tensors } = readOptimizer(parts.optimizer);
    const scaler = parts.scaler?.stateDict() ?? null;
    const random = readRandom(parts.generators);
    const state = { ...facts, optimizer, scaler: scaler as JsonValue, others: parts.others.state() };
    await writeFileAtomically(path.join(folder, stateName), `${toExactJson(state)}\n`);
    await saveSafetensors(path.join(folder, optimizerName), tensors);
    await saveSafetensors(path.join(folder, randomName), random);
  });
}

/** @throws CheckpointError with the reason alone */
export async function readTraining(checkpoint: string): Promise<SavedTraining> {
  const file = path.join(checkpoint, trainingName, stateName);
  let value: JsonValue;
  try {
    value = fromExactJson(await fs.readFile(file));
  } catch (cause) {
    throw new CheckpointError(`${trainingName}/${stateName} cannot be read (${(cause as Error).message})`, { cause });
  }
  const { data } = stateSchema.safeParse(value);
  // The numbers that JSON has no words for are not for the schema's eyes.
  if (data !== undefined) return value as object as SavedTraining;
  throw new CheckpointError(`${trainingName}/${stateName} is not that of a training of this version`);
}

/** Fills the parts with what a checkpoint holds. The random generators come last: nothing may draw between them and the next step. */
export async function fillTraining(checkpoint: string, saved: SavedTraining, parts: TrainingParts): Promise<void> {
  const load = (name: string) => loadSafetensors(path.join(checkpoint, trainingName, name));
  await scope(async () => {
    fillOptimizer(parts.optimizer, saved.optimizer, await load(optimizerName));
    if (parts.scaler !== null && saved.scaler !== null) parts.scaler.loadStateDict(saved.scaler as GradScalerState);
    parts.others.restore(saved.others);
    writeRandom(parts.generators, await load(randomName));
  });
}
