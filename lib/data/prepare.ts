/** From the `data:` section to blocks of tokens on disk. */
import type { TokenBlocks } from './blocks';
import type { TextTokenizer } from './tokenizer';

export type DataProgress =
  | { stage: 'fetch'; corpus: string }
  | { stage: 'train-tokenizer'; vocabSize: number }
  | { stage: 'tokenize'; split: 'train' | 'validation'; bytes: number; totalBytes: number };

export interface PrepareDataOptions {
  /** Stops fetching, tokenizer training and tokenising; nothing half-made stays. */
  signal?: AbortSignal;
  onProgress?: (event: DataProgress) => void;
  /** Where corpora, tokenizers and token files are kept. Default `~/.cache/torchwright`. */
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
