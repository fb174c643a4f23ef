/** Streams of samples: pieces put together, and read from anywhere. */
import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { checkArgument } from '../../arguments';
import { ArgumentError, CheckpointError } from '../../errors';
import type { JsonObject, JsonValue } from '../../json';
import { throwIfAborted } from '../abort';
import { turn } from './event-loop';
import { repeat, shard, skip, take } from './limits';
import { pack } from './pack';
import { shuffle } from './shuffle';
import { ended, parseState, place, type Damage, type Reader, type Source } from './source';
import { batch, filter, flatMap, map } from './transform';

export interface OpenOptions {
  /** What `state` of a former reader of the same stream gave: samples go on from there. Default: from the beginning. */
  state?: JsonValue;
  /** Passes over the data before this one; orders drawn by chance differ from pass to pass. Default 0. */
  epoch?: number;
  /** Ends reading with an AbortError, also where a source gives nothing. */
  signal?: AbortSignal | undefined;
  /** Told of what `onDamage: 'skip'` passed over. Default: a warning of the process. */
  onDamage?: (damage: Damage) => void;
}

/**
 * Samples that are read one by one, as often as one likes, from the beginning or from where a state says: exactly, and without reading
 * again what came before wherever files can be sought. Nothing is read before it is asked for. Each method gives a new stream.
 *
 *     const stream = streams.jsonl('shards/').map(({ text }) => text).shuffle({ buffer: 10_000, seed: 42 });
 *     for await (const text of stream) ...
 *
 * Functions given to `map`, `filter` and `flatMap` may be asynchronous; given the same sample, they must give the same again.
 */
export class SampleStream<T> implements AsyncIterable<T> {
  /** @internal */
  readonly source: Source<T>;

  /** @internal Made by `streams.jsonl` and its kin. */
  constructor(source: Source<T>) {
    this.source = source;
  }

  /** One sample for each. */
  map<U>(change: (sample: T) => U | Promise<U>): SampleStream<U> {
    checkArgument(change, 'function', 'What map changes samples with');
    return new SampleStream(map(this.source, change));
  }

  /** Only those that the function says yes to. */
  filter(wanted: (sample: T) => boolean | Promise<boolean>): SampleStream<T> {
    checkArgument(wanted, 'function', 'What filter chooses by');
    return new SampleStream(filter(this.source, wanted));
  }

  /** Any number of samples for each. */
  flatMap<U>(change: (sample: T) => readonly U[] | Promise<readonly U[]>): SampleStream<U> {
    checkArgument(change, 'function', 'What flatMap changes samples with');
    return new SampleStream(flatMap(this.source, change));
  }

  /**
   * A drawn order, the same for the same seed, another in each epoch. A sample moves by up to `buffer` places, and so many are held at most.
   * Resuming reads the last `buffer` samples again: shuffle before what is costly.
   */
  shuffle({ buffer, seed }: { buffer: number; seed: number }): SampleStream<T> {
    checkCount(buffer, 2, 'buffer');
    checkCount(seed, 0, 'seed');
    return new SampleStream(shuffle(this.source, buffer, seed));
  }

  /**
   * The share of one of several processes. Right behind a stream of files, of which `worldSize` is a divisor of the number, it is every
   * so-manyth file; else every so-manyth sample, equally many for all.
   */
  shard({ rank, worldSize }: { rank: number; worldSize: number }): SampleStream<T> {
    checkCount(worldSize, 1, 'worldSize');
    checkCount(rank, 0, 'rank');
    if (rank >= worldSize)
      throw new ArgumentError(`There is no rank ${rank} of ${worldSize}: ranks go from 0 to ${worldSize - 1}.`);
    return new SampleStream(shard(this.source, rank, worldSize));
  }

  /** The first samples. */
  take(count: number): SampleStream<T> {
    checkCount(count, 0, 'count');
    return new SampleStream(take(this.source, count));
  }

  /** All but the first samples. */
  skip(count: number): SampleStream<T> {
    checkCount(count, 0, 'count');
    return new SampleStream(skip(this.source, count));
  }

  /** Several passes, by default without end, each as the next epoch. */
  repeat(passes = Infinity): SampleStream<T> {
    if (passes !== Infinity) checkCount(passes, 1, 'passes');
    return new SampleStream(repeat(this.source, passes));
  }

