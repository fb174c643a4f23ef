/** Samples made from samples. */
import { z } from 'zod';

import { ended, parseState, place, type Source } from './source';

/** One sample for each. */
export function map<T, U>(source: Source<T>, change: (sample: T) => U | Promise<U>): Source<U> {
  return {
    description: { kind: 'map', of: source.description },
    open(state, opening) {
      const reader = source.open(state, opening);
      return {
        async next() {
          const { done, value } = await reader.next();
          return done ? ended : { done: false, value: await change(value) };
        },
        state: () => reader.state(),
        close: () => reader.close(),
      };
    },
  };
}

/** Only those that the function says yes to. */
export function filter<T>(source: Source<T>, wanted: (sample: T) => boolean | Promise<boolean>): Source<T> {
  return {
    description: { kind: 'filter', of: source.description },
    open(state, opening) {
      const reader = source.open(state, opening);
      return {
        async next() {
          for (;;) {
            const result = await reader.next();
            if (result.done || (await wanted(result.value))) return result;
          }
        },
        state: () => reader.state(),
        close: () => reader.close(),
      };
    },
  };
}

const flatForm = z.strictObject({ from: place.state, taken: place.count }).nullable();

/** Any number for each. Opened in the middle of what came of one sample, that one is made anew and its first ones are left out. */
export function flatMap<T, U>(
  source: Source<T>,
  change: (sample: T) => readonly U[] | Promise<readonly U[]>,
): Source<U> {
  return {
    description: { kind: 'flatMap', of: source.description },
    open(state, opening) {
      let { from, taken } = parseState(flatForm, state, 'a stream of flatMap') ?? { from: null, taken: 0 };
      const reader = source.open(from, opening);
      let made: readonly U[] | undefined;
      return {
        async next() {
          for (;;) {
            if (made !== undefined && taken < made.length) return { done: false, value: made[taken++] as U };
            if (made !== undefined) {
              from = reader.state();
              taken = 0;
              made = undefined;
            }
            const { done, value } = await reader.next();
            if (done) return ended;
            made = await change(value);
          }
        },
        state: () =>
          made !== undefined && taken >= made.length ? { from: reader.state(), taken: 0 } : { from, taken },
        close: () => reader.close(),
      };
    },
  };
}

/** So many samples as one; the last may be short, or is left out. */
export function batch<T>(source: Source<T>, size: number, dropLast: boolean): Source<T[]> {
  return {
    description: { kind: 'batch', size, dropLast, of: source.description },
    open(state, opening) {
      const reader = source.open(state, opening);
      return {
        async next() {
          const samples: T[] = [];
          while (samples.length < size) {
            const { done, value } = await reader.next();
            if (done) break;
            samples.push(value);
          }
          const isWhole = samples.length === size || (samples.length > 0 && !dropLast);
          return isWhole ? { done: false, value: samples } : ended;
        },
        state: () => reader.state(),
        close: () => reader.close(),
      };
    },
  };
}
