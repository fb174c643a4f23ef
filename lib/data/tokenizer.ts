/** Turns text into token ids and back. */
export interface TextTokenizer {
  /** Largest id it can give, plus one. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** Longest input the tokenizer's own files state; Infinity where they state none. */
  readonly maxLength: number;
  /** Hash of all that decides the ids. */
  readonly fingerprint: string;
  /** Ids of one text, with the special tokens the tokenizer adds by itself. */
  encode(text: string): Promise<number[]>;
  /** Ids of many rows, each by itself. */
  encodeRows(rows: readonly Buffer[]): Promise<ArrayLike<number>[]>;
  /** Text of ids, special tokens left out. DataError for an id outside the vocabulary. */
  decode(ids: readonly number[]): Promise<string>;
  /** Writes `tokenizer.json` and `tokenizer_config.json` into an existing folder. */
  save(folder: string): Promise<void>;
}
