/** One stream out of several, by weights. */
import { z } from 'zod';

import { DataError } from '../../errors';
import type { JsonValue } from '../../json';
import { RandomNumbers } from '../random';
import { ended, parseState, place, type Opening, type Reader, type Source } from './source';

/** What to do when one of the streams ends: end; go on with the others; or begin it anew, until each has been through once. */
export type WhenOneEnds = 'stop' | 'drop' | 'repeat';

export interface WeightedSource<T> {
  source: Source<T>;
  weight: number;
}

const word = z.int32();
const mixForm = z
  .strictObject({
    random: z.tuple([word, word, word, word]),
    sources: z.array(
      z.strictObject({
        from: place.state,
        /** Passes begun anew. */
        pass: place.count,
        /** It has ended for good. */
        ended: z.boolean(),
      }),
    ),
  })
  .nullable();

interface Part<T> {
  reader: Reader<T>;
  pass: number;
  ended: boolean;
  /** Nothing was given in this pass. */
  isEmpty: boolean;
}

/** Each sample comes from a stream drawn by the weights. */
export function mix<T>(parts: readonly WeightedSource<T>[], seed: number, whenOneEnds: WhenOneEnds): Source<T> {
  return {
    description: {
      kind: 'mix',
      seed,
      whenOneEnds,
      weights: parts.map(({ weight }) => weight),
      of: parts.map(({ source }) => source.description),
    },
    open: (state, opening) => new MixReader(parts, seed, whenOneEnds, state, opening),
  };
}

class MixReader<T> implements Reader<T> {
  readonly #random: RandomNumbers;
  readonly #parts: Part<T>[];

  constructor(
    private readonly sources: readonly WeightedSource<T>[],
    seed: number,
    private readonly whenOneEnds: WhenOneEnds,
    state: JsonValue,
    private readonly opening: Opening,
  ) {
    const known = parseState(mixForm, state, 'a mixed stream');
    this.#random = known === null ? RandomNumbers.of('mix', seed, opening.epoch) : new RandomNumbers(known.random);
    this.#parts = sources.map((_, index) => {
      const { from, pass, ended } = known?.sources[index] ?? { from: null, pass: 0, ended: false };
      return { reader: this.#open(index, from, pass), pass, ended, isEmpty: from === null };
    });
  }

  state(): JsonValue {
    return {
      random: this.#random.state,
      sources: this.#parts.map(({ reader, pass, ended }) => ({ from: ended ? null : reader.state(), pass, ended })),
    };
  }

  async close(): Promise<void> {
    for (const { reader } of this.#parts) await reader.close();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const index = this.#draw();
      if (index === undefined) return ended;
      const part = this.#parts[index] as Part<T>;
      for (;;) {
        const result = await part.reader.next();
        if (!result.done) {
          part.isEmpty = false;
          return result;
        }
        await part.reader.close();
        if (this.whenOneEnds !== 'repeat') break;
        if (part.isEmpty)
          throw new DataError(`Stream ${index + 1} of ${this.#parts.length} that are mixed gave not one sample.`);
        part.pass++;
        part.isEmpty = true;
        if (this.#parts.every(({ pass }) => pass > 0)) break;
        part.reader = this.#open(index, null, part.pass);
      }
      if (this.whenOneEnds === 'drop') part.ended = true;
      else for (const each of this.#parts) each.ended = true;
    }
  }

  #open(index: number, from: JsonValue, pass: number): Reader<T> {
    const { source } = this.sources[index] as WeightedSource<T>;
    return source.open(from, { ...this.opening, epoch: this.opening.epoch + pass });
  }

  /** The number of a stream that has not ended. */
  #draw(): number | undefined {
    const weights = this.sources.map(({ weight }, index) => (this.#parts[index]?.ended ? 0 : weight));
    let mark = this.#random.next() * weights.reduce((sum, weight) => sum + weight, 0);
    let drawn: number | undefined;
    for (const [index, weight] of weights.entries()) {
      if (weight === 0) continue;
      drawn = index; // the last one also where rounding leaves a mark beyond all
      mark -= weight;
      if (mark < 0) break;
    }
    return drawn;
  }
}
