/** What a language model makes of the validation text: it goes on where the data do, too. */
import fs from 'node:fs/promises';

import type { PreparedData } from '../../data';
import type { GeneratedPiece, GenerateOptions } from '../../generation';
import type { SamplesConfig } from './header';
import type { RunSample } from './record';

/** A model that goes on with token ids. */
interface TextModel {
  generate(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedPiece, void, undefined>;
}

/** Most tokens of a text that are read. */
const mostRead = 64;
/** Of a trained model. */
const afterTraining = { count: 2, tokens: 128 };

export interface SampleOptions {
  seed: number;
  /** Texts, and the most tokens written for each. */
  size?: SamplesConfig;
  signal?: AbortSignal | undefined;
}

/**
 * Samples, the same for the same weights and seed: numbers of their own decide what is drawn. A block is half read and, at most, half
 * written.
 */
export async function sampleTexts(
  model: TextModel,
  { validation, tokenizer }: PreparedData,
  { seed, size = afterTraining, signal }: SampleOptions,
): Promise<RunSample[]> {
  const { blockSize, offsets } = validation;
  const read = Math.min(mostRead, Math.floor(blockSize / 2));
  const written = Math.min(size.tokens, blockSize - read);
  const count = Math.min(size.count, offsets.length);
  if (read === 0 || count === 0) return [];
  const starts = Array.from({ length: count }, (_, index) => offsets[Math.floor((index * offsets.length) / count)]!);
  const blocks = await Promise.all(starts.map((start) => readTokens(validation, start, read + written)));
  const prompts = blocks.map((ids) => ids.slice(0, read));
  const tokens: number[][] = prompts.map(() => []);
  const options = { maxNewTokens: written, temperature: 0.8, topP: 0.95, seed, signal };
  for await (const { index, token } of model.generate(prompts, options)) tokens[index]!.push(token);
  return Promise.all(
    blocks.map(async (ids, index) => ({
      source: await tokenizer.decode(prompts[index]!),
      reference: await tokenizer.decode(ids.slice(read)),
      text: await tokenizer.decode(tokens[index]!),
    })),
  );
}

async function readTokens(
  { file, dtype }: PreparedData['validation'],
  start: number,
  count: number,
): Promise<number[]> {
  const size = dtype === 'uint16' ? 2 : 4;
  const handle = await fs.open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(count * size), 0, count * size, start * size);
    return Array.from({ length: count }, (_, index) =>
      size === 2 ? buffer.readUInt16LE(index * size) : buffer.readUInt32LE(index * size),
    );
  } finally {
    await handle.close();
  }
}
