/** A model folder of Hugging Face's layout: what is in it besides the weights, and how all of it is written. */
import { lstat } from 'node:fs/promises';
import path from 'node:path';

import { parseConfig } from '../config';
import { loadTokenizer, type TextTokenizer } from '../data';
import { ArgumentError } from '../errors';
import { replaceFiles, writeFileAtomically } from '../files';
import { readJson, readJsonIfAny, type Module } from '../nn';
import { checkDtype } from '../tensor';
import type { ModelConfig } from './config';
import { fromHuggingFace, specialTokensSchema, toHuggingFace, type SpecialTokens } from './huggingface';
import { isWeightFile, saveWeights, type SaveWeightsOptions } from './weights';

const configFile = 'config.json';
const generationFile = 'generation_config.json';
const tokenizerFile = 'tokenizer.json';

export interface ModelFolder {
  config: ModelConfig;
  openTokenizer(): Promise<TextTokenizer | null>;
  specialTokens(tokenizer: TextTokenizer | null): SpecialTokens;
}

/** @throws CheckpointError for files that are missing or no JSON, ConfigError for a model that is not of this family */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const file = path.join(folder, configFile);
  const { config, extras } = fromHuggingFace(await readJson(file), file);
  const generation = await readGeneration(path.join(folder, generationFile));
  const known = async (name: string) => (await lstat(path.join(folder, name)).catch(() => undefined)) !== undefined;
  return {
    config,
    openTokenizer: async () => ((await known(tokenizerFile)) ? loadTokenizer(folder) : null),
    specialTokens: (tokenizer) => ({
      bosTokenId: generation.bosTokenId ?? extras.bosTokenId ?? tokenizer?.bosTokenId ?? null,
      eosTokenId: generation.eosTokenId ?? extras.eosTokenId ?? tokenizer?.eosTokenId ?? null,
    }),
  };
}

async function readGeneration(file: string): Promise<SpecialTokens> {
  const content = parseConfig((await readJsonIfAny(file)) ?? {}, specialTokensSchema, file);
  return { bosTokenId: content.bos_token_id ?? null, eosTokenId: content.eos_token_id ?? null };
}

/** Special tokens are, unless given, the model's own. */
export interface SaveOptions extends Partial<SpecialTokens>, SaveWeightsOptions {}

/** What is written of a model. */
export interface FolderModel extends Module {
  readonly config: ModelConfig;
  readonly tokenizer: TextTokenizer | null;
  readonly specialTokens: SpecialTokens;
}

/** Writes all files, or none. */
export async function writeModelFolder(model: FolderModel, folder: string, options: SaveOptions): Promise<void> {
  const dtype = dtypeOf(model, options);
  const special = specialTokensOf(model, options);
  const write = async (temporary: string) => {
    await saveWeights(model, temporary, options);
    await writeJson(path.join(temporary, configFile), toHuggingFace(model.config, { ...special, dtype }));
    const ids = { bos_token_id: special.bosTokenId, eos_token_id: special.eosTokenId };
    const known = Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== null));
    if (Object.keys(known).length > 0) await writeJson(path.join(temporary, generationFile), known);
    await model.tokenizer?.save(temporary);
  };
  await replaceFiles(folder, write, isWeightFile);
}

function dtypeOf(model: FolderModel, { dtype }: SaveOptions): string {
  if (dtype !== undefined) {
    if (checkDtype(dtype).includes('float')) return dtype;
    throw new ArgumentError(`A model's weights cannot be saved as ${dtype}; give a floating-point dtype.`);
  }
  for (const parameter of model.parameters()) return parameter.dtype;
  throw new Error('a decoder has parameters');
}

function specialTokensOf({ specialTokens, tokenizer }: FolderModel, options: SaveOptions): SpecialTokens {
  const { bosTokenId = specialTokens.bosTokenId ?? tokenizer?.bosTokenId ?? null } = options;
  const { eosTokenId = specialTokens.eosTokenId ?? tokenizer?.eosTokenId ?? null } = options;
  return { bosTokenId, eosTokenId };
}

async function writeJson(file: string, content: object): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
}
