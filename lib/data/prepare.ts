/** From the `data:` section to blocks of tokens on disk. */
import path from 'node:path';

import { parseConfig } from '../config';
import { DataError } from '../errors';
import { cacheFolder } from '../setup/cache';
import { blockOffsets, resolveBlockSize, type TokenBlocks } from './blocks';
import { openNamedCorpus, type Corpus } from './corpora';
import { openTokenizer } from './open-tokenizer';
import { corpusNames, dataSchema, isCorpusName, type DataConfig, type DataInput } from './schema';
import { openText, splitFirstRows } from './text';
import { tokenFile, type TokenFile } from './token-file';
import type { TextTokenizer } from './tokenizer';

export type DataProgress =
  | { stage: 'fetch'; corpus: string }
  | { stage: 'train-tokenizer'; vocabSize: number }
  | { stage: 'tokenize'; split: 'train' | 'validation'; bytes: number; totalBytes: number };

export interface PrepareDataOptions {
  /** Stops fetching, tokenizer training and tokenising; nothing half-made stays. */
  signal?: AbortSignal;
  onProgress?: (event: DataProgress) => void;
  /** Where corpora, tokenizers and token files are kept. Default: `TORCHWRIGHT_CACHE`, else `~/.cache/torchwright`. */
  cacheDir?: string;
  /** The model's, for the default block size. */
  maxPositionEmbeddings?: number;
}

export interface PreparedData {
  train: TokenBlocks;
  validation: TokenBlocks;
  /** Largest id the tokenizer can give, plus one. */
  vocabSize: number;
  /** Largest id in either token file. */
  maxTokenId: number;
  tokenizer: TextTokenizer;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** One line for a reader: corpus, tokenizer, sizes. */
  description: string;
}

/** run_clm's part for validation where neither a part nor a file is given. */
const usualValidation = 0.05;

/**
 * Fetches what has to be fetched, trains the tokenizer if one is asked for, tokenises, and cuts blocks. All of it is cached
 * by content, so a second call with the same texts only reads them to see that they are the same.
 * @throws ConfigError, DataError, AbortError, LoadError (no tokenizer binary for this platform)
 */
export async function prepareData(input: DataInput, options: PrepareDataOptions = {}): Promise<PreparedData> {
  const config = parseConfig(input, dataSchema, 'data');
  const { signal, onProgress, cacheDir = cacheFolder() } = options;
  const corpus = await openCorpus(config, cacheDir, options);
  const tokenizer = await openTokenizer(config.tokenizer, corpus.train, {
    cacheDir,
    signal,
    onTrain: () => {
      if (typeof config.tokenizer === 'object')
        onProgress?.({ stage: 'train-tokenizer', vocabSize: config.tokenizer.bpe });
    },
  });
  const blockSize = resolveBlockSize(config.blockSize, tokenizer.maxLength, options.maxPositionEmbeddings);
  const tokensOf = (split: 'train' | 'validation') =>
    tokenFile(corpus[split], tokenizer, {
      cacheDir,
      signal,
      onProgress: (bytes, totalBytes) => onProgress?.({ stage: 'tokenize', split, bytes, totalBytes }),
    });
  const trainTokens = await tokensOf('train');
  const validationTokens = await tokensOf('validation');
  const train = blocksOf(trainTokens, blockSize, `the training text of ${corpus.name}`);
  const validation = blocksOf(validationTokens, blockSize, `the validation text of ${corpus.name}`);
  return {
    train,
    validation,
    vocabSize: tokenizer.vocabSize,
    maxTokenId: Math.max(trainTokens.maxTokenId, validationTokens.maxTokenId),
    tokenizer,
    bosTokenId: tokenizer.bosTokenId,
    eosTokenId: tokenizer.eosTokenId,
    description:
      `${corpus.name}, ${describeTokenizer(config.tokenizer)} (vocabulary ${tokenizer.vocabSize}), blocks of ${blockSize} tokens: ` +
      `${train.offsets.length} for training, ${validation.offsets.length} for validation`,
  };
}

async function openCorpus(config: DataConfig, cacheDir: string, options: PrepareDataOptions): Promise<Corpus> {
  const { corpus, validation = usualValidation } = config;
  const { signal, onProgress } = options;
  if (isCorpusName(corpus)) {
    return openNamedCorpus(corpus, { cacheDir, signal, onFetch: () => onProgress?.({ stage: 'fetch', corpus }) });
  }
  const files = [corpus].flat();
  const name = files.map((file) => path.basename(file)).join(' + ');
  const text = await openText(files).catch((error: Error) => {
    throw typeof corpus === 'string' && !/[./\\]/.test(corpus)
      ? new DataError(`${error.message} (the named corpora are ${corpusNames.join(' and ')})`, { cause: error })
      : error;
  });
  if (typeof validation !== 'number') return { name, train: text, validation: await openText([validation].flat()) };
  const { first, rest } = await splitFirstRows(text, validation, signal);
  if (first.length === 0 || rest.length === 0) {
    const empty = first.length === 0 ? 'validation' : 'training';
    throw new DataError(
      `${name} has too few lines to split: ${validation} of them for validation leaves none for ${empty}; give a file as data.validation, or more text`,
    );
  }
  return { name, train: rest, validation: first };
}

function blocksOf({ file, dtype, tokens, groupLengths }: TokenFile, blockSize: number, what: string): TokenBlocks {
  return { file, dtype, blockSize, tokens, offsets: blockOffsets(groupLengths, blockSize, what) };
}

function describeTokenizer(config: DataConfig['tokenizer']): string {
  if (config === 'bytes') return 'bytes';
  return typeof config === 'string' ? path.basename(config) : 'byte-level BPE';
}
