/** The mean of several models' weights, which often does better than each of them. Source: spec/delight.md section 9. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { ArgumentError, CheckpointError } from '../errors';
import { replaceFolder } from '../files';
import {
  inspectSafetensors,
  loadSafetensors,
  saveSafetensors,
  scope,
  type SafetensorsEntry,
  type Tensor,
} from '../tensor';
import { manifestName, trainingName } from './checkpoints';

const weightsName = 'model.safetensors';
/** What of a checkpoint is not the model's, or no longer true of the mean. */
const leftOut = [weightsName, trainingName, manifestName];

/**
 * Writes a model folder whose weights are the plain mean of those of `folders`, summed in float64; its other files are copied from the
 * last of them. Means of whole numbers, such as the counts of batch norms, are rounded down, as in fairseq.
 *
 * @param out a new or empty folder
 * @throws ArgumentError when no folder is given or `out` holds something; CheckpointError when one has no `model.safetensors`, or when names, shapes or dtypes differ;
 *   AbortError, with nothing written.
 */
export async function averageCheckpoints(
  folders: readonly string[],
  out: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const last = Array.isArray(folders) ? (folders as readonly string[]).at(-1) : undefined;
  if (last === undefined) throw new ArgumentError('There is no model to average: give at least one folder.');
  await refuseTaken(out);
  const files = folders.map((folder) => path.join(folder, weightsName));
  const { metadata, tensors } = inspectSafetensors(files.at(-1)!);
  for (const file of files) checkAlike(file, inspectSafetensors(file).tensors, files.at(-1)!, tensors);
  await replaceFolder(out, async (empty) => {
    // A link such as `best` would be copied as a link.
    const source = await fs.realpath(last);
    const left = leftOut.map((name) => path.join(source, name));
    await fs.cp(source, empty, { recursive: true, filter: (file) => !left.includes(file) });
    const means: [string, Tensor][] = [];
    try {
      for (const name of tensors.keys()) means.push([name, await meanOf(files, name, signal)]);
      await saveSafetensors(path.join(empty, weightsName), means, { metadata, signal });
    } finally {
      for (const [, mean] of means) mean.dispose();
    }
  });
}

async function refuseTaken(folder: string): Promise<void> {
  const entries = await fs.readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new ArgumentError(`${folder} cannot be the new model's folder: ${error.message}`, { cause: error });
  });
  if (entries.length > 0)
    throw new ArgumentError(`${folder} is not empty; give a new folder for the averaged model, or empty this one.`);
}

function checkAlike(
  file: string,
  tensors: Map<string, SafetensorsEntry>,
  reference: string,
  wanted: Map<string, SafetensorsEntry>,
): void {
  const problem = (text: string) => new CheckpointError(`${file} cannot be averaged with ${reference}: ${text}.`);
  for (const [name, { shape, dtype }] of wanted) {
    const entry = tensors.get(name);
    if (entry === undefined) throw problem(`it has no tensor ${name}`);
    if (entry.dtype !== dtype || entry.shape.join() !== shape.join()) {
      throw problem(`${name} is ${entry.dtype} [${entry.shape.join(', ')}], not ${dtype} [${shape.join(', ')}]`);
    }
  }
  for (const name of tensors.keys()) if (!wanted.has(name)) throw problem(`the other has no tensor ${name}`);
}

/** One tensor at a time from all files: the memory is that of one model and a tensor, however many there are. */
async function meanOf(files: readonly string[], name: string, signal: AbortSignal | undefined): Promise<Tensor> {
  return scope(async () => {
    const load = async (file: string) => (await loadSafetensors(file, { names: [name], signal })).get(name)!;
    const first = await load(files[0]!);
    const isFloating = first.isFloatingPoint();
    const sum = first.to({ dtype: isFloating ? 'float64' : 'int64', copy: true });
    for (const file of files.slice(1)) sum.add_(await load(file));
    return sum.div_(files.length, { roundingMode: isFloating ? null : 'floor' }).to(first.dtype);
  });
}
