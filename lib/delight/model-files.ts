/** Model folders: `config.json` with this family's own configuration, and `model.safetensors` with the original's keys. */
import path from 'node:path';

import { checkArgument } from '../arguments';
import { ConfigError } from '../errors';
import { writeFileAtomically } from '../files';
import { readJson, type NativeModuleOptions } from '../nn';
import { loadWeights, saveWeights, weightFile, type ConfiguredModel } from './state-dict';

const configFile = 'config.json';
/** Tells these folders from those of other programs. */
const modelType = 'torchwright-delight';
type Task = 'translation' | 'language';

export interface LoadModelOptions extends NativeModuleOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Makes the model that a folder holds.
 * @param make checks the configuration, and builds the model
 * @throws CheckpointError for files that are missing, damaged or do not fit; ConfigError for a model of another kind
 */
export async function loadModel<M extends ConfiguredModel>(
  folder: string,
  task: Task,
  make: (config: object, where: string) => M,
  signal: AbortSignal | undefined,
): Promise<M> {
  checkArgument(folder, 'string', 'The path of a model folder');
  const file = path.join(folder, configFile);
  const content = await readJson(file);
  const { model_type: type, task: held, ...config } = (content ?? {}) as Record<string, unknown>;
  if (type !== modelType) {
    throw new ConfigError(
      `${file} is not of a model of this family: its model_type is ${JSON.stringify(type)}, not "${modelType}".`,
    );
  }
  if (held !== task) throw new ConfigError(`${file} is of a model for ${JSON.stringify(held)}, not "${task}".`);
  const model = make(config, file);
  try {
    await loadWeights(model, path.join(folder, weightFile), { signal });
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Writes `config.json` and `model.safetensors` into a folder, each whole or not at all. */
export async function saveModel(model: ConfiguredModel, task: Task, folder: string): Promise<void> {
  checkArgument(folder, 'string', 'The path of a model folder');
  await saveWeights(model, path.join(folder, weightFile));
  const content = { model_type: modelType, task, ...model.config };
  await writeFileAtomically(path.join(folder, configFile), `${JSON.stringify(content, null, 2)}\n`);
}
