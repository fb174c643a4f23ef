/**
 * Weights under the original's state-dict keys, in PyTorch's own files or as safetensors. The original's files hold some keys more than
 * there are parameters: a second name for each shared tensor, and buffers without meaning. These are written, and ignored in reading.
 */
import fs from 'node:fs/promises';
import path from 'node:path';

import { CheckpointError } from '../errors';
import { makeFolder } from '../files';
import type { NativeModule } from '../nn';
import {
  inspectPytorch,
  loadPytorch,
  loadSafetensors,
  noGrad,
  savePytorch,
  saveSafetensors,
  scope,
  torch,
  type Tensor,
} from '../tensor';
import { isTranslation, type ModelConfig } from './config';

/** A model of this family, with the configuration it was made from. */
export interface ConfiguredModel extends NativeModule {
  readonly config: ModelConfig;
}

/** The weights in a model's folder. */
export const weightFile = 'model.safetensors';

/** Buffers that the original writes, and nobody reads. */
const meaningless = /(?:^|\.)(?:version|_float_tensor)$/;
/** Before every key of a model that was trained on several GPUs. */
const wrapperPrefix = 'module.';
/** Where fairseq's checkpoints have the state dict. */
const checkpointSection = 'model';

/** The second names of shared tensors, with their first. */
function aliases(config: ModelConfig, names: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  if (isTranslation(config)) {
    const encoderTable = names.find((name) => /^encoder\.embed_tokens\.(map_layer\.)?weight$/.test(name));
    if (config.shareEmbeddings && encoderTable !== undefined)
      pairs.set(encoderTable.replace('encoder', 'decoder'), encoderTable);
    return pairs;
  }
  const softmax = config.adaptiveSoftmax;
  if (softmax === null || !softmax.tieWeights) return pairs;
  const input = names.find((name) => name.endsWith('.embeddings.0.weight'))?.replace('embeddings.0.weight', '') ?? '';
  pairs.set('decoder.adaptive_softmax.head.word_proj.weight', `${input}embeddings.0.weight`);
  for (const tail of softmax.cutoffs.keys()) {
    const place = `decoder.adaptive_softmax.tail.${tail}`;
    if (softmax.tieProjections) pairs.set(`${place}.0.weight`, `${input}projections.${tail + 1}.weight`);
    pairs.set(`${place}.2.weight`, `${input}embeddings.${tail + 1}.weight`);
  }
  return pairs;
}

/** The meaningless buffers of the original's model of this configuration. */
function buffers(config: ModelConfig): [name: string, tensor: Tensor][] {
  const made: [string, Tensor][] = [];
  const number = () => torch.zeros([1]);
  for (const side of isTranslation(config) ? ['encoder', 'decoder'] : ['decoder']) {
    made.push([`${side}.version`, torch.tensor([3])]);
    if (config.positions === 'sinusoidal') made.push([`${side}.embed_positions._float_tensor`, number()]);
  }
  if (isTranslation(config)) return made;
  if (config.adaptiveInput) made.push(['decoder.embed_tokens.map_layer._float_tensor', number()]);
  if (config.adaptiveSoftmax) made.push(['decoder.adaptive_softmax.version', torch.tensor([1], { dtype: 'int64' })]);
  if (config.adaptiveSoftmax?.tieWeights) made.push(['decoder.adaptive_softmax.head._float_tensor', number()]);
  return made;
}

/** A model's tensors under all the keys of the original; a shared one is the same tensor under each of its names. */
export function originalStateDict(model: ConfiguredModel): Map<string, Tensor> {
  const state = new Map([...buffers(model.config), ...model.stateDict()]);
  for (const [alias, name] of aliases(model.config, [...state.keys()])) state.set(alias, state.get(name)!);
  return state;
}

const formOf = (file: string): 'safetensors' | 'pytorch' => {
  const extension = path.extname(file);
  if (extension === '.safetensors') return 'safetensors';
  if (extension === '.pt' || extension === '.pth') return 'pytorch';
  throw new CheckpointError(`${file}: weights are in files named .safetensors, .pt or .pth.`);
};

export interface WeightOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Writes a model's weights, whole or not at all: as safetensors, or as `torch.save` does where the name ends in `.pt` or `.pth`.
 * @throws CheckpointError for another name, or when the file cannot be written
 */
export async function saveWeights(model: ConfiguredModel, file: string, { signal }: WeightOptions = {}): Promise<void> {
  const form = formOf(file);
  await makeFolder(path.dirname(file));
  await scope(async () => {
    const state = originalStateDict(model);
    if (form === 'pytorch') await savePytorch(file, state, { signal });
    else await saveSafetensors(file, state, { metadata: { format: 'pt' }, signal });
  });
}

/**
 * Copies a file's weights into a model, converting to its dtype and device. The file is a state dict with the original's keys, or a
 * checkpoint of fairseq that has one under `model`; a prefix `module.` is taken off. Of a model's folder it is `model.safetensors`.
 *
 * @throws CheckpointError when the file is missing or damaged, keys are missing or unknown, shapes differ, or two names of a shared
 *   tensor hold different values; the model is then unchanged
 */
export async function loadWeights(model: ConfiguredModel, file: string, options: WeightOptions = {}): Promise<void> {
  const isFolder = await fs.stat(file).then(
    (status) => status.isDirectory(),
    () => false,
  );
  const source = isFolder ? path.join(file, weightFile) : file;
  await scope(async () => {
    fillModel(model, await readTensors(source, options), source);
  });
}

/**
 * Copies weights under the original's keys into a model.
 * @param source names them in errors
 * @throws as `loadWeights`
 */
export function fillModel(model: ConfiguredModel, held: ReadonlyMap<string, Tensor>, source: string): void {
  try {
    model.loadStateDict(withoutCopies(held, model));
  } catch (error) {
    if (error instanceof CheckpointError) throw new CheckpointError(`${source}: ${error.message}`, { cause: error });
    throw error;
  }
}

async function readTensors(file: string, { signal }: WeightOptions): Promise<Map<string, Tensor>> {
  if (formOf(file) === 'safetensors') return loadSafetensors(file, { signal });
  const { value } = await inspectPytorch(file);
  const section = value instanceof Map && value.get(checkpointSection) instanceof Map ? checkpointSection : undefined;
  return loadPytorch(file, { section, signal });
}

/** The tensors under the names of the model's parameters. */
function withoutCopies(held: ReadonlyMap<string, Tensor>, model: ConfiguredModel): Map<string, Tensor> {
  const state = new Map<string, Tensor>();
  const wrapped = [...held.keys()].every((key) => key.startsWith(wrapperPrefix));
  for (const [key, tensor] of held) {
    const name = wrapped ? key.slice(wrapperPrefix.length) : key;
    if (!meaningless.test(name)) state.set(name, tensor);
  }
  const names = [...model.stateDict().keys()];
  for (const [alias, name] of aliases(model.config, names)) {
    const copy = state.get(alias);
    if (copy === undefined) continue;
    state.delete(alias);
    const first = state.get(name) ?? copy;
    if (!equal(first, copy)) {
      throw new CheckpointError(`${name} and ${alias} are one tensor in this model, and two different ones here.`);
    }
    state.set(name, first);
  }
  return state;
}

function equal(a: Tensor, b: Tensor): boolean {
  return a.shape.join() === b.shape.join() && scope(() => noGrad(() => a.eq(b).all().item() === 1));
}
