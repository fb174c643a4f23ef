/**
 * A text's tokens, written once: little-endian ids in a file that is mapped for training, with the lengths of the groups of
 * rows beside it, from which blocks of any size follow without tokenising again.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../errors';
import { rowsPerGroup } from './blocks';
import { cached, sha256 } from './cache';
import type { Text } from './text';
import type { TextTokenizer } from './tokenizer';

export interface TokenFile {
  file: string;
  dtype: 'uint16' | 'uint32';
  /** Tokens in the file. */
  tokens: number;
  rows: number;
  /** Rows that hold nothing, or nothing but a line break. */
  emptyRows: number;
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

/**
 * The tokens of a text, from the cache or made now. The cache goes by what the files hold and by the tokenizer, never by names or dates.
 * @param name of the text, for errors
 */
export async function tokenFile(
  name: string,
  text: Text,
  tokenizer: TextTokenizer,
  options: TokenFileOptions,
): Promise<TokenFile> {
  const { cacheDir, signal } = options;
  const identity = await text.identity({ signal });
  const dtype = tokenizer.vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
  const key = sha256('tokens-2', tokenizer.fingerprint, identity).slice(0, 32);
  const { folder, facts } = await cached(cacheDir, 'tokens', key, async (temporary) => {
    const made = await writeTokens(path.join(temporary, tokensName), text, tokenizer, dtype, options);
    if (made.rows === 0) throw new DataError(`${name} has no row`);
    if (made.tokens === 0)
      throw new DataError(`the tokenizer gives no token for ${name}: its ${made.rows} rows are empty`);
    await text.checkUnchanged();
    return { ...made, dtype, vocabSize: tokenizer.vocabSize, tokenizer: tokenizer.fingerprint, corpus: identity };
  });
  const { tokens, rows, emptyRows, groupLengths, maxTokenId } = facts;
  return { file: path.join(folder, tokensName), dtype, tokens, rows, emptyRows, groupLengths, maxTokenId };
}

async function writeTokens(
  file: string,
  text: Text,
  tokenizer: TextTokenizer,
  dtype: TokenFile['dtype'],
  { signal, onProgress }: TokenFileOptions,
): Promise<Omit<TokenFile, 'file' | 'dtype'>> {
  const result = { tokens: 0, rows: 0, emptyRows: 0, groupLengths: [] as number[], maxTokenId: -1 };
  const handle = await open(file, 'wx');
  try {
    for await (const { rows, read } of text.read(signal)) {
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
      result.emptyRows += rows.filter(isEmpty).length;
      result.tokens += count;
      await handle.writeFile(new Uint8Array(packed.buffer));
      onProgress?.(read, text.bytes);
    }
  } finally {
    await handle.close();
  }
  onProgress?.(text.bytes, text.bytes);
  return result;
}

const isEmpty = (row: Buffer) => row.length <= 2 && /^\r?\n?$/.test(row.toString('latin1'));
