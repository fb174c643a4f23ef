/** Parts of a stream: its beginning, its rest, one rank's share; and passes without end. */
import { z } from 'zod';

import { DataError } from '../../errors';
import { ended, parseState, place, type Source } from './source';

const countForm = z.strictObject({ from: place.state, taken: place.count }).nullable();

/** The first ones. */
export function take<T>(source: Source<T>, count: number): Source<T> {
  return {
    description: { kind: 'take', count, of: source.description },
    open(state, opening) {
      const { from, ...at } = parseState(countForm, state, 'the beginning of a stream') ?? { from: null, taken: 0 };
      let { taken } = at;
      const reader = source.open(from, opening);
      return {
        async next() {
          if (taken >= count) return ended;
          const result = await reader.next();
          if (!result.done) taken++;
          return result;
        },
        state: () => ({ from: reader.state(), taken }),
        close: () => reader.close(),
      };
    },
  };
}

/** All but the first ones. They are read once, not again on resuming. */
export function skip<T>(source: Source<T>, count: number): Source<T> {
  return {
    description: { kind: 'skip', count, of: source.description },
    open(state, opening) {
      const { from, ...at } = parseState(countForm, state, 'the rest of a stream') ?? { from: null, taken: 0 };
      let { taken } = at;
      const reader = source.open(from, opening);
      return {
        async next() {
          for (; taken < count; taken++) if ((await reader.next()).done) return ended;
          return reader.next();
        },
        state: () => ({ from: reader.state(), taken }),
        close: () => reader.close(),
      };
    },
  };
}

/**
 * What one rank of several reads: its own files where every rank can have as many, else every so-manyth sample, of which all ranks
 * get equally many.
 */
export function shard<T>(source: Source<T>, rank: number, worldSize: number): Source<T> {
  const part = source.partOf?.(rank, worldSize);
  if (part !== undefined) return part;
  return {
    description: { kind: 'shard', rank, worldSize, of: source.description },
    open(state, opening) {
      const reader = source.open(state, opening);
      return {
        async next() {
          let own: IteratorResult<T, undefined> = ended;
          for (let other = 0; other < worldSize; other++) {
            const result = await reader.next();
            if (result.done) return ended;
            if (other === rank) own = result;
          }
          return own;
        },
        state: () => reader.state(),
        close: () => reader.close(),
      };
    },
  };
}

const repeatForm = z.strictObject({ from: place.state, pass: place.count }).nullable();

/** Several passes, each of the epoch after the one before. */
export function repeat<T>(source: Source<T>, passes: number): Source<T> {
  return {
    description: { kind: 'repeat', passes: Number.isFinite(passes) ? passes : null, of: source.description },
    open(state, opening) {
      let { from, pass } = parseState(repeatForm, state, 'a repeated stream') ?? { from: null, pass: 0 };
      const open = () => source.open(from, { ...opening, epoch: opening.epoch + pass });
      let reader = open();
      let isEmpty = from === null;
      return {
        async next() {
          for (; pass < passes; isEmpty = true) {
            const result = await reader.next();
            if (!result.done) {
              isEmpty = false;
              return result;
            }
            await reader.close();
            if (isEmpty) {
              const which = pass === 0 ? 'The stream' : `Pass ${pass + 1} over the stream`;
              throw new DataError(`${which} gave not one sample, so that repeating it would never end.`);
            }
            pass++;
            from = null;
            reader = open();
          }
          return ended;
        },
        state: () => ({ from: reader.state(), pass }),
        close: () => reader.close(),
      };
    },
  };
}
