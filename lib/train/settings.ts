/** What must be the same where a training goes on, and what had better be. */
import os from 'node:os';

import { ArgumentError } from '../errors';
import type { JsonObject } from '../json';
import { native } from '../native';
import { version } from '../version';
import { describeDifferences, differencesOf, exactCopy, type Resumable } from './checkpoints';
import type { Course } from './course';

/** Keys of a config that say when a training is saved or looked at, not what it is: a resumed one may have others. */
export const freeKeys: readonly string[] = ['saveEvery', 'keepLast', 'onSaveFailure', 'sanity'];
const isFree = (path: string) => freeKeys.some((key) => path === `train.${key}` || path.startsWith(`train.${key}.`));

/** Config, data, model, and how many processes train together: `WORLD_SIZE`, as launchers such as torchrun set it. */
export function settingsOf({ config, data, model }: Course): JsonObject {
  const settings = {
    train: { ...config },
    data: { samples: data.samples },
    model: { type: model.constructor.name, parameters: model.numParameters() },
    worldSize: Number(process.env.WORLD_SIZE ?? 1),
  };
  return exactCopy(settings as object as JsonObject);
}

/** What results depend on in their last bits. */
export function environmentOf(device: string): JsonObject {
  return {
    device,
    threads: native.threads(),
    processor: os.cpus()[0]?.model.trim() ?? os.arch(),
    libtorch: native.versions().loaded,
    torchwright: version,
  };
}

/** @throws ArgumentError with all differences, unless they are allowed; then they are told as warnings */
export function comparedSettings({ folder, saved }: Resumable, now: JsonObject, allowChanges: boolean): string[] {
  const differences = differencesOf(saved.settings, now).filter(({ path }) => !isFree(path));
  if (differences.length === 0) return [];
  const found = `The training in ${folder} was made with other settings:\n${describeDifferences(differences)}`;
  if (allowChanges) return [`${found}\nIt goes on with those of now.`];
  throw new ArgumentError(
    `${found}\nResume it with the same settings, begin a new one in another folder, or allow the changes (allowChanges: true, --allow-changes).`,
  );
}

/** A warning where the last bits may come out otherwise than without a break. */
export function comparedEnvironment({ saved }: Resumable, now: JsonObject): string[] {
  const differences = differencesOf(saved.environment, now);
  if (differences.length === 0) return [];
  return [`Results may differ in their last bits from those without a break:\n${describeDifferences(differences)}`];
}
