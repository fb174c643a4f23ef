/** Turns text into token ids and back: what all tokenizers have in common. */
import path from 'node:path';

import { DataError } from '../errors';
import { writeFileAtomically } from '../files';

export interface TextTokenizer {
  /** Largest id it can give, plus one. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** Longest input the tokenizer's own files state, in tokens; Infinity where they state none. */
  readonly maxLength: number;
  /** Hash of all that decides the ids. */
  readonly fingerprint: string;
  /** Ids of one text, with the special tokens the tokenizer adds by itself. */
  encode(text: string): Promise<number[]>;
  /** Ids of many rows of UTF-8 text, each by itself. */
  encodeRows(rows: readonly Buffer[]): Promise<ArrayLike<number>[]>;
  /** Text of ids, special tokens left out. DataError for an id outside the vocabulary. */
  decode(ids: readonly number[]): Promise<string>;
  /** Writes `tokenizer.json` and `tokenizer_config.json`, which Hugging Face's libraries and `loadTokenizer` read. */
  save(folder: string): Promise<void>;
}

/** @throws DataError for an id that is no whole number from 0 to before `vocabSize` */
export function checkIds(ids: readonly number[], vocabSize: number): void {
  const wrong = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (wrong !== undefined) throw new DataError(`token id ${wrong} is outside the vocabulary (0 to ${vocabSize - 1})`);
}

/** Writes `tokenizer_config.json`, with the class that reads any `tokenizer.json` where the settings name none. */
export async function writeSettings(folder: string, settings: object): Promise<void> {
  const full = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false, ...settings };
  await writeFileAtomically(path.join(folder, 'tokenizer_config.json'), `${JSON.stringify(full, null, 2)}\n`);
}
