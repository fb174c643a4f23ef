/** From the `data:` section to blocks of tokens on disk. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';

import { parseConfig } from '../config';
import { DataError } from '../errors';
import { cacheFolder } from '../setup/cache';
import { resolveBlockSize, type TokenBlocks } from './blocks';
import { openNamedCorpus, type Corpus } from './corpora';
import { cutBlocks, describeCounts, type TextCounts } from './counts';
import { openTokenizer } from './open-tokenizer';
import { corpusNames, dataSchema, isCorpusName, type DataConfig, type DataInput } from './schema';
import { Text } from './text';
import type { TextFile } from './text-files';
import { tokenFile } from './token-file';
import type { TextTokenizer } from './tokenizer';

export type DataProgress =
  | { stage: 'fetch'; corpus: string }
  /** The files are read to see whether their tokens are in the cache. */
  | { stage: 'read'; bytes: number; totalBytes: number }
  | { stage: 'train-tokenizer'; vocabSize: number }
  /** Bytes as they are on disk. */
  | { stage: 'tokenize'; split: 'train' | 'validation'; bytes: number; totalBytes: number };

export interface PrepareDataOptions {
  /** Stops fetching, tokenizer training and tokenising; what was tokenised so far is gone on with the next time. */
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
  /** What became of the texts. */
  report: {
    train: TextCounts;
    validation: TextCounts;
    /** Files in folders that were passed over for their endings. */
    skipped: readonly string[];
  };
  /** One line for a reader: corpus, tokenizer, sizes. */
  description: string;
}

/** run_clm's part for validation where neither a part nor a file is given. */
const usualValidation = 0.05;

/**
 * Fetches what has to be fetched, trains the tokenizer if one is asked for, tokenises, and cuts blocks. All of it is cached
 * by content, so a second call with the same texts only reads them to see that they are the same. Files of any length are read in
 * small pieces; of Parquet, a row group is in memory. Tokenising that was broken off, by a signal or by the end of the process, goes on
 * from there.
 * @throws ConfigError, DataError, AbortError, LoadError (no tokenizer binary for this platform)
 */
export async function prepareData(input: DataInput, options: PrepareDataOptions = {}): Promise<PreparedData> {
  const config = parseConfig(input, dataSchema, 'data');
  const { signal, onProgress, cacheDir = cacheFolder() } = options;
  const corpus = await openCorpus(config, cacheDir, options);
  const onRead = (bytes: number, totalBytes: number) => onProgress?.({ stage: 'read', bytes, totalBytes });
  for (const text of [corpus.train, corpus.validation]) await text.identity({ signal, onRead });
  const tokenizer = await openTokenizer(config.tokenizer, corpus.train, {
    cacheDir,
    signal,
    onTrain: () => {
      if (typeof config.tokenizer === 'object')
        onProgress?.({ stage: 'train-tokenizer', vocabSize: config.tokenizer.bpe });
    },
  });
  const blockSize = resolveBlockSize(config.blockSize, tokenizer.maxLength, options.maxPositionEmbeddings);
  const words = { train: 'training', validation: 'validation' };
  const tokensOf = async (split: 'train' | 'validation') => {
    const name = `the ${words[split]} text of ${corpus.name}`;
    const tokens = await tokenFile(name, corpus[split], tokenizer, {
      cacheDir,
      signal,
      onProgress: (bytes, totalBytes) => onProgress?.({ stage: 'tokenize', split, bytes, totalBytes }),
    });
    return { ...cutBlocks(tokens, blockSize, config.grouping, name), maxTokenId: tokens.maxTokenId };
  };
  const train = await tokensOf('train');
  const validation = await tokensOf('validation');
  const skipped = [...corpus.train.skipped, ...corpus.validation.skipped];
  return {
    train: train.blocks,
    validation: validation.blocks,
    vocabSize: tokenizer.vocabSize,
    maxTokenId: Math.max(train.maxTokenId, validation.maxTokenId),
    tokenizer,
    bosTokenId: tokenizer.bosTokenId,
    eosTokenId: tokenizer.eosTokenId,
    report: { train: train.counts, validation: validation.counts, skipped },
    description:
      `${corpus.name}, ${describeTokenizer(config.tokenizer)} (vocabulary ${tokenizer.vocabSize}), blocks of ${blockSize} tokens; ` +
      `training: ${describeCounts(train.counts)}; validation: ${describeCounts(validation.counts)}` +
      (skipped.length > 0 ? `; passed over: ${skipped.map((file) => path.basename(file)).join(', ')}` : ''),
  };
}

async function openCorpus(config: DataConfig, cacheDir: string, options: PrepareDataOptions): Promise<Corpus> {
  const { corpus, validation = usualValidation, text: column } = config;
  const { signal, onProgress } = options;
  if (isCorpusName(corpus)) {
    return openNamedCorpus(corpus, { cacheDir, signal, onFetch: () => onProgress?.({ stage: 'fetch', corpus }) });
  }
  const paths = [corpus].flat();
  const name = paths.map((file) => path.basename(file)).join(' + ');
  const openTraining = (except?: ReadonlySet<string>) =>
    Text.open(paths, { column, ...(except && { except }) }).catch((error: Error) => {
      throw typeof corpus === 'string' && !/[./\\]/.test(corpus)
        ? new DataError(`${error.message} (the named corpora are ${corpusNames.join(' and ')})`, { cause: error })
        : error;
    });
  if (typeof validation === 'number') {
    const text = await openTraining();
    checkColumn(column, text.files);
    const { first, rest } = text.split(validation);
    return { name, train: rest, validation: first };
  }
  const heldOut = await Text.open([validation].flat(), { column });
  const train = await openTraining(new Set(await Promise.all(heldOut.files.map(({ file }) => realpath(file)))));
  checkColumn(column, [...train.files, ...heldOut.files]);
  return { name, train, validation: heldOut };
}

/** @throws DataError for a column where there are no columns */
function checkColumn(column: string | undefined, files: readonly TextFile[]): void {
  if (column !== undefined && files.every(({ form }) => form === 'text'))
    throw new DataError(`data.text names a column, but ${files[0]?.file} is plain text; leave data.text out`);
}

function describeTokenizer(config: DataConfig['tokenizer']): string {
  if (config === 'bytes') return 'bytes';
  return typeof config === 'string' ? path.basename(config) : 'byte-level BPE';
}
