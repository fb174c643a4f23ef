/** The tokens of aligned sentences, written once: a file of ids for each side, with the offsets of the sentences beside it. */
import { open, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../../errors';
import { throwIfAborted } from '../abort';
import { cached, sha256 } from '../cache';
import { LineWriter } from './line-writer';
import type { PairTokenizers } from './pair-tokenizer';
import { readAligned } from './read';
import type { SideTexts, Split, TokenPairs, TokenSentences } from './types';

export interface TokenPairsRequest {
  split: Split;
  /** Identifies the two texts. */
  key: string;
  /** One clean sentence a line. */
  source: string;
  target: string;
  maxLength: number;
  /** For training only. */
  maxRatio: number | undefined;
  tooLong: 'skip' | 'error';
}

export interface TokenPairsOptions {
  cacheDir: string;
  signal?: AbortSignal | undefined;
  /** Called while the text is tokenised, with the pairs done. */
  onProgress?: (pairs: number) => void;
}

export interface PairTokens extends TokenPairs {
  /** Where the sentences that were kept are, one a line. */
  text: { source: string; target: string };
  tooLong: number;
  ratio: number;
}

/** The tokens, from the cache or made now. */
export async function tokenPairs(
  request: TokenPairsRequest,
  tokenizers: PairTokenizers,
  options: TokenPairsOptions,
): Promise<PairTokens> {
  const { split, maxLength, maxRatio, tooLong } = request;
  const identity = [request.key, split, tokenizers.source.fingerprint, tokenizers.target.fingerprint];
  const key = sha256('pair-tokens-1', JSON.stringify([...identity, maxLength, maxRatio ?? null, tooLong])).slice(0, 32);
  const { folder, facts } = await cached(options.cacheDir, 'pair-tokens', key, (temporary) =>
    writePairs(temporary, request, tokenizers, options),
  );
  const sideOf = async (side: 'source' | 'target'): Promise<TokenSentences> => ({
    file: path.join(folder, `${side}.bin`),
    dtype: dtypeOf(tokenizers[side].vocabSize),
    offsets: await readOffsets(path.join(folder, `${side}.offsets`)),
  });
  const text = { source: path.join(folder, 'source.txt'), target: path.join(folder, 'target.txt') };
  return { ...facts, source: await sideOf('source'), target: await sideOf('target'), text };
}

/** The sentences that were kept. */
export async function readTexts({ source, target }: PairTokens['text'], signal?: AbortSignal): Promise<SideTexts> {
  const texts: SideTexts = { source: [], target: [] };
  for await (const { sources, targets } of readAligned(source, target, signal)) {
    for (const text of sources) texts.source.push(text);
    for (const text of targets) texts.target.push(text);
  }
  return texts;
}

async function writePairs(
  folder: string,
  request: TokenPairsRequest,
  tokenizers: PairTokenizers,
  { signal, onProgress }: TokenPairsOptions,
): Promise<{ count: number; tooLong: number; ratio: number }> {
  const { maxLength, maxRatio = Infinity } = request;
  const counts = { count: 0, tooLong: 0, ratio: 0 };
  const source = await SideWriter.create(folder, 'source', tokenizers.source.vocabSize);
  const target = await SideWriter.create(folder, 'target', tokenizers.target.vocabSize);
  let done = 0;
  try {
    for await (const { sources, targets } of readAligned(request.source, request.target, signal)) {
      throwIfAborted(signal);
      const sourceIds = await tokenizers.source.encodeRows(sources.map((text) => Buffer.from(text)));
      const targetIds = await tokenizers.target.encodeRows(targets.map((text) => Buffer.from(text)));
      for (const [index, ids] of sourceIds.entries()) {
        const others = targetIds[index] as ArrayLike<number>;
        const longer = Math.max(ids.length, others.length);
        if (longer > maxLength) {
          counts.tooLong++;
          if (request.tooLong === 'error') throw tooLongError(request, sources[index] ?? '', longer);
        } else if (longer > maxRatio * Math.min(ids.length, others.length)) {
          counts.ratio++;
        } else {
          counts.count++;
          source.add(ids, sources[index] ?? '');
          target.add(others, targets[index] ?? '');
        }
      }
      await source.flush();
      await target.flush();
      done += sources.length;
      onProgress?.(done);
    }
    if (counts.count === 0) throw noneError(request, counts);
    await source.finish();
    await target.finish();
  } finally {
    await source.close();
    await target.close();
  }
  return counts;
}

/** One side's ids, offsets and text. */
class SideWriter {
  private readonly offsets = [0];
  private pending: ArrayLike<number>[] = [];

  private constructor(
    private readonly folder: string,
    private readonly side: 'source' | 'target',
    private readonly dtype: TokenSentences['dtype'],
    private readonly handle: FileHandle,
    private readonly text: LineWriter,
  ) {}

  static async create(folder: string, side: 'source' | 'target', vocabSize: number): Promise<SideWriter> {
    const handle = await open(path.join(folder, `${side}.bin`), 'wx');
    const text = await LineWriter.create(path.join(folder, `${side}.txt`));
    return new SideWriter(folder, side, dtypeOf(vocabSize), handle, text);
  }

  add(ids: ArrayLike<number>, text: string): void {
    this.pending.push(ids);
    this.offsets.push((this.offsets.at(-1) ?? 0) + ids.length);
    this.text.add(text);
  }

  /** Writes what was added so far. */
  async flush(): Promise<void> {
    const count = this.pending.reduce((sum, ids) => sum + ids.length, 0);
    const packed = this.dtype === 'uint16' ? new Uint16Array(count) : new Uint32Array(count);
    let position = 0;
    for (const ids of this.pending) {
      packed.set(ids, position);
      position += ids.length;
    }
    this.pending = [];
    await this.handle.writeFile(new Uint8Array(packed.buffer));
    await this.text.flush();
  }

  async finish(): Promise<void> {
    const { buffer } = Float64Array.from(this.offsets);
    await writeFile(path.join(this.folder, `${this.side}.offsets`), new Uint8Array(buffer));
  }

  async close(): Promise<void> {
    await this.handle.close();
    await this.text.close();
  }
}

function dtypeOf(vocabSize: number): TokenSentences['dtype'] {
  return vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
}

async function readOffsets(file: string): Promise<Float64Array> {
  const bytes = await readFile(file);
  return new Float64Array(Uint8Array.from(bytes).buffer);
}

function tooLongError({ split, maxLength }: TokenPairsRequest, source: string, length: number): DataError {
  const beginning = source.length > 60 ? `${source.slice(0, 60)}...` : source;
  return new DataError(
    `a pair for ${split} has ${length} tokens, more than data.maxLength ${maxLength}: ${JSON.stringify(beginning)}; raise ` +
      'maxLength, split the sentence, or set data.tooLong to skip to leave such pairs out',
  );
}

function noneError({ split, maxLength }: TokenPairsRequest, counts: { tooLong: number; ratio: number }): DataError {
  return new DataError(
    `no pair is left for ${split}: ${counts.tooLong} are longer than data.maxLength ${maxLength} tokens, ${counts.ratio} exceed ` +
      'data.maxRatio; raise them, or give more pairs',
  );
}
