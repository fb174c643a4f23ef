/** Greedy decoding and sampling. */
import { randomInt } from 'node:crypto';

import { randomNumbers } from '../../data';
import { ArgumentError, NonFiniteError } from '../../errors';
import type { Decoder, DecoderCandidates } from './decoder';
import { checkNumber, checkWhole } from './options';

export interface SamplingOptions {
  /** Logarithms of probabilities are divided by it. 0 is greedy: always the likeliest token. Default 1. */
  temperature?: number;
  /** Draws from this many of the likeliest tokens. Default: from all. */
  topK?: number;
  /** Draws from the fewest tokens whose probabilities, after temperature and topK, sum up to this. Default 1. */
  topP?: number;
  /** The same seed gives the same texts. Default: another one each time. */
  seed?: number;
}

/** What a model with given inputs knows besides. */
export interface SamplingTask {
  sentences: number;
  /** Texts drawn for each sentence. */
  samples: number;
  /** What each text begins with. */
  prompt: readonly number[];
  /** New tokens, at most; the eos counts. */
  maxTokens: number;
  /** Ends a text; null where none does. */
  eosTokenId: number | null;
  banned: readonly number[];
  /** Numbers of the sentences, which decide, with the seed, what is drawn. Default: 0, 1, ... */
  numbers?: readonly number[] | undefined;
}

/** A token that was drawn. */
export interface SampledToken {
  sentence: number;
  sample: number;
  token: number;
  /** Natural logarithm of its probability by the model itself, whatever the temperature. */
  logProbability: number;
}

type Settings = Required<SamplingOptions>;

/** The settings with their defaults. @throws ArgumentError for a value that makes no sense */
export function resolveSampling(options: SamplingOptions): Settings {
  const { temperature = 1, topK = Infinity, topP = 1, seed = randomInt(2 ** 47) } = options;
  checkNumber('temperature', temperature, 0);
  if (topK !== Infinity) checkWhole('topK', topK, 1);
  if (!(topP > 0 && topP <= 1)) throw new ArgumentError(`topP is ${topP}; it must be above 0 and at most 1`);
  checkWhole('seed', seed, 0);
  return { temperature, topK, topP, seed };
}

interface Row {
  sentence: number;
  sample: number;
  random: () => number;
  done: boolean;
}

/**
 * Draws token after token for all texts at once; yields the tokens of each step as they come. A text ends with its eos, and a
 * sentence leaves the batch when all its texts have ended.
 *
 * @throws NonFiniteError when the model gives no number for a probability
 */
export async function* sampleOver(
  decoder: Decoder,
  task: SamplingTask,
  settings: Settings,
): AsyncGenerator<SampledToken[], void, undefined> {
  const { samples, maxTokens, eosTokenId, prompt } = task;
  const banned = Int32Array.from(task.banned);
  const candidates = settings.temperature === 0 ? 1 : Math.min(settings.topK, decoder.vocabSize);
  let rows = Array.from({ length: task.sentences * samples }, (_, index): Row => {
    const sentence = Math.floor(index / samples);
    const sample = index % samples;
    const random = randomNumbers(settings.seed, task.numbers?.[sentence] ?? sentence, sample);
    return { sentence, sample, random, done: false };
  });
  let tokens = Int32Array.from(rows.flatMap(() => prompt));
  let order: Int32Array | null = null;
  for (let step = 0; step < maxTokens && rows.length > 0; step++) {
    const found: DecoderCandidates = await decoder.step({ tokens, order, candidates, banned, only: null });
    const columns = found.ids.length / rows.length;
    const drawn: SampledToken[] = [];
    const chosen = rows.map((row, index) => {
      if (row.done) return eosTokenId ?? 0;
      const own = found.logProbabilities.subarray(index * columns, (index + 1) * columns);
      const column = draw(own, settings, row.random);
      const token = found.ids[index * columns + column]!;
      drawn.push({ sentence: row.sentence, sample: row.sample, token, logProbability: own[column]! });
      row.done = token === eosTokenId;
      return token;
    });
    yield drawn;
    const kept: number[] = [];
    for (let first = 0; first < rows.length; first += samples) {
      const own = rows.slice(first, first + samples);
      if (own.some(({ done }) => !done)) own.forEach((_, sample) => kept.push(first + sample));
    }
    rows = kept.map((index) => rows[index]!);
    tokens = Int32Array.from(kept, (index) => chosen[index]!);
    order = Int32Array.from(kept);
  }
}

/** The column of one of the candidates, which come best first, drawn by their probabilities. */
function draw(logProbabilities: Float32Array, { temperature, topK, topP }: Settings, random: () => number): number {
  const best = logProbabilities[0] ?? NaN;
  if (!Number.isFinite(best))
    throw new NonFiniteError("the model's probabilities are not numbers; its weights or its inputs are damaged");
  if (temperature === 0) return 0;
  const weights = Array.from(logProbabilities.subarray(0, Math.min(topK, logProbabilities.length)), (value) =>
    Math.exp((value - best) / temperature),
  );
  const kept = keepMass(weights, topP);
  const total = kept.reduce((sum, weight) => sum + weight, 0);
  let left = random() * total;
  const column = kept.findIndex((weight) => (left -= weight) < 0);
  return column < 0 ? kept.findLastIndex((weight) => weight > 0) : column; // rounding may leave the sum a little above
}

/** The first weights, as few as have this share of the sum. */
function keepMass(weights: number[], share: number): number[] {
  if (share === 1) return weights;
  const wanted = share * weights.reduce((sum, weight) => sum + weight, 0);
  let mass = 0;
  const end = weights.findIndex((weight) => (mass += weight) >= wanted);
  return end < 0 ? weights : weights.slice(0, end + 1);
}
