/**
 * A text's tokens, written once: little-endian ids in a file that is mapped for training, with the lengths of the groups of
 * rows beside it, from which blocks of any size follow without tokenising again.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../errors';
import { rowsPerGroup } from './blocks';
import { cached, sha256 } from './cache';
import { hashText, readRows, textBytes, type TextPart } from './text';
import type { TextTokenizer } from './tokenizer';

export interface TokenFile {
  file: string;
  dtype: 'uint16' | 'uint32';
  /** Tokens in the file. */
  tokens: number;
  rows: number;
  /** Tokens in each group of 1000 rows; the last group may have fewer rows. */
  groupLengths: number[];
  /** Largest id in the file. */
  maxTokenId: number;
}

export interface TokenFileOptions {
  cacheDir: string;
  signal?: AbortSignal | undefined;
  /** Called while the text is tokenised, with the bytes done. */
  onProgress?: (bytes: number, totalBytes: number) => void;
}

const tokensName = 'tokens.bin';

/** The tokens of a text, from the cache or made now. */
export async function tokenFile(
  parts: readonly TextPart[],
  tokenizer: TextTokenizer,
  options: TokenFileOptions,
): Promise<TokenFile> {
  const corpusHash = await hashText(parts, options.signal);
  const dtype = tokenizer.vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
  const key = sha256('tokens-1', tokenizer.fingerprint, corpusHash).slice(0, 32);
  const { folder, facts } = await cached(options.cacheDir, 'tokens', key, async (temporary) => ({
    ...(await writeTokens(path.join(temporary, tokensName), parts, tokenizer, dtype, options)),
    dtype,
    vocabSize: tokenizer.vocabSize,
    tokenizer: tokenizer.fingerprint,
    corpus: corpusHash,
  }));
  const { tokens, rows, groupLengths, maxTokenId } = facts;
  return { file: path.join(folder, tokensName), dtype, tokens, rows, groupLengths, maxTokenId };
}

async function writeTokens(
  file: string,
  parts: readonly TextPart[],
  tokenizer: TextTokenizer,
  dtype: TokenFile['dtype'],
  { signal, onProgress }: TokenFileOptions,
): Promise<Omit<TokenFile, 'file' | 'dtype'>> {
  const result = { tokens: 0, rows: 0, groupLengths: [] as number[], maxTokenId: -1 };
  const totalBytes = textBytes(parts);
  let bytes = 0;
  const handle = await open(file, 'wx');
  try {
    for await (const rows of readRows(parts, signal)) {
      const idsOfRows = await tokenizer.encodeRows(rows);
      const count = idsOfRows.reduce((sum, ids) => sum + ids.length, 0);
      const packed = dtype === 'uint16' ? new Uint16Array(count) : new Uint32Array(count);
      let position = 0;
      for (const ids of idsOfRows) {
        packed.set(ids, position);
        position += ids.length;
        const group = Math.floor(result.rows++ / rowsPerGroup);
        result.groupLengths[group] = (result.groupLengths[group] ?? 0) + ids.length;
      }
      for (const id of packed) if (id > result.maxTokenId) result.maxTokenId = id;
      result.tokens += count;
      await handle.writeFile(new Uint8Array(packed.buffer));
      bytes += rows.reduce((sum, row) => sum + row.length, 0);
      onProgress?.(bytes, totalBytes);
    }
  } finally {
    await handle.close();
  }
  if (result.tokens === 0)
    throw new DataError(`the tokenizer gives no token for ${parts.map((part) => part.file).join(', ')}`);
  return result;
}
