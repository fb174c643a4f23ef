/** How far the data are, in words and numbers. */
import type { DataProgress, PairProgress } from '../data';

export interface Amount {
  done: number;
  total: number;
  /** One of its numbers, as it is shown. */
  show: (value: number) => string;
}

/** The same words while a stage goes on. */
export function describeProgress(progress: DataProgress | PairProgress): string {
  switch (progress.stage) {
    case 'fetch':
      return `Fetching the corpus ${progress.corpus}`;
    case 'read':
      return 'pairs' in progress ? 'Reading the pairs of sentences' : 'Reading the text';
    case 'train-tokenizer':
      return `Training a tokenizer of ${progress.vocabSize} entries`;
    case 'tokenize':
      return `Tokenising the ${progress.split} text`;
  }
}

/** How much of it is done, where that is known. */
export function amountOf(progress: DataProgress | PairProgress): Amount | undefined {
  if ('totalBytes' in progress) return { done: progress.bytes, total: progress.totalBytes, show: megabytes };
  if ('totalPairs' in progress) return { done: progress.pairs, total: progress.totalPairs, show: String };
  return undefined;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
