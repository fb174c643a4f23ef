import path from 'node:path';

import type { Tokenizer } from 'tokenizers';

import { DataError, LoadError } from '../errors';
import { writeFileAtomically } from '../files';
import { sha256 } from './cache';
import { checkIds, writeSettings, type TextTokenizer } from './tokenizer';

/** What is read of a `tokenizer_config.json`. The rest is kept for `save`. */
export interface TokenizerSettings {
  bos_token?: unknown;
  eos_token?: unknown;
  model_max_length?: unknown;
}

/** Any Hugging Face tokenizer, run by their own library, with the special tokens its file says. */
export class HuggingFaceTokenizer implements TextTokenizer {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly maxLength: number;
  readonly fingerprint: string;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly json: string,
    private readonly settings: TokenizerSettings,
    private readonly origin: string,
  ) {
    // run_clm neither cuts nor pads rows, whatever the file says.
    tokenizer.disableTruncation();
    tokenizer.disablePadding();
    this.vocabSize = Object.values(tokenizer.getVocab(true)).reduce((most, id) => Math.max(most, id), -1) + 1;
    if (this.vocabSize === 0) throw new DataError(`${origin} has an empty vocabulary`);
    this.bosTokenId = this.idOf('bos_token');
    this.eosTokenId = this.idOf('eos_token');
    this.maxLength = maximumLength(settings.model_max_length, origin);
    this.fingerprint = sha256(json);
  }

  /** @param origin names the file in errors */
  static async fromJson(json: string, settings: TokenizerSettings, origin: string): Promise<HuggingFaceTokenizer> {
    const { Tokenizer } = await import('tokenizers').catch((cause: Error) => {
      throw new LoadError(`the package tokenizers has no binary for this platform: ${cause.message}`, { cause });
    });
    let tokenizer: Tokenizer;
    try {
      tokenizer = Tokenizer.fromString(json);
    } catch (cause) {
      throw new DataError(`${origin} is not a Hugging Face tokenizer: ${(cause as Error).message}`, { cause });
    }
    return new HuggingFaceTokenizer(tokenizer, json, settings, origin);
  }

  async encode(text: string): Promise<number[]> {
    const [ids = []] = await this.encodeTexts([text]);
    return ids;
  }

  encodeRows(rows: readonly Buffer[]): Promise<ArrayLike<number>[]> {
    return this.encodeTexts(rows.map((row) => row.toString('utf8')));
  }

  private async encodeTexts(texts: string[]): Promise<number[][]> {
    try {
      return (await this.tokenizer.encodeBatch(texts)).map((encoding) => encoding.getIds());
    } catch (cause) {
      throw new DataError(`${this.origin} cannot encode the text: ${(cause as Error).message}`, { cause });
    }
  }

  decode(ids: readonly number[]): Promise<string> {
    checkIds(ids, this.vocabSize);
    return this.tokenizer.decode([...ids], true);
  }

  async save(folder: string): Promise<void> {
    await writeFileAtomically(path.join(folder, 'tokenizer.json'), this.json);
    await writeSettings(folder, this.settings);
  }

  /** Id of the token that the settings name, as a string or as an object with `content`. */
  private idOf(name: 'bos_token' | 'eos_token'): number | null {
    const value = this.settings[name] as string | { content?: unknown } | null | undefined;
    const token = typeof value === 'object' ? value?.content : value;
    if (token === undefined || token === null) return null;
    const id = typeof token === 'string' ? this.tokenizer.tokenToId(token) : null;
    if (id === null) throw new DataError(`${name} ${JSON.stringify(token)} is not in the vocabulary of ${this.origin}`);
    return id;
  }
}

/** Hugging Face writes a number beyond 1e20 for "no limit". */
function maximumLength(value: unknown, origin: string): number {
  if (value === undefined || value === null) return Infinity;
  if (typeof value !== 'number' || !(value >= 2)) {
    throw new DataError(`model_max_length ${JSON.stringify(value)} beside ${origin} is not a number of at least 2`);
  }
  return value > 1e20 ? Infinity : Math.floor(value);
}
