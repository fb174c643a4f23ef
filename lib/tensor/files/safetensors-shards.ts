/** Weights divided among several safetensors files, as Hugging Face's libraries write them, with an index that says what is where. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../../config';
import { ArgumentError, CheckpointError, ConfigError } from '../../errors';
import { readWhole, replaceFiles, writeFileAtomically } from '../../files';
import { parseJson } from '../../json';
import { dtypeFacts, type Dtype } from '../dtype';
import { scope } from '../scope';
import type { Tensor } from '../tensor';
import {
  loadSafetensors,
  saveSafetensors,
  type LoadSafetensorsOptions,
  type SaveSafetensorsOptions,
} from './safetensors';

const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';
const shardFile = (number: number, count: number) =>
  `model-${String(number).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`;

/** Names of files that hold weights, of this or an earlier saving. */
export const isWeightFile = (name: string) =>
  name === singleFile || name === indexFile || /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);

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

/** An index names each tensor once: a longer one is an attack or damage. */
const longestIndex = 64 * 2 ** 20;

/**
 * The files of a folder that hold weights, and which tensors to take from each; undefined: all.
 * @throws CheckpointError when there are none, or the index is damaged
 */
export async function weightFiles(folder: string): Promise<Map<string, string[] | undefined>> {
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
  const files = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(await readIndex(path.join(folder, indexFile)))) {
    const file = path.join(folder, shard);
    const names = files.get(file);
    if (names) names.push(name);
    else files.set(file, [name]);
  }
  return files;
}

async function readIndex(file: string): Promise<Record<string, string>> {
  let content: unknown;
  try {
    content = parseJson(await readWhole(file, longestIndex));
  } catch (error) {
    throw new CheckpointError(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  try {
    return parseConfig(content, indexSchema, file).weight_map;
  } catch (error) {
    throw error instanceof ConfigError ? new CheckpointError(error.message, { cause: error }) : error;
  }
}

/**
 * Loads the weights of a folder: its `model.safetensors`, or the shards that its `model.safetensors.index.json` names.
 * @throws CheckpointError when a file is missing or damaged, lacks what the index places in it, or there is no tensor of a name
 */
export async function loadShardedSafetensors(
  folder: string,
  { names, ...options }: LoadSafetensorsOptions = {},
): Promise<Map<string, Tensor>> {
  const loaded = new Map<string, Tensor>();
  const wanted = names === undefined ? undefined : new Set(names);
  for (const [file, held] of await weightFiles(folder)) {
    const here = wanted === undefined ? held : held === undefined ? names : held.filter((name) => wanted.has(name));
    if (here?.length === 0) continue;
    const tensors = await loadSafetensors(file, { ...options, ...(here === undefined ? {} : { names: here }) });
    for (const [name, tensor] of tensors) loaded.set(name, tensor);
  }
  const missing = names?.find((name) => !loaded.has(name));
  if (missing !== undefined) throw new CheckpointError(`${folder} holds no tensor ${missing}.`);
  return loaded;
}

export interface SaveShardedSafetensorsOptions extends SaveSafetensorsOptions {
  /** Tensors of more bytes than this are divided into files of at most so many, with an index. Default: 50 GB, as in transformers. */
  maxShardBytes?: number | undefined;
  /** Of floating-point numbers in the files, such as `bfloat16`. Default: that of each tensor. */
  dtype?: Dtype | undefined;
}

const usualShardBytes = 50e9;

/**
 * Writes weights into a folder as one `model.safetensors`, or as shards with an index, in place of those that were there. Other files of
 * the folder stay, and if it fails, so do the weights.
 * @throws CheckpointError when they cannot be written
 */
export async function saveShardedSafetensors(
  folder: string,
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  options: SaveShardedSafetensorsOptions = {},
): Promise<void> {
  const named = [...tensors];
  await replaceFiles(folder, (temporary) => writeShards(temporary, named, options), isWeightFile);
}

/** The same into an empty folder. */
export async function writeShards(
  folder: string,
  tensors: readonly (readonly [name: string, tensor: Tensor])[],
  { maxShardBytes = usualShardBytes, dtype, ...options }: SaveShardedSafetensorsOptions,
): Promise<void> {
  if (!(maxShardBytes > 0)) throw new ArgumentError(`maxShardBytes must be a number above 0, not ${maxShardBytes}.`);
  const target = (tensor: Tensor) =>
    dtype !== undefined && dtypeFacts(tensor.dtype).floating === true ? dtype : tensor.dtype;
  const sized = tensors.map(([name, tensor]) => ({
    name,
    tensor,
    bytes: tensor.numel * dtypeFacts(target(tensor)).bytes,
  }));
  const shards = divide(sized, maxShardBytes);
  // One file also where there is nothing to write.
  if (shards.length === 0) shards.push([]);
  const places = new Map<string, string>();
  for (const [index, shard] of shards.entries()) {
    const file = shards.length === 1 ? singleFile : shardFile(index + 1, shards.length);
    for (const { name } of shard) {
      if (places.has(name)) throw new CheckpointError(`Two tensors have the name ${name}.`);
      places.set(name, file);
    }
    // Converted shard by shard: not all of them at once are in memory twice.
    await scope(async () => {
      const converted = shard.map(({ name, tensor }) => [name, tensor.detach().to(target(tensor))] as const);
      await saveSafetensors(path.join(folder, file), converted, options);
    });
  }
  if (shards.length === 1) return;
  const metadata = {
    total_parameters: sized.reduce((sum, { tensor }) => sum + tensor.numel, 0),
    total_size: sized.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  const index = { metadata, weight_map: Object.fromEntries(places) };
  await writeFileAtomically(path.join(folder, indexFile), `${JSON.stringify(index, null, 2)}\n`);
}

/** In their order, each part as full as may be; a tensor that is too large by itself is a part of its own. */
export function divide<T extends { bytes: number }>(tensors: readonly T[], most: number): T[][] {
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
