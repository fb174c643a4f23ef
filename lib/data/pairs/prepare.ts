/** From the `data:` section of a translation study to aligned tokens on disk. */
import path from 'node:path';

import { parseConfig } from '../../config';
import { DataError } from '../../errors';
import { cacheFolder } from '../../setup/cache';
import { Text } from '../text';
import { openNamedPairs } from './corpora';
import { PairTokenizer, type PairTokenizers } from './pair-tokenizer';
import { openPairFiles, type PairText } from './read';
import {
  isPairCorpusName,
  pairCorpusNames,
  pairDataSchema,
  type PairDataConfig,
  type PairDataInput,
  type PairFiles,
} from './schema';
import { splitPairs, type SplitText } from './split';
import { readTexts, tokenPairs } from './token-pairs';
import { type PairCounts, type PreparedPairs, type PreparePairsOptions, type Split } from './types';

interface Options extends PreparePairsOptions {
  cacheDir: string;
}

/**
 * Fetches or reads parallel text, parts it, trains the vocabulary on the training part, and tokenises. All of it is cached by content, so
 * a second call with the same texts only reads them to see that they are the same. Texts are one line each, with single blanks.
 * @throws ConfigError, DataError, AbortError, LoadError (no tokenizer binary for this platform)
 */
export async function preparePairs(input: PairDataInput, options: PreparePairsOptions = {}): Promise<PreparedPairs> {
  const config = parseConfig(input, pairDataSchema, 'data');
  const all: Options = { ...options, cacheDir: options.cacheDir ?? cacheFolder() };
  const corpus = await openCorpus(config, all);
  const heldOut = (part: PairDataConfig['test']) => (typeof part === 'number' ? part : openFiles(part, config, all));
  const [validation, test] = [await heldOut(config.validation), await heldOut(config.test)];
  const { lowercase, joint } = config.vocabulary;
  const text = await splitPairs(
    { corpus, validation, test, lowercase, missing: config.missing },
    { ...all, onProgress: (pairs) => options.onProgress?.({ stage: 'read', pairs }) },
  );
  const tokenizers = await trainTokenizers(text.files.train, config.vocabulary, all);
  const tokensOf = (split: Split) => tokensOfSplit(split, text, tokenizers, config, all);
  const tokens = {
    train: await tokensOf('train'),
    validation: await tokensOf('validation'),
    test: await tokensOf('test'),
  };
  const countsOf = (split: Split): PairCounts => {
    const { count, tooLong, ratio } = tokens[split];
    return { ...text.counts[split], kept: count, tooLong, ratio };
  };
  const sourceVocabSize = tokenizers.source.vocabSize;
  const targetVocabSize = tokenizers.target.vocabSize;
  const vocabulary = joint ? `joint, ${sourceVocabSize}` : `${sourceVocabSize} and ${targetVocabSize}`;
  return {
    ...tokens,
    validationText: await readTexts(tokens.validation.text, options.signal),
    testText: await readTexts(tokens.test.text, options.signal),
    sourceTokenizer: tokenizers.source,
    targetTokenizer: tokenizers.target,
    joined: joint,
    sourceVocabSize,
    targetVocabSize,
    bosTokenId: 0,
    padTokenId: 1,
    eosTokenId: 2,
    unkTokenId: 3,
    report: { train: countsOf('train'), validation: countsOf('validation'), test: countsOf('test') },
    sha256: corpus.sha256,
    description:
      `${corpus.name} ${config.sourceLanguage}-${config.targetLanguage}, byte-level BPE (vocabulary ${vocabulary}): ` +
      `${tokens.train.count} pairs for training, ${tokens.validation.count} for validation, ${tokens.test.count} for test`,
  };
}

async function openCorpus(config: PairDataConfig, options: Options): Promise<PairText> {
  const { corpus } = config;
  if (!isPairCorpusName(corpus)) return openFiles(corpus, config, options);
  const onFetch = () => options.onProgress?.({ stage: 'fetch', corpus });
  const files = await openNamedPairs(corpus, config, { ...options, onFetch });
  return openPairFiles(corpus, files, readingOf(config), options.signal);
}

async function openFiles(files: PairFiles, config: PairDataConfig, { signal }: Options): Promise<PairText> {
  if (typeof files === 'string' && !/[./\\]/.test(files)) {
    throw new DataError(`${files} is no corpus known by name; these are ${pairCorpusNames.join(' and ')}`);
  }
  const isAligned = typeof files === 'object' && 'source' in files;
  const name = [isAligned ? files.source : files]
    .flat()
    .map((file) => path.basename(file))
    .join(' + ');
  return openPairFiles(name, files, readingOf(config), signal);
}

function readingOf({ fields, sourceLanguage, targetLanguage }: PairDataConfig) {
  return { fields, sourceLanguage, targetLanguage };
}

async function trainTokenizers(
  train: { source: string; target: string },
  vocabulary: PairDataConfig['vocabulary'],
  { cacheDir, signal, onProgress }: Options,
): Promise<PairTokenizers> {
  const trainOn = async (side: 'both' | 'source' | 'target', files: string[]) =>
    PairTokenizer.train(await Text.open(files), vocabulary, {
      cacheDir,
      signal,
      onTrain: () => onProgress?.({ stage: 'train-tokenizer', side, vocabSize: vocabulary.bpe }),
    });
  if (!vocabulary.joint) {
    return { source: await trainOn('source', [train.source]), target: await trainOn('target', [train.target]) };
  }
  const tokenizer = await trainOn('both', [train.source, train.target]);
  return { source: tokenizer, target: tokenizer };
}

async function tokensOfSplit(
  split: Split,
  { key, files, counts }: SplitText,
  tokenizers: PairTokenizers,
  { maxLength, maxRatio, tooLong }: PairDataConfig,
  { cacheDir, signal, onProgress }: Options,
) {
  const { read, missing, heldOut } = counts[split];
  const totalPairs = read - missing - heldOut;
  const ratio = split === 'train' ? maxRatio : undefined;
  return tokenPairs({ split, key, ...files[split], maxLength, maxRatio: ratio, tooLong }, tokenizers, {
    cacheDir,
    signal,
    onProgress: (pairs) => onProgress?.({ stage: 'tokenize', split, pairs, totalPairs }),
  });
}
