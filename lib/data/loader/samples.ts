/** Samples one by one, in the order of an epoch, from wherever a loader is to begin. */
import { ArgumentError, CheckpointError } from '../../errors';
import type { JsonValue } from '../../json';
import { shuffledRange } from '../shuffle';
import { SampleStream } from '../streams';

/** Samples that are found by their number: an array, or anything with a length and `get`. */
export type IndexedSamples<T> = readonly T[] | { readonly length: number; get(index: number): T | Promise<T> };

/** Where a loader's samples come from. What can only be iterated is begun anew for each epoch. */
export type Samples<T> = IndexedSamples<T> | SampleStream<T> | Iterable<T> | AsyncIterable<T>;

export interface SampleOrder {
  shuffle: boolean;
  seed: number;
  shard: { rank: number; worldSize: number };
}

/** An epoch's samples. */
export interface EpochSamples<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  state(): JsonValue;
  close(): Promise<void>;
}

export interface SampleSet<T> {
  /** Samples in an epoch of this rank; null where nobody knows. */
  readonly length: number | null;
  open(epoch: number, state: JsonValue): EpochSamples<T>;
}

/** @throws ArgumentError for what has no samples, or an order that it cannot have */
export function sampleSet<T>(samples: Samples<T>, order: SampleOrder): SampleSet<T> {
  const given = Object(samples) as Partial<IndexedSamples<T>> & Partial<Iterable<T>> & Partial<AsyncIterable<T>>;
  if (Array.isArray(given)) return indexed(given.length, (index) => given[index] as T, order);
  if ('get' in given && typeof given.get === 'function' && Number.isSafeInteger(given.length)) {
    const { length } = given as { length: number };
    return indexed(length, (index) => (samples as { get(index: number): T }).get(index), order);
  }
  if (given[Symbol.iterator] === undefined && given[Symbol.asyncIterator] === undefined)
    throw new ArgumentError(
      'A DataLoader takes an array, an object with `length` and `get(index)`, a stream, or what can be iterated.',
    );
  if (order.shuffle || order.shard.worldSize > 1) {
    const what = order.shuffle ? 'shuffle' : 'shard';
    throw new ArgumentError(
      `What can only be iterated has no order to ${what} in a DataLoader; make it a stream, streams.from(() => samples).${what}(...), and load that.`,
    );
  }
  const isStream = samples instanceof SampleStream;
  return { length: null, open: isStream ? streamed(samples) : iterated(samples as Iterable<T>) };
}

function indexed<T>(
  count: number,
  get: (index: number) => T | Promise<T>,
  { shuffle, seed, shard }: SampleOrder,
): SampleSet<T> {
  const { rank, worldSize } = shard;
  const length = Math.floor(count / worldSize);
  return {
    length,
    open(epoch, state) {
      let taken = takenOf(state);
      const order = shuffle ? shuffledRange(count, 'loader', seed, epoch) : undefined;
      return {
        async next() {
          if (taken >= length) return { done: true, value: undefined };
          const index = taken++ * worldSize + rank;
          return { done: false, value: await get(order ? (order[index] as number) : index) };
        },
        state: () => ({ taken }),
        close: () => Promise.resolve(),
      };
    },
  };
}

function streamed<T>(stream: SampleStream<T>): SampleSet<T>['open'] {
  return (epoch, state) => {
    const reader = stream.open({ epoch, state });
    return { next: () => reader.next(), state: () => reader.state(), close: async () => void (await reader.return()) };
  };
}

function iterated<T>(samples: Iterable<T> | AsyncIterable<T>): SampleSet<T>['open'] {
  return (_epoch, state) => {
    const iterator = Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
    let taken = takenOf(state);
    let left = taken;
    return {
      async next() {
        for (; left > 0; left--) if ((await iterator.next()).done) return { done: true, value: undefined };
        const result = await iterator.next();
        if (result.done) return { done: true, value: undefined };
        taken++;
        return result;
      },
      state: () => ({ taken }),
      close: async () => void (await iterator.return?.()),
    };
  };
}

function takenOf(state: JsonValue): number {
  const taken = state === null ? 0 : (state as { taken?: unknown }).taken;
  if (Number.isSafeInteger(taken) && (taken as number) >= 0) return taken as number;
  throw new CheckpointError(
    'This is not the state of a DataLoader of such samples: it does not say how many were taken.',
  );
}
