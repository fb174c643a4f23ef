/** A shuffling buffer that can be left and found again without keeping a sample. */
import { z } from 'zod';

import type { JsonValue } from '../../json';
import { randomNumbers } from '../random';
import { ended, parseState, place, type Opening, type Reader, type Source } from './source';

const shuffleForm = z
  .strictObject({
    /** Where the chunk before this round's, or this round's where it is the first, begins. */
    from: place.state,
    round: place.count,
    taken: place.count,
  })
  .nullable();

/**
 * Samples are read a chunk, half a buffer, at a time. By lot each goes into this round or into the next; a round is then given out in a
 * drawn order. So a sample moves by up to a buffer, there is no border between chunks, and at most a buffer of samples is held; and
 * since the lots depend on seed, epoch and round only, any place is found again by reading two chunks.
 */
export function shuffle<T>(source: Source<T>, buffer: number, seed: number): Source<T> {
  return {
    description: { kind: 'shuffle', buffer, seed, of: source.description },
    open: (state, opening) => new ShuffleReader(source, Math.ceil(buffer / 2), seed, state, opening),
  };
}

class ShuffleReader<T> implements Reader<T> {
  readonly #reader: Reader<T>;
  #round: number;
  /** Samples of this round given out. */
  #taken: number;
  /** Where the chunks of the round before and of this one begin. */
  #previous: JsonValue;
  #current: JsonValue;
  /** This round's, the next one last. */
  #samples: T[] | undefined;
  #later: T[] = [];
  #isLast = false;

  constructor(
    source: Source<T>,
    private readonly chunk: number,
    private readonly seed: number,
    state: JsonValue,
    private readonly opening: Opening,
  ) {
    const { from, round, taken } = parseState(shuffleForm, state, 'a shuffled stream') ?? {
      from: null,
      round: 0,
      taken: 0,
    };
    this.#reader = source.open(from, opening);
    this.#round = round;
    this.#taken = taken;
    this.#previous = this.#current = from;
  }

  state(): JsonValue {
    return { from: this.#previous, round: this.#round, taken: this.#taken };
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    this.#samples ??= await this.#find();
    while (this.#samples.length === 0) {
      if (this.#isLast) return ended;
      this.#previous = this.#current;
      this.#round++;
      this.#taken = 0;
      this.#samples = await this.#fill();
    }
    this.#taken++;
    return { done: false, value: this.#samples.pop() as T };
  }

  /** The round that the state names, without what was given out of it. */
  async #find(): Promise<T[]> {
    if (this.#round > 0) {
      const { later } = await this.#read(this.#round - 1);
      this.#later = later;
    }
    const samples = await this.#fill();
    samples.length = Math.max(0, samples.length - this.#taken);
    return samples;
  }

  async #fill(): Promise<T[]> {
    this.#current = this.#reader.state();
    if (this.#round === 0) this.#previous = this.#current;
    const { now, later } = await this.#read(this.#round);
    const samples = [...this.#later, ...now];
    this.#later = later;
    const random = this.#random('order', this.#round);
    for (let last = samples.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [samples[last], samples[other]] = [samples[other] as T, samples[last] as T];
    }
    return samples;
  }

  /** A round's chunk. When the stream ends in it there is no later. */
  async #read(round: number): Promise<{ now: T[]; later: T[] }> {
    const random = this.#random('lots', round);
    const now: T[] = [];
    const later: T[] = [];
    for (let count = 0; count < this.chunk; count++) {
      const { done, value } = await this.#reader.next();
      if (done) {
        this.#isLast = true;
        return { now: [...now, ...later], later: [] };
      }
      (random() < 0.5 ? now : later).push(value);
    }
    return { now, later };
  }

  #random(what: string, round: number): () => number {
    return randomNumbers('shuffle', what, this.seed, this.opening.epoch, round);
  }
}
