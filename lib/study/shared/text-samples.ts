/** What a language model makes of the validation text: it goes on where the data do, too. */
import fs from 'node:fs/promises';

import type { PreparedData } from '../../data';
import type { GeneratedPiece, GenerateOptions } from '../../generation';
import type { RunSample } from './record';

/** A model that goes on with token ids. */
interface TextModel {
  generate(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedPiece, void, undefined>;
}

/** Texts that are shown, and the most tokens of each that are read and written. */
const sampleCount = 2;
const mostRead = 64;
const mostWritten = 128;

/** Samples, the same for the same weights and seed. A block is half read and, at most, half written. */
export async function sampleTexts(
  model: TextModel,
  { validation, tokenizer }: PreparedData,
  { seed, signal }: { seed: number; signal?: AbortSignal | undefined },
): Promise<RunSample[]> {
  const { blockSize, offsets } = validation;
  const read = Math.min(mostRead, Math.floor(blockSize / 2));
  const written = Math.min(mostWritten, blockSize - read);
  if (read === 0) return [];
  const count = Math.min(sampleCount, offsets.length);
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