  /** So many samples as one. The last is short, or left out with `dropLast`. */
  batch(size: number, { dropLast = false }: { dropLast?: boolean } = {}): SampleStream<T[]> {
    checkCount(size, 1, 'size');
    return new SampleStream(batch(this.source, size, dropLast));
  }

  /**
   * Token ids of texts, one behind the other, cut into blocks of `blockSize`: what a language model is trained on.
   * @param options `endToken` is put behind each text; default none
   */
  pack(
    this: SampleStream<ArrayLike<number>>,
    { blockSize, endToken = null }: { blockSize: number; endToken?: number | null },
  ): SampleStream<Uint32Array<ArrayBuffer>> {
    checkCount(blockSize, 1, 'blockSize');
    if (endToken !== null) checkCount(endToken, 0, 'endToken');
    return new SampleStream(pack(this.source, blockSize, endToken));
  }

  /** Tokens in each sample where `pack` made them; undefined where that is not known. */
  get blockSize(): number | undefined {
    return blockSizeOf(this.source.description);
  }

  /** @throws CheckpointError for a state that is not of this stream, telling the differences */
  open(options: OpenOptions = {}): StreamReader<T> {
    return new StreamReader(this.source, options);
  }

  [Symbol.asyncIterator](): StreamReader<T> {
    return this.open();
  }
}

/** Pieces that give the samples they are given. */
const choosing = new Set<unknown>(['take', 'skip', 'shard', 'repeat', 'shuffle']);

function blockSizeOf({ kind, blockSize, of }: JsonObject): number | undefined {
  if (kind === 'pack') return blockSize as number;
  return choosing.has(kind) ? blockSizeOf(of as JsonObject) : undefined;
}

const stateForm = z.strictObject({ stream: place.state, at: place.state });

/** Reads a stream once. Leaving a `for await` closes it; the state stays. */
export class StreamReader<T> implements AsyncIterableIterator<T, undefined> {
  readonly #source: Source<T>;
  readonly #reader: Reader<T>;
  readonly #signal: AbortSignal | undefined;
  #isBusy = false;
  #isClosed = false;

  /** @internal */
  constructor(source: Source<T>, { state = null, epoch = 0, signal, onDamage = warn }: OpenOptions) {
    this.#source = source;
    this.#signal = signal;
    this.#reader = source.open(state === null ? null : placeIn(source, state), { epoch, signal, onDamage });
  }

  /** The next sample. To be called again when the one before has come. */
  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#isBusy) throw new ArgumentError('A stream gives one sample at a time: await the one before the next.');
    if (this.#isClosed) return ended;
    this.#isBusy = true;
    let result: IteratorResult<T, undefined> = ended;
    try {
      throwIfAborted(this.#signal);
      const waits = turn();
      if (waits !== undefined) await waits;
      result = await this.#reader.next();
    } finally {
      this.#isBusy = false;
      if (result.done) await this.#close();
    }
    return result;
  }

  /** Where the next sample comes from, as JSON, some hundred bytes: what `open` takes. */
  state(): JsonValue {
    return { stream: this.#source.description, at: this.#reader.state() };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#close();
    return ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#reader.close();
  }
}

function warn({ message }: Damage): void {
  process.emitWarning(message, 'DataWarning');
}

function placeIn({ description }: Source<unknown>, state: JsonValue): JsonValue {
  const { stream, at } = parseState(stateForm, state, 'a stream');
  const differences = differ(stream, description, '');
  if (differences.length === 0) return at;
  throw new CheckpointError(`The state is of another stream: ${differences.join('; ')}.`);
}

/** Where two descriptions differ, in words. */
function differ(then: JsonValue, now: JsonValue, name: string): string[] {
  if (isDeepStrictEqual(then, now)) return [];
  const [a, b] = [then, now].map((value) =>
    typeof value === 'object' && value !== null ? Object.entries(value) : undefined,
  );
  if (a === undefined || b === undefined || Array.isArray(then) !== Array.isArray(now))
    return [`${name} was ${JSON.stringify(then)} and is ${JSON.stringify(now)}`];
  const [before, after] = [new Map(a), new Map(b)];
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) =>
    differ(before.get(key) ?? null, after.get(key) ?? null, name === '' || key === 'of' ? key : `${name}.${key}`),
  );
}

function checkCount(value: unknown, least: number, name: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw new ArgumentError(`${name} of a stream must be a whole number of at least ${least}, not ${String(value)}.`);
}
