/** Greedy decoding and sampling. */
import { randomInt } from 'node:crypto';

import { randomNumbers } from '../data';
import { ArgumentError, NonFiniteError } from '../errors';
import { native, type NativeSampling } from '../native';
import { Tensor } from '../tensor';
import type { Decoder } from './decoder';
import { checkNumber, checkOptions, checkWhole } from './options';

/**
 * How the next token is chosen. The rules mean what transformers' processors of these names do, and apply in its order: repetition penalty,
 * temperature, topK, topP, minP. By default a token is drawn by the model's own probabilities.
 */
export interface SamplingOptions {
  /**
   * Above 1 makes tokens less likely that the text has already, its prompt included: their scores are divided by it where positive and
   * multiplied where negative. Default 1.
   */
  repetitionPenalty?: number;
  /** Logarithms of probabilities are divided by it. 0 is greedy: always the likeliest token. Default 1. */
  temperature?: number;
  /** Draws from this many of the likeliest tokens, and those as likely as the last of them. Default: from all. */
  topK?: number;
  /** Draws from the fewest tokens whose probabilities, after temperature and topK, sum up to this. Default 1. */
  topP?: number;
  /** Draws only tokens that are, after temperature, at least so likely as this share of the likeliest one. Default 0. */
  minP?: number;
  /** The same seed gives the same texts. Default: another one each time. */
  seed?: number;
}

export const samplingNames: Record<keyof SamplingOptions, true> = {
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  seed: true,
};

type Settings = Required<SamplingOptions>;

