/**
 * The tokenizers of a translation model: byte-level BPE. Of the ways to split words it is the one that has a token for any UTF-8 text
 * (its first entries are the 256 bytes), so that nothing becomes unknown, and its ids joined give the text back, blanks and all;
 * splitting at a blank mark needs the characters seen in training, or a byte fallback that the trainer at hand cannot make.
 */
import { stat, readFile } from 'node:fs/promises';
import path from 'node:path';

import { checkArgument } from '../../arguments';
import { DataError } from '../../errors';
import { writeFileAtomically } from '../../files';
import { bpeVocabulary, learnMerges, type TrainBpeOptions } from '../bpe';
import { byteLevelTokenizerJson } from '../byte-level';
import { HuggingFaceTokenizer } from '../huggingface-tokenizer';
import { tryTokenizer } from '../open-tokenizer';
import type { Text } from '../text';
import { checkIds, writeSettings } from '../tokenizer';
import { cleanSentence } from './sentence';

/** The first entries of a translation vocabulary, in the order of fairseq's dictionary: ids 0 to 3. */
const specialTokens = ['<s>', '<pad>', '</s>', '<unk>'];
const settings = { bos_token: '<s>', pad_token: '<pad>', eos_token: '</s>', unk_token: '<unk>' };

/** Files of tokenizers beside a model: one for both sides, or one for each. */
const jointName = 'tokenizer.json';
const sourceName = 'source.tokenizer.json';
const targetName = 'target.tokenizer.json';

export interface PairVocabulary {
  bpe: number;
  lowercase: boolean;
  multipleOf: number;
}

/** Sentences to ids of a translation vocabulary and back. The ids 0 to 3 are begin, padding, end and unknown. */
export class PairTokenizer {
  private constructor(
    private readonly tokenizer: HuggingFaceTokenizer,
    private readonly json: string,
    /** Entries from here on only fill the vocabulary. */
    private readonly firstUnused: number,
  ) {}

  /**
   * Trains one on sentences, one a line.
   * @throws DataError when the text gives too small a vocabulary
   */
  static async train(
    text: Text,
    { bpe, lowercase, multipleOf }: PairVocabulary,
    options: TrainBpeOptions,
  ): Promise<PairTokenizer> {
    const learned = await learnMerges(text, true, options);
    const { vocab, merges } = bpeVocabulary(learned, specialTokens, bpe, 'data.vocabulary.bpe');
    for (let n = 0; (bpe + n) % multipleOf !== 0; n++) vocab[unusedToken(n)] = bpe + n;
    // Not special in the file: there, a text that holds `<s>` would become the token that begins a sentence. No merge can make one of
    // them either, since words and punctuation are split before.
    const json = byteLevelTokenizerJson(vocab, merges, { specialTokens: [], addPrefixSpace: true, lowercase });
    return PairTokenizer.fromJson(json, 'the trained tokenizer');
  }

  /**
   * Reads the one that `save` wrote.
   * @throws DataError for a file that is missing, damaged or not of this kind
   */
  static async load(folder: string, name = jointName): Promise<PairTokenizer> {
    const file = path.join(folder, name);
    const json = await readFile(file, 'utf8').catch((cause: Error) => {
      const { code, message } = cause as NodeJS.ErrnoException;
      const reason =
        code === 'ENOENT' ? 'give the folder of a translation model, such as best/ in the folder of a run' : message;
      throw new DataError(`there is no translation tokenizer ${file}: ${reason}`, { cause });
    });
    await tryTokenizer(file);
    return PairTokenizer.fromJson(json, file);
  }

  private static async fromJson(json: string, origin: string): Promise<PairTokenizer> {
    const tokenizer = await HuggingFaceTokenizer.fromJson(json, {}, origin);
    const { model } = JSON.parse(json) as { model: { vocab: Record<string, number> } };
    for (const [id, token] of specialTokens.entries()) {
      if (model.vocab[token] !== id) {
        throw new DataError(`${origin} is not a translation tokenizer: it has no ${token} as number ${id}`);
      }
    }
    return new PairTokenizer(tokenizer, json, model.vocab[unusedToken(0)] ?? tokenizer.vocabSize);
  }

  /** Entries, unused ones too: the ids are below it. */
  get vocabSize(): number {
    return this.tokenizer.vocabSize;
  }

  /** Hash of all that decides the ids. */
  get fingerprint(): string {
    return this.tokenizer.fingerprint;
  }

  /** Ids of a sentence, without begin and end. White space is made single blanks first, as in training. */
  async encode(text: string): Promise<number[]> {
    const [ids = []] = await this.encodeRows([Buffer.from(cleanSentence(text))]);
    return Array.from(ids);
  }

  /** Ids of many clean sentences in UTF-8. */
  encodeRows(rows: readonly Buffer[]): Promise<ArrayLike<number>[]> {
    return this.tokenizer.encodeRows(rows);
  }

  /**
   * The text of ids. Begin, padding, end, unknown and unused entries are left out; bytes that are not UTF-8 show as U+FFFD.
   * @throws DataError for an id outside the vocabulary
   */
  async decode(ids: readonly number[]): Promise<string> {
    checkIds(ids, this.vocabSize);
    return this.tokenizer.decode(ids.filter((id) => id >= specialTokens.length && id < this.firstUnused));
  }

  /** Writes it into a folder, in Hugging Face's format. */
  async save(folder: string, name = jointName): Promise<void> {
    await writeFileAtomically(path.join(folder, name), this.json);
    if (name === jointName) await writeSettings(folder, settings);
  }
}

function unusedToken(n: number): string {
  return `<unused${n}>`;
}

/** Of both sides of a translation model: one object twice when the vocabulary is joint. */
export interface PairTokenizers {
  source: PairTokenizer;
  target: PairTokenizer;
}

/** Writes `tokenizer.json`, or `source.tokenizer.json` and `target.tokenizer.json`, beside a model. */
export async function savePairTokenizers(folder: string, { source, target }: PairTokenizers): Promise<void> {
  if (source === target) return source.save(folder);
  await source.save(folder, sourceName);
  await target.save(folder, targetName);
}

/**
 * Reads what `savePairTokenizers` wrote.
 * @throws DataError for files that are missing, damaged or not of this kind
 */
export async function loadPairTokenizers(folder: string): Promise<PairTokenizers> {
  checkArgument(folder, 'string', 'The path of a model folder');
  const isSeparate = (await stat(path.join(folder, sourceName)).catch(() => undefined)) !== undefined;
  if (isSeparate) {
    return {
      source: await PairTokenizer.load(folder, sourceName),
      target: await PairTokenizer.load(folder, targetName),
    };
  }
  const tokenizer = await PairTokenizer.load(folder);
  return { source: tokenizer, target: tokenizer };
}
