/**
 * A text's tokens, written once: little-endian ids in a file that is mapped for training, with the lengths of the groups of
 * rows beside it, from which blocks of any size follow without tokenising again.
 */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../errors';
import { makeFolder } from '../files';
import { native } from '../native';
import { NativeObject } from '../tensor';
import { cached, partialEnding, sha256 } from './cache';
import { inOrder } from './in-order';
import type { Text } from './text';
import { TokenWriter, tokensName, type TokenCounts } from './token-writer';
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
    const made = await writeTokens(
      path.join(cacheDir, 'tokens', `${key}${partialEnding}`),
      temporary,
      text,
      tokenizer,
      dtype,
      options,
    );
    if (made.rows === 0) throw new DataError(`${name} has no row`);
    if (made.tokens === 0)
      throw new DataError(`the tokenizer gives no token for ${name}: its ${made.rows} rows are empty`);
    await text.checkUnchanged();
    return { ...made, dtype, vocabSize: tokenizer.vocabSize, tokenizer: tokenizer.fingerprint, corpus: identity };
  });
  const { tokens, rows, emptyRows, groupLengths, maxTokenId } = facts;
  return { file: path.join(folder, tokensName), dtype, tokens, rows, emptyRows, groupLengths, maxTokenId };
}

/** Texts that the tokenizer's threads have before them, so that they never wait for reading and writing. */
const batchesAhead = 3;

/**
 * Tokenises where an earlier attempt was broken off, in a folder beside the entry; the entry's own folder gets what is finished. While
 * another process does the same, from the beginning and in the entry's folder.
 */
async function writeTokens(
  partial: string,
  folder: string,
  text: Text,
  tokenizer: TextTokenizer,
  dtype: TokenFile['dtype'],
  options: TokenFileOptions,
): Promise<TokenCounts> {
  using lock = await claimFolder(partial);
  if (lock === undefined) return appendTokens(folder, text, tokenizer, dtype, options);
  const counts = await appendTokens(partial, text, tokenizer, dtype, options).catch(async (error: unknown) => {
    // A text that cannot be read will be another one when it can.
    if (error instanceof DataError) await rm(partial, { recursive: true });
    throw error;
  });
  await rename(path.join(partial, tokensName), path.join(folder, tokensName));
  await rm(partial, { recursive: true });
  return counts;
}

async function appendTokens(
  folder: string,
  text: Text,
  tokenizer: TextTokenizer,
  dtype: TokenFile['dtype'],
  { signal, onProgress }: TokenFileOptions,
): Promise<TokenCounts> {
  const writer = await TokenWriter.open(folder, dtype);
  /** Unless the text is no longer the one that the folder is named after. */
  const save = async (): Promise<void> => {
    await text.checkUnchanged();
    await writer.save();
  };
  try {
    const batches = text.read({ signal, from: writer.next });
    const encoded = inOrder(batches, batchesAhead, async (batch) => ({
      batch,
      ids: await tokenizer.encodeRows(batch.rows),
    }));
    for await (const { batch, ids } of encoded) {
      await writer.add(batch, ids);
      if (writer.isDue) await save();
      onProgress?.(batch.read, text.bytes);
    }
    onProgress?.(text.bytes, text.bytes);
    return writer.counts;
  } catch (error) {
    await save().catch(() => {}); // the error that ended it is what counts
    throw error;
  } finally {
    await writer.close();
  }
}

/** Makes the folder and locks it. Undefined while another has it. */
async function claimFolder(folder: string): Promise<NativeObject | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(folder);
      const id = native.folderLock(folder);
      return id === null ? undefined : new NativeObject(id, 'lock');
    } catch (error) {
      // Another that was done may have taken it away in between.
      if (attempt === 5) throw error;
    }
  }
}
