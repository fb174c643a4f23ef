/** Texts' tokens, put one behind the other and cut into blocks. */
import { inspect } from 'node:util';

import { z } from 'zod';

import { DataError } from '../../errors';
import { ended, parseState, place, type Source } from './source';

const packForm = z.strictObject({ from: place.state, taken: place.count }).nullable();

/**
 * Blocks of equal length without padding; what is left at the very end is dropped. A state says which text the next block begins in, and
 * at which of its tokens.
 * @param endToken put behind each text
 */
export function pack(
  source: Source<ArrayLike<number>>,
  blockSize: number,
  endToken: number | null,
): Source<Uint32Array<ArrayBuffer>> {
  return {
    description: { kind: 'pack', blockSize, endToken, of: source.description },
    open(state, opening) {
      let { from, taken } = parseState(packForm, state, 'a stream of blocks') ?? { from: null, taken: 0 };
      const reader = source.open(from, opening);
      let text: ArrayLike<number> | undefined;
      const length = () => (text === undefined ? 0 : text.length + (endToken === null ? 0 : 1));
      return {
        async next() {
          const block = new Uint32Array(blockSize);
          for (let filled = 0; filled < blockSize;) {
            if (text !== undefined && taken >= length()) {
              from = reader.state();
              taken = 0;
              text = undefined;
            }
            if (text === undefined) {
              const { done, value } = await reader.next();
              if (done) return ended;
              text = value;
              continue;
            }
            const count = Math.min(blockSize - filled, text.length - taken);
            if (count > 0) block.set(sliceOf(text, taken, taken + count), filled);
            filled += Math.max(0, count);
            taken += Math.max(0, count);
            if (endToken === null || filled === blockSize || taken !== text.length) continue;
            block[filled++] = endToken;
            taken++;
          }
          return { done: false, value: block };
        },
        state: () => (text !== undefined && taken >= length() ? { from: reader.state(), taken: 0 } : { from, taken }),
        close: () => reader.close(),
      };
    },
  };
}

function sliceOf(tokens: ArrayLike<number>, start: number, end: number): ArrayLike<number> {
  if (ArrayBuffer.isView(tokens) && !isFloating(tokens)) return (tokens as Uint32Array).subarray(start, end);
  const slice = Array.prototype.slice.call(tokens, start, end) as unknown[];
  const wrong = slice.find((id) => !(Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 32));
  if (wrong !== undefined || slice.includes(undefined))
    throw new DataError(`A stream of tokens gave ${inspect(wrong)}, which is no token id.`);
  return slice as number[];
}

const isFloating = (view: ArrayBufferView) => view instanceof Float32Array || view instanceof Float64Array;