/** The settings with their defaults. @throws ArgumentError for a value that makes no sense */
export function resolveSampling(options: SamplingOptions): Settings {
  const { temperature = 1, topK = Infinity, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const { seed = randomInt(2 ** 47) } = options;
  checkNumber('temperature', temperature, 0);
  if (topK !== Infinity) checkWhole('topK', topK, 1);
  if (!(topP > 0 && topP <= 1)) throw new ArgumentError(`topP is ${topP}; it must be above 0 and at most 1`);
  if (!(minP >= 0 && minP <= 1)) throw new ArgumentError(`minP is ${minP}; it must be from 0 to 1`);
  if (!(repetitionPenalty > 0 && repetitionPenalty < Infinity))
    throw new ArgumentError(`repetitionPenalty is ${repetitionPenalty}; it must be a number above 0`);
  checkWhole('seed', seed, 0);
  return { temperature, topK, topP, minP, repetitionPenalty, seed };
}

/** The settings as the native side takes them, for rows that have seen these tokens. */
function nativeSampling(
  { temperature, topK, topP, minP, repetitionPenalty }: Settings,
  rows: { random: Float64Array; seen: readonly ReadonlySet<number>[]; banned: Int32Array },
): NativeSampling {
  const seen = repetitionPenalty === 1 ? [] : rows.seen;
  let end = 0;
  return {
    ...{ temperature, topP, minP, repetitionPenalty, topK: topK === Infinity ? 0 : topK },
    random: rows.random,
    seen: Int32Array.from(seen.flatMap((ids) => [...ids])),
    seenEnds: Int32Array.from(seen, ({ size }) => (end += size)),
    banned: rows.banned,
  };
}

/** One token drawn for each row of scores. */
export interface DrawnTokens {
  /** `[rows]` */
  ids: Int32Array;
  /** Natural logarithms of their probabilities by the scores as they came, before any rule. */
  logProbabilities: Float32Array;
}

export interface DrawOptions extends SamplingOptions {
  /** For each row the tokens it has, which `repetitionPenalty` makes less likely. */
  seen?: readonly (readonly number[])[];
  /** Ids that must not come out. */
  banned?: readonly number[];
  /** Numbers from 0 to before 1 that decide what is drawn, one for each row, in place of a seed. */
  random?: ArrayLike<number>;
}

const drawNames: Record<keyof DrawOptions, true> = { ...samplingNames, seen: true, banned: true, random: true };

/**
 * Draws a token for each row of a model's scores, as `generate` does: for models of your own.
 *
 *     const { ids } = drawTokens(logits.select(1, -1), { temperature: 0.8, topP: 0.95 });
 *
 * @param scores `[rows, vocabulary]`, logits or logarithms of probabilities
 * @throws ArgumentError for options that make no sense, ids outside the vocabulary, and when every token is banned; NonFiniteError for scores
 *   that are not numbers
 */
export function drawTokens(scores: Tensor, options: DrawOptions = {}): DrawnTokens {
  if (!(scores instanceof Tensor)) throw new ArgumentError('scores must be a tensor, [rows, vocabulary]');
  checkOptions(options, drawNames, 'drawTokens');
  const settings = resolveSampling(options);
  const { seen = [], banned = [] } = options;
  if (!Array.isArray(seen) || !seen.every(Array.isArray) || !Array.isArray(banned))
    throw new ArgumentError('seen must be a list of token ids for each row, and banned one list');
  const next = randomNumbers(settings.seed);
  const random = Float64Array.from(options.random ?? Array.from({ length: scores.shape[0] ?? 0 }, next));
  if (!random.every((number) => number >= 0 && number < 1))
    throw new ArgumentError('random must be numbers from 0 to before 1');
  const rows = { random, seen: seen.map((ids) => new Set(ids)), banned: Int32Array.from(banned) };
  const drawn = native.sampleTokens(scores.handle, nativeSampling(settings, rows));
  if (drawn.logProbabilities.every(Number.isFinite)) return drawn;
  throw new NonFiniteError('the scores hold what is not a number');
}

/** What a model with given inputs knows besides. */
export interface SamplingTask {
  /** What the texts of each sentence begin with, not empty. */
  prompts: readonly (readonly number[])[];
  /** Texts drawn for each sentence. */
  samples: number;
  /** New tokens, at most; the eos counts. */
  maxTokens: number;
  /** Each of these ends a text. */
  eosTokenIds: readonly number[];
  banned: readonly number[];
  /** Numbers of the sentences, which decide, with the seed, what is drawn. Default: 0, 1, ... */
  numbers?: readonly number[] | undefined;
}

/** A token that was drawn. */
export interface SampledToken {
  sentence: number;
  sample: number;
  token: number;
  /** Natural logarithm of its probability by the model itself, whatever the rules. */
  logProbability: number;
  /** Why it is the text's last one. */
  finishReason?: 'eos' | 'length';
}

interface Row {
  sentence: number;
  sample: number;
  random: () => number;
  seen: Set<number>;
  done: boolean;
}

/** Draws token after token for all texts at once. A sentence leaves the batch when all its texts have ended. */
export class Sampler {
  readonly #banned: Int32Array;
  readonly #eos: ReadonlySet<number>;
  #rows: Row[];
  #tokens: Int32Array;
  #order: Int32Array | null = null;
  #steps = 0;

  constructor(
    private readonly decoder: Decoder,
    private readonly task: SamplingTask,
    private readonly settings: Settings,
  ) {
    this.#banned = Int32Array.from(task.banned);
    this.#eos = new Set(task.eosTokenIds);
    this.#rows = task.prompts.flatMap((prompt, sentence) =>
      Array.from({ length: task.samples }, (_, sample): Row => {
        const random = randomNumbers(settings.seed, task.numbers?.[sentence] ?? sentence, sample);
        return { sentence, sample, random, seen: new Set(prompt), done: false };
      }),
    );
    const time = Math.max(...task.prompts.map(({ length }) => length));
    const padded = (prompt: readonly number[]) => [...new Array<number>(time - prompt.length).fill(0), ...prompt];
    this.#tokens = Int32Array.from(this.#rows.flatMap(({ sentence }) => padded(task.prompts[sentence]!)));
  }

  /**
   * The next token of every text that goes on; none when all have ended.
   * @throws NonFiniteError when the model gives no number for a probability
   */
  async next(): Promise<SampledToken[]> {
    this.#leave();
    if (this.#rows.length === 0) return [];
    const isLast = ++this.#steps >= this.task.maxTokens;
    const random = Float64Array.from(this.#rows, ({ random }) => (this.settings.temperature === 0 ? 0 : random()));
    const seen = this.#rows.map((row) => row.seen);
    const found = await this.decoder.draw({
      tokens: this.#tokens,
      order: this.#order,
      ...nativeSampling(this.settings, { random, seen, banned: this.#banned }),
    });
    const drawn: SampledToken[] = [];
    this.#rows.forEach((row, index) => {
      if (row.done) return;
      const token = found.ids[index]!;
      const logProbability = found.logProbabilities[index]!;
      if (!Number.isFinite(logProbability))
        throw new NonFiniteError("the model's probabilities are not numbers; its weights or its inputs are damaged");
      row.seen.add(token);
      row.done = isLast || this.#eos.has(token);
      const finishReason = this.#eos.has(token) ? 'eos' : 'length';
      const { sentence, sample } = row;
      drawn.push({ sentence, sample, token, logProbability, ...(row.done && { finishReason }) });
    });
    this.#tokens = found.ids;
    return drawn;
  }

  /** Ends a text that needs no more tokens. */
  end(sentence: number, sample = 0): void {
    for (const row of this.#rows) if (row.sentence === sentence && row.sample === sample) row.done = true;
  }

  /** Takes the sentences out that are done. */
  #leave(): void {
    if (this.#steps === 0) return;
    const going = new Set(this.#rows.filter(({ done }) => !done).map(({ sentence }) => sentence));
    const kept = [...this.#rows.keys()].filter((index) => going.has(this.#rows[index]!.sentence));
    this.#order = Int32Array.from(kept);
    this.#tokens = Int32Array.from(kept, (index) => this.#tokens[index]!);
    this.#rows = kept.map((index) => this.#rows[index]!);
  }
}
