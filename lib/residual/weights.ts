/** Weights of a model folder as Hugging Face lays it out: `model.safetensors`, or shards with `model.safetensors.index.json`. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../config';
import { ArgumentError, CheckpointError, ConfigError } from '../errors';
import { writeFileAtomically } from '../files';
import { readJson, type Module } from '../nn';
import {
  inspectSafetensors,
  loadSafetensors,
  saveSafetensors,
  scope,
  type Dtype,
  type SafetensorsEntry,
  type Tensor,
} from '../tensor';

const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';
const shardFile = (number: number, count: number) =>
  `model-${String(number).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`;

/** Names of files that hold weights, of this or an earlier saving. */
export const isWeightFile = (name: string) =>
  name === singleFile || name === indexFile || /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);

/** Keys that some files hold and no model needs: tables that are computed. */
const computed = /rotary_emb\.inv_freq$/;

/** An index may name files of its own folder only. */
const indexSchema = z.looseObject({
  weight_map: z
    // zod passes over such a key, and no tensor has it for its name.
    .custom<object>((map) => !Object.hasOwn(map ?? {}, '__proto__'), 'must not hold the name __proto__')
    .pipe(
      z.record(
        z.string(),
        z.string().regex(/^[^/\\\0]+\.safetensors$/, 'must be a .safetensors file of the same folder'),
      ),
    ),
});

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
        throw new CheckpointError(`${file} lacks ${name}, which ${indexFile} places there.`);
      }
      found.tensors.set(name, entry);
    }
  }
  return found;
}

/** The files, and which tensors to take from each; undefined: all. */
async function weightFiles(folder: string): Promise<Map<string, string[] | undefined>> {
  const exists = (name: string) =>
    fs.lstat(path.join(folder, name)).then(
      () => true,
      () => false,
    );
  if (await exists(singleFile)) return new Map([[path.join(folder, singleFile), undefined]]);
  if (!(await exists(indexFile))) {
    const advice = (await exists('pytorch_model.bin'))
      ? ' Its pytorch_model.bin is of an older form; save the model anew in Python, with safe_serialization=True.'
      : '';
    throw new CheckpointError(`${folder} holds neither ${singleFile} nor ${indexFile}.${advice}`);
  }
  const index = path.join(folder, indexFile);
  const files = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(parseIndex(await readJson(index), index))) {
    const file = path.join(folder, shard);
    const names = files.get(file);
    if (names) names.push(name);
    else files.set(file, [name]);
  }
  return files;
}

function parseIndex(content: unknown, file: string): Record<string, string> {
  try {
    return parseConfig(content, indexSchema, file).weight_map;
  } catch (error) {
    throw error instanceof ConfigError ? new CheckpointError(error.message, { cause: error }) : error;
  }
}

const elementsOf = ({ shape }: SafetensorsEntry) => shape.reduce((product, size) => product * size, 1);
const bytesOfEntry = (entry: SafetensorsEntry) => elementsOf(entry) * bytesOf(entry.dtype);

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

const usualShardBytes = 50e9;

/** Writes a module's parameters into an empty folder, as one file or as shards. */
export async function saveWeights(
  module: Module,
  folder: string,
  { dtype, maxShardBytes = usualShardBytes, signal }: SaveWeightsOptions,
): Promise<void> {
  if (!(maxShardBytes > 0)) throw new ArgumentError(`maxShardBytes must be a number above 0, not ${maxShardBytes}.`);
  const sized = [...module.namedParameters()].map(([name, tensor]) => ({
    name,
    tensor,
    bytes: tensor.numel * bytesOf(dtype ?? tensor.dtype),
  }));
  const shards = divide(sized, maxShardBytes);
  const map: Record<string, string> = {};
  for (const [index, shard] of shards.entries()) {
    const file = shards.length === 1 ? singleFile : shardFile(index + 1, shards.length);
    for (const { name } of shard) map[name] = file;
    await scope(async () => {
      const tensors = shard.map(
        ({ name, tensor }) => [name, dtype === undefined ? tensor : tensor.detach().to(dtype)] as const,
      );
      await saveSafetensors(path.join(folder, file), tensors, { metadata: { format: 'pt' }, signal });
    });
  }
  if (shards.length === 1) return;
  const total = (of: (part: (typeof sized)[number]) => number) => sized.reduce((sum, part) => sum + of(part), 0);
  const metadata = { total_parameters: total(({ tensor }) => tensor.numel), total_size: total(({ bytes }) => bytes) };
  await writeFileAtomically(
    path.join(folder, indexFile),
    `${JSON.stringify({ metadata, weight_map: map }, null, 2)}\n`,
  );
}

const bytesOf = (dtype: Dtype) => (dtype === 'float64' ? 8 : dtype === 'float32' ? 4 : 2);

/** In their order, each part as full as may be; a tensor that is too large by itself is a part of its own. */
function divide<T extends { bytes: number }>(tensors: readonly T[], most: number): T[][] {
  const parts: T[][] = [];
  let filled = 0;
  for (const tensor of tensors) {
    if (parts.length === 0 || (filled > 0 && filled + tensor.bytes > most)) {
      parts.push([]);
      filled = 0;
    }
    parts.at(-1)!.push(tensor);
    filled += tensor.bytes;
  }
  return parts;
}
