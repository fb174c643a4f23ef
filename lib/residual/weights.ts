/** Weights of a model folder as Hugging Face lays it out: `model.safetensors`, or shards with `model.safetensors.index.json`. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../config';
import { CheckpointError } from '../errors';
import { readJson, type Module } from '../nn';
import { inspectSafetensors, loadSafetensors, saveSafetensors, scope, type Tensor } from '../tensor';

const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';

/** Keys that some files hold and no model needs: tables that are computed. */
const computed = /rotary_emb\.inv_freq$/;

/** An index may name files of its own folder only. */
const indexSchema = z.looseObject({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[^/\\]+\.safetensors$/, 'must be a .safetensors file of the same folder'),
  ),
});

/** The files that hold the weights, and which tensors to take from each. */
async function weightFiles(folder: string): Promise<Map<string, string[]>> {
  const exists = (name: string) =>
    fs.access(path.join(folder, name)).then(
      () => true,
      () => false,
    );
  if (await exists(singleFile)) {
    const file = path.join(folder, singleFile);
    return new Map([[file, [...inspectSafetensors(file).tensors.keys()]]]);
  }
  if (!(await exists(indexFile))) throw new CheckpointError(`${folder} holds neither ${singleFile} nor ${indexFile}.`);
  const index = path.join(folder, indexFile);
  const { weight_map: map } = parseConfig(await readJson(index), indexSchema, index);
  const files = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(map)) {
    const file = path.join(folder, shard);
    files.set(file, [...(files.get(file) ?? []), name]);
  }
  return files;
}

/** Compares names and shapes before anything is read, so that a wrong file changes nothing. */
function checkFit(folder: string, files: Map<string, string[]>, parameters: Map<string, Tensor>): void {
  const problems: string[] = [];
  const missing = new Set(parameters.keys());
  for (const [file, wanted] of files) {
    const held = inspectSafetensors(file).tensors;
    for (const name of wanted) {
      const shape = held.get(name)?.shape;
      const parameter = parameters.get(name);
      missing.delete(name);
      if (shape === undefined) problems.push(`${path.basename(file)} lacks ${name}, which the index places there`);
      else if (parameter === undefined) problems.push(`${name} is not a parameter of the model`);
      else if (shape.join() !== parameter.shape.join()) {
        problems.push(`${name} has shape [${shape.join(', ')}], the model needs [${parameter.shape.join(', ')}]`);
      }
    }
  }
  problems.push(...[...missing].map((name) => `${name} is missing`));
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  throw new CheckpointError(`The weights in ${folder} do not fit the model: ${shown}${more}.`);
}

export interface LoadWeightsOptions {
  /** The model's head is its embedding: a head in the file is a copy, and not read. */
  tied: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Copies a folder's weights into a module, shard by shard, converting to the parameters' dtype and device.
 *
 * @throws CheckpointError when a file is missing or damaged, or names or shapes differ; the module is then unchanged.
 */
export async function loadWeights(module: Module, folder: string, { tied, signal }: LoadWeightsOptions): Promise<void> {
  const parameters = new Map(module.namedParameters());
  const needless = (name: string) => computed.test(name) || (tied && name === 'lm_head.weight');
  const files = await weightFiles(folder);
  for (const [file, names] of files)
    files.set(
      file,
      names.filter((name) => !needless(name)),
    );
  checkFit(folder, files, parameters);
  for (const [file, names] of files) {
    if (names.length === 0) continue;
    await scope(async () => {
      module.loadStateDict(await loadSafetensors(file, { names, signal }), { strict: false });
    });
  }
}

/** Writes a module's parameters as `model.safetensors`, whole or not at all. */
export async function saveWeights(module: Module, folder: string): Promise<void> {
  await saveSafetensors(path.join(folder, singleFile), module.namedParameters(), { metadata: { format: 'pt' } });
}
