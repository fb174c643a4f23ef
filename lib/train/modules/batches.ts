/** What a module of one's own learns from: batches of any form. */
import { inspect } from 'node:util';

import { checkArgument } from '../../arguments';
import { DataLoader, streams } from '../../data';
import { ArgumentError } from '../../errors';
import type { JsonValue } from '../../json';

/**
 * Gives the batches of an epoch, and of the next one when it is iterated again: an array of batches, a `DataLoader`, a stream, or anything
 * of your own with `[Symbol.iterator]` or `[Symbol.asyncIterator]`. A generator, which can be iterated only once, is one epoch.
 */
export type Batches<Batch> = (Iterable<Batch> | AsyncIterable<Batch>) & {
  /** Batches in an epoch, where that is known. */
  readonly length?: number | null;
  /** Where the next batch comes from, in this epoch or the next; called before each step. Without it, a resumed epoch leaves out the batches that were taken. */
  state?(): JsonValue;
  /** Makes the next iteration begin there. */
  restore?(state: JsonValue): void | Promise<void>;
};

export interface ModuleSplits<Batch> {
  train: Batches<Batch>;
  validation?: Batches<Batch> | undefined;
}

/** @throws ArgumentError */
export function checkBatches(data: unknown): void {
  const origin = 'such as { train: batches, validation: batches },';
  checkArgument(data, 'object', `The data of a Trainer with its own loss, ${origin}`);
  const { train, validation } = data as Partial<Record<string, unknown>>;
  for (const [name, batches] of Object.entries({ train, validation })) {
    if (name === 'validation' && batches === undefined) continue;
    const { [Symbol.iterator]: iterate, [Symbol.asyncIterator]: iterateAsync } = Object(batches) as Batches<unknown> &
      Partial<Iterable<unknown> & AsyncIterable<unknown>>;
    const { length } = Object(batches) as { length?: unknown };
    if (length !== undefined && length !== null && !(Number.isInteger(length) && (length as number) >= 0))
      throw new ArgumentError(`data.${name}.length must be a number of batches, or null, not ${inspect(length)}.`);
    if (typeof batches === 'object' && (iterate !== undefined || iterateAsync !== undefined)) continue;
    throw new ArgumentError(
      `data.${name} gives no batches: an array of them, a DataLoader or another iterable is wanted.`,
    );
  }
}

/** A stream of batches as a loader: each epoch is another pass, and its place is kept. */
export function keepingPlace<Batch>(batches: Batches<Batch>): Batches<Batch> {
  if (!(batches instanceof streams.SampleStream)) return batches;
  return new DataLoader<Batch, Batch>(batches, { collate: ([batch]) => batch as Batch });
}

/** Batches that are the same, in the same order, each time: a loader that keeps its place, and shuffles, is set back. */
export function fromTheBeginning<Batch>(batches: Batches<Batch>): Batches<Batch> {
  if (batches.state === undefined || batches.restore === undefined) return batches;
  const beginning = batches.state();
  return {
    length: batches.length ?? null,
    async *[Symbol.asyncIterator]() {
      await batches.restore!(beginning);
      yield* batches;
    },
  };
}
