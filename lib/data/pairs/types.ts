/** What preparing parallel text gives. */
import type { PairTokenizer } from './pair-tokenizer';

/** Sentences of one side, back to back in a file of little-endian token ids, without begin or end tokens. */
export interface TokenSentences {
  file: string;
  dtype: 'uint16' | 'uint32';
  /** Index of the first token of each sentence, and the number of tokens: one more than there are sentences. */
  offsets: Float64Array;
}

/** Aligned sentences: the n-th of `source` is translated by the n-th of `target`. */
export interface TokenPairs {
  source: TokenSentences;
  target: TokenSentences;
  count: number;
}

export type Split = 'train' | 'validation' | 'test';
export const splits: readonly Split[] = ['train', 'validation', 'test'];

export interface SideTexts {
  source: string[];
  target: string[];
}

export interface PairCounts {
  /** Pairs read for this split. */
  read: number;
  kept: number;
  /** Left out for want of text on a side. */
  missing: number;
  /** Left out because a side is longer than `maxLength`. */
  tooLong: number;
  /** Left out because of `maxRatio`. Training only. */
  ratio: number;
  /** Left out because the source text is in the validation or test set too. Training only. */
  heldOut: number;
}

export interface PreparedPairs {
  train: TokenPairs;
  validation: TokenPairs;
  test: TokenPairs;
  /** The sentences of the held-out sets as text, to translate and to score against; same order as their tokens. */
  validationText: SideTexts;
  testText: SideTexts;
  sourceTokenizer: PairTokenizer;
  /** The same object as `sourceTokenizer` when joined. */
  targetTokenizer: PairTokenizer;
  /** Whether both sides have one vocabulary. */
  joined: boolean;
  sourceVocabSize: number;
  targetVocabSize: number;
  bosTokenId: 0;
  padTokenId: 1;
  eosTokenId: 2;
  unkTokenId: 3;
  /** Pairs by split and what became of them. */
  report: Record<Split, PairCounts>;
  /** SHA-256 of the corpus as it was read. */
  sha256: string;
  /** One line for a reader: corpus, vocabulary, sizes. */
  description: string;
}

export type PairProgress =
  | { stage: 'fetch'; corpus: string }
  | { stage: 'read'; pairs: number }
  | { stage: 'train-tokenizer'; side: 'both' | 'source' | 'target'; vocabSize: number }
  | { stage: 'tokenize'; split: Split; pairs: number; totalPairs: number };

export interface PreparePairsOptions {
  /** Stops fetching, reading, tokenizer training and tokenising; nothing half-made stays. */
  signal?: AbortSignal;
  onProgress?: (event: PairProgress) => void;
  /** Where corpora, tokenizers and token files are kept. Default: `TORCHWRIGHT_CACHE`, else `~/.cache/torchwright`. */
  cacheDir?: string;
}
