import path from 'node:path';

import { writeFileAtomically } from '../files';
import { byteCharacters, byteLevelTokenizerJson } from './byte-level';
import { checkIds, writeSettings, type TextTokenizer } from './tokenizer';

/** Every byte of UTF-8 text is a token; no special tokens. */
export class ByteTokenizer implements TextTokenizer {
  readonly vocabSize = 256;
  readonly bosTokenId = null;
  readonly eosTokenId = null;
  readonly maxLength = Infinity;
  readonly fingerprint = 'bytes';

  encode(text: string): Promise<number[]> {
    return Promise.resolve([...Buffer.from(text, 'utf8')]);
  }

  encodeRows(rows: readonly Buffer[]): Promise<ArrayLike<number>[]> {
    return Promise.resolve([...rows]);
  }

  /** Bytes that are not UTF-8 show as U+FFFD. */
  decode(ids: readonly number[]): Promise<string> {
    checkIds(ids, this.vocabSize);
    return Promise.resolve(Buffer.from(ids).toString('utf8'));
  }

  /** A byte-level BPE without merges, whose ids are the bytes. */
  async save(folder: string): Promise<void> {
    const vocab = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]));
    await writeFileAtomically(
      path.join(folder, 'tokenizer.json'),
      byteLevelTokenizerJson(vocab, [], { specialTokens: [] }),
    );
    await writeSettings(folder, {});
  }
}
