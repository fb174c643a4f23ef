/** Weights of a model folder as Hugging Face lays it out: `model.safetensors`, or shards with `model.safetensors.index.json`. */
import { CheckpointError } from '../errors';
import type { Module } from '../nn';
import {
  divide,
  dtypeBytes,
  inspectSafetensors,
  loadSafetensors,
  scope,
  weightFiles,
  writeShards,
  type Dtype,
  type SafetensorsEntry,
  type Tensor,
} from '../tensor';

export { isWeightFile } from '../tensor';

/** Keys that some files hold and no model needs: tables that are computed. */
const computed = /rotary_emb\.inv_freq$/;

/** Weights as the files describe them, nothing read yet. */
export interface FolderWeights {
  folder: string;
  /** The files that hold them, and which tensors to take from each. */
  files: Map<string, string[]>;
  tensors: Map<string, SafetensorsEntry>;
}

/**
 * What a folder holds.
 * @param tied - the model's head is its embedding: a head in the files is a copy, and not read
 * @throws CheckpointError when a file is missing or damaged, or lacks what the index places in it
 */
export async function inspectWeights(folder: string, tied: boolean): Promise<FolderWeights> {
  const isNeeded = (name: string) => !computed.test(name) && !(tied && name === 'lm_head.weight');
  const found: FolderWeights = { folder, files: new Map(), tensors: new Map() };
  for (const [file, names] of await weightFiles(folder)) {
    const { tensors } = inspectSafetensors(file);
    const wanted = (names ?? [...tensors.keys()]).filter(isNeeded);
    found.files.set(file, wanted);
    for (const name of wanted) {
      const entry = tensors.get(name);
      if (entry === undefined) {
        throw new CheckpointError(`${file} lacks ${name}, which its index places there.`);
      }
      found.tensors.set(name, entry);
    }
  }
  return found;
}

const elementsOf = ({ shape }: SafetensorsEntry) => shape.reduce((product, size) => product * size, 1);
const bytesOfEntry = (entry: SafetensorsEntry) => elementsOf(entry) * dtypeBytes(entry.dtype);

/** Elements of all tensors together. */
export const countElements = ({ tensors }: FolderWeights) =>
  [...tensors.values()].reduce((sum, entry) => sum + elementsOf(entry), 0);

/** So many are in memory beside the model while it is filled. */
const bytesAtOnce = 256 * 2 ** 20;

/**
 * Copies a folder's weights into a module, file by file, converting to the parameters' dtype and device. Names, shapes and dtypes are
 * compared before anything is read, so that wrong files change nothing.
 *
 * @param mayLack - parameters that keep their values where the files have none of them
 * @returns the names of those
 * @throws CheckpointError when names or shapes differ; the module is then unchanged
 */
export async function fillModule(
  module: Module,
  weights: FolderWeights,
  mayLack: (name: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const parameters = new Map(module.namedParameters());
  const lacking = [...parameters.keys()].filter((name) => !weights.tensors.has(name));
  // All or nothing: a file with some of them is damaged.
  const kept = [...parameters.keys()].filter(mayLack);
  const keeps = kept.every((name) => lacking.includes(name)) ? new Set(kept) : new Set<string>();
  checkFit(
    weights,
    parameters,
    lacking.filter((name) => !keeps.has(name)),
  );
  for (const [file, all] of weights.files) {
    const sized = all.map((name) => ({ name, bytes: bytesOfEntry(weights.tensors.get(name)!) }));
    for (const part of divide(sized, bytesAtOnce)) {
      const names = part.map(({ name }) => name);
      await scope(async () => {
        module.loadStateDict(await loadSafetensors(file, { names, signal }), { strict: false });
      });
    }
  }
  return [...keeps];
}

function checkFit({ folder, tensors }: FolderWeights, parameters: Map<string, Tensor>, missing: string[]): void {
  const problems: string[] = [];
  for (const [name, { shape, dtype }] of tensors) {
    const parameter = parameters.get(name);
    if (parameter === undefined) problems.push(`${name} is not a parameter of the model`);
    else if (shape.join() !== parameter.shape.join()) {
      problems.push(`${name} has shape [${shape.join(', ')}], the model needs [${parameter.shape.join(', ')}]`);
    } else if (!dtype.includes('float')) problems.push(`${name} is of ${dtype}, not floating-point numbers`);
  }
  problems.push(...missing.map((name) => `${name} is missing`));
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  throw new CheckpointError(`The weights in ${folder} do not fit the model: ${shown}${more}.`);
}

export interface SaveWeightsOptions {
  /** Of the numbers in the files, such as `bfloat16`. Default: that of the parameters. */
  dtype?: Dtype | undefined;
  /** Weights of more bytes than this are divided into files of at most so many, with an index. Default: 50 GB, as in transformers. */
  maxShardBytes?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Writes a module's parameters into an empty folder, as one file or as shards. */
export async function saveWeights(module: Module, folder: string, options: SaveWeightsOptions): Promise<void> {
  await writeShards(folder, [...module.namedParameters()], { metadata: { format: 'pt' }, ...options });
}
