/** Batches for modules of one's own. */
import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { checkArgument } from '../../arguments';
import { ArgumentError, CheckpointError } from '../../errors';
import type { JsonValue } from '../../json';
import { collate as collateSamples, type Collated } from './collate';
import { sampleSet, type EpochSamples, type Samples, type SampleSet } from './samples';

export interface DataLoaderOptions<T, Batch> {
  /** Samples in a batch. Default 1. */
  batchSize?: number;
  /** Another order in each epoch. Default: the samples' own. */
  shuffle?: boolean;
  /** Decides the orders. Default 0. */
  seed?: number;
  /** Leave out an epoch's last batch where it is short. Default false. */
  dropLast?: boolean;
  /** Makes a batch of samples. Default: `collate`. */
  collate?: ((samples: T[]) => Batch | Promise<Batch>) | undefined;
  /** The share of one of several processes: every so-manyth sample of the order, equally many for all. */
  shard?: { rank: number; worldSize: number };
}

const stateForm = z.strictObject({
  settings: z.record(z.string(), z.unknown()),
  epoch: z.int().nonnegative(),
  at: z.custom<JsonValue>((state) => state !== undefined),
});

/**
 * Goes through samples in batches, an epoch each time it is iterated:
 *
 *     const loader = new DataLoader(samples, { batchSize: 32, shuffle: true, seed: 42 });
 *     for (let epoch = 0; epoch < 3; epoch++) for await (const [x, y] of loader) ...
 *
 * Where it is can be kept and found again to the batch: of arrays and files without going through what came before.
 */
export class DataLoader<T, Batch = Collated<T>> implements AsyncIterable<Batch> {
  /** Batches in an epoch; null where the samples can only be iterated. */
  readonly length: number | null;
  readonly #samples: SampleSet<T>;
  readonly #batchSize: number;
  readonly #dropLast: boolean;
  readonly #collate: (samples: T[]) => Batch | Promise<Batch>;
  readonly #settings: Record<string, unknown>;
  /** The epoch at hand, or the next one. */
  #epoch = 0;
  /** Where in it the next iteration begins. */
  #at: JsonValue = null;
  #open: EpochSamples<T> | undefined;

  /** @throws ArgumentError */
  constructor(samples: Samples<T>, options: DataLoaderOptions<T, Batch> = {}) {
    const { batchSize = 1, shuffle = false, seed = 0, dropLast = false, shard = { rank: 0, worldSize: 1 } } = options;
    if (!(Number.isSafeInteger(batchSize) && batchSize >= 1))
      throw new ArgumentError(
        `batchSize of a DataLoader must be a whole number of at least 1, not ${String(batchSize)}.`,
      );
    if (!Number.isSafeInteger(seed))
      throw new ArgumentError(`seed of a DataLoader must be a whole number, not ${String(seed)}.`);
    const { rank, worldSize } = shard;
    if (!(Number.isSafeInteger(worldSize) && Number.isSafeInteger(rank) && rank >= 0 && rank < worldSize))
      throw new ArgumentError(`shard of a DataLoader: there is no rank ${String(rank)} of ${String(worldSize)}.`);
    if (options.collate !== undefined) checkArgument(options.collate, 'function', 'collate of a DataLoader');
    this.#samples = sampleSet(samples, { shuffle, seed, shard });
    this.#batchSize = batchSize;
    this.#dropLast = dropLast;
    this.#collate = options.collate ?? (collateSamples as unknown as (samples: T[]) => Batch);
    const { length } = this.#samples;
    this.length = length === null ? null : dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
    this.#settings = { samples: length, batchSize, shuffle, seed, dropLast, rank, worldSize };
  }

  /** The epoch that the next batch is of. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Where the next batch begins, as JSON: what `restore` takes, of a loader of the same samples and settings. */
  state(): JsonValue {
    return { settings: this.#settings, epoch: this.#epoch, at: this.#open?.state() ?? this.#at } as JsonValue;
  }

  /** Makes the next iteration begin there. @throws CheckpointError for a state of another loader, telling the differences */
  restore(state: JsonValue): void {
    const { data, success } = stateForm.safeParse(state);
    if (!success) throw new CheckpointError('This is not a state of a DataLoader.');
    const { settings, epoch, at } = data;
    const names = [...new Set([...Object.keys(settings), ...Object.keys(this.#settings)])];
    const differences = names
      .filter((name) => !isDeepStrictEqual(settings[name], this.#settings[name]))
      .map((name) => `${name} was ${JSON.stringify(settings[name])} and is ${JSON.stringify(this.#settings[name])}`);
    if (differences.length > 0)
      throw new CheckpointError(`The state is of another DataLoader: ${differences.join('; ')}.`);
    this.#open = undefined;
    this.#epoch = epoch;
    this.#at = at;
  }

  /** Begins where `restore` said; else an epoch, the next one where one was left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    if (this.#open !== undefined) this.#endEpoch();
    const samples = (this.#open = this.#samples.open(this.#epoch, this.#at));
    try {
      for (;;) {
        const batch = await this.#take(samples);
        if (batch === undefined) break;
        yield await this.#collate(batch);
      }
      if (this.#open === samples) this.#endEpoch();
    } finally {
      await samples.close();
    }
  }

  async #take(samples: EpochSamples<T>): Promise<T[] | undefined> {
    const batch: T[] = [];
    while (batch.length < this.#batchSize) {
      const { done, value } = await samples.next();
      if (done) break;
      batch.push(value);
    }
    const isShort = batch.length < this.#batchSize;
    return batch.length === 0 || (isShort && this.#dropLast) ? undefined : batch;
  }

  #endEpoch(): void {
    this.#open = undefined;
    this.#at = null;
    this.#epoch += 1;
  }
}
