/** How a model is written into a checkpoint and read back, where the caller does not say. */
import path from 'node:path';

import { ArgumentError } from '../errors';
import { NativeModule, type Module } from '../nn';
import { loadSafetensors, saveSafetensors, scope } from '../tensor';
import type { ModelFiles } from './checkpoints';
import type { RunOptions } from './options';

/** Models of this package know their own files. */
interface KnowsItsFiles extends Module {
  save(folder: string): Promise<void>;
  loadWeights(folder: string): Promise<void>;
}

const knowsItsFiles = (model: Module): model is KnowsItsFiles =>
  model instanceof NativeModule && 'save' in model && 'loadWeights' in model;

const weightsName = 'model.safetensors';

/** @throws ArgumentError where only one of `save` and `restore` is given */
export function modelFilesOf(model: Module, { save, restore }: Pick<RunOptions, 'save' | 'restore'>): ModelFiles {
  if (save !== undefined && restore !== undefined) return { save, restore };
  if (save !== undefined || restore !== undefined)
    throw new ArgumentError('Give both `save` and `restore`, or neither: what one writes, the other must read.');
  if (knowsItsFiles(model)) return { save: (to) => model.save(to), restore: (from) => model.loadWeights(from) };
  return {
    save: (folder) => scope(() => saveSafetensors(path.join(folder, weightsName), model.stateDict())),
    restore: (folder) =>
      scope(async () => void model.loadStateDict(await loadSafetensors(path.join(folder, weightsName)))),
  };
}
