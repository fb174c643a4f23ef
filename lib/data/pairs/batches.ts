/**
 * Batches of sentences of similar length, as many in each as fit into a number of tokens: fairseq's `batch_by_size`. They are made once;
 * every epoch takes them in another order, so that a position in training is an epoch and a number of batches.
 */
import { ArgumentError, DataError } from '../../errors';
import { shuffledRange } from '../shuffle';
import type { TokenPairs } from './types';

export interface TokenBatchesOptions {
  /** Most tokens in a batch, padding and the end tokens counted: sentences times the longest, on the longer side. */
  maxTokens: number;
  /** Most pairs in a batch. Default: any number. */
  maxSentences?: number;
  /** A batch of more sentences than this has a multiple of it. Default 1. */
  multipleOf?: number;
  /** Decides the order of pairs of equal lengths. Default 0. */
  seed?: number;
  /** What to do with a pair that alone has more than `maxTokens`: leave it out and count it, or stop. Default `error`. */
  tooLong?: 'skip' | 'error';
}

export interface TokenBatches {
  /** Sentence numbers, batch by batch, from the shortest to the longest. */
  order: Int32Array;
  /** Where each batch ends in `order` (exclusive). */
  ends: Int32Array;
  /** Pairs left out because they are too long. */
  skipped: number;
}

/**
 * Puts all pairs into batches. Sorted by source length, then target length.
 * @throws DataError when a pair is too long (by option), or all are
 */
export function tokenBatches(pairs: TokenPairs, options: TokenBatchesOptions): TokenBatches {
  const { maxTokens, maxSentences = Infinity, multipleOf = 1, seed = 0, tooLong = 'error' } = options;
  for (const [name, value] of Object.entries({ maxTokens, maxSentences, multipleOf })) {
    const isAny = name === 'maxSentences' && value === Infinity;
    if (!isAny && !(Number.isSafeInteger(value) && value >= 1)) {
      throw new ArgumentError(`${name} must be a whole number of at least 1, not ${value}`);
    }
  }
  const sourceLengths = lengths(pairs.source.offsets);
  const targetLengths = lengths(pairs.target.offsets);
  /** With the end token that each side gets. */
  const paddedLength = (pair: number) => Math.max(sourceLengths[pair] as number, targetLengths[pair] as number) + 1;

  const byTarget = sortByLength(shuffledRange(pairs.count, 'ties', seed), targetLengths);
  const sorted = sortByLength(byTarget, sourceLengths);
  const order = sorted.filter((pair) => paddedLength(pair) <= maxTokens);
  const skipped = pairs.count - order.length;
  if (skipped > 0 && (tooLong === 'error' || order.length === 0)) {
    throw tooLongError(sorted, paddedLength, skipped, maxTokens);
  }

  const ends: number[] = [];
  let start = 0;
  let longest = 0;
  for (let next = 0; next < order.length; next++) {
    longest = Math.max(longest, paddedLength(order[next] as number));
    const sentences = next - start;
    if (sentences < maxSentences && (sentences + 1) * longest <= maxTokens) continue;
    start += wholeMultiple(sentences, multipleOf);
    ends.push(start);
    next = start - 1; // what the multiple leaves over begins the next batch
    longest = 0;
  }
  while (start < order.length) {
    start += wholeMultiple(order.length - start, multipleOf);
    ends.push(start);
  }
  return { order, ends: Int32Array.from(ends), skipped };
}

/** The order of batches in an epoch: batch numbers. The same for the same seed and epoch, on every machine. */
export function batchOrder(batches: TokenBatches, seed: number, epoch: number): Int32Array {
  return shuffledRange(batches.ends.length, 'batches', seed, epoch);
}

/** Sentence numbers of a batch. */
export function batchSentences({ order, ends }: TokenBatches, batch: number): Int32Array {
  return order.subarray(batch === 0 ? 0 : ends[batch - 1], ends[batch]);
}

function wholeMultiple(count: number, multipleOf: number): number {
  return count < multipleOf ? count : count - (count % multipleOf);
}

function lengths(offsets: Float64Array): Int32Array {
  const result = new Int32Array(offsets.length - 1);
  for (let n = 0; n < result.length; n++) result[n] = (offsets[n + 1] as number) - (offsets[n] as number);
  return result;
}

/** A stable counting sort: linear in the number of sentences. */
function sortByLength(order: Int32Array, lengthOf: Int32Array): Int32Array {
  let longest = 0;
  for (const length of lengthOf) longest = Math.max(longest, length);
  const starts = new Int32Array(longest + 2);
  for (const length of lengthOf) starts[length + 1] = (starts[length + 1] as number) + 1;
  for (let length = 0; length < longest; length++) {
    starts[length + 1] = (starts[length + 1] as number) + (starts[length] as number);
  }
  const sorted = new Int32Array(order.length);
  for (const sentence of order) {
    const length = lengthOf[sentence] as number;
    const place = starts[length] as number;
    sorted[place] = sentence;
    starts[length] = place + 1;
  }
  return sorted;
}

function tooLongError(
  pairs: Int32Array,
  paddedLength: (pair: number) => number,
  skipped: number,
  maxTokens: number,
): DataError {
  const longest = pairs.reduce((most, pair) => (paddedLength(pair) > paddedLength(most) ? pair : most), pairs[0] ?? 0);
  const which = skipped === pairs.length ? 'all pairs are' : `${skipped} of ${pairs.length} pairs are`;
  return new DataError(
    `${which} longer than maxTokens ${maxTokens}; the longest, number ${longest}, has ${paddedLength(longest)} tokens with ` +
      `its end token; raise maxTokens, lower data.maxLength, or skip long pairs`,
  );
}
