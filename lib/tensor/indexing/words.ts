/** Indices as numbers: all of an index crosses to native code at once. `native/tensor/indexing.cc` reads them. */
import { inspect } from 'node:util';

import { ArgumentError, DtypeError } from '../../errors';
import { tensor } from '../creation';
import { dtypeFacts, inferDtype, isTypedArray, typedArrayName, type Dtype, type TypedArray } from '../dtype';
import { Tensor } from '../tensor';
import { Slice } from './slice';

/** Positions along a dimension, or a mask of booleans over one or more dimensions. */
export type IndexArray = readonly (number | bigint)[] | readonly boolean[] | readonly IndexArray[] | TypedArray;

/**
 * What one place of `x.at(...)` takes:
 * - a whole number: that position, and the dimension goes; negative ones count from the end
 * - `slice(start, stop, step)`: a range of the dimension
 * - `null`: a new dimension of size 1
 * - `'...'`: all dimensions that the other indices leave
 * - a tensor or array of whole numbers: those positions, in its shape; several such indices broadcast together
 * - a tensor or array of booleans (or of uint8): where it is true, for as many dimensions as it has
 * - a boolean: a new dimension of size 1 for true, of size 0 for false
 */
export type Index = number | bigint | boolean | null | '...' | Slice | Tensor | IndexArray;

/** How each part begins, with what follows. */
export enum Word {
  /** The position. */
  Integer,
  /** Start, stop, step. */
  Slice,
  NewAxis,
  Ellipsis,
  /** 0 or 1. */
  Boolean,
  /** The handle. */
  Tensor,
}

/**
 * Appends an index's description to `words`.
 * @returns the tensors made of arrays, to be disposed of after use; undefined when there are none
 */
export function describe(index: readonly unknown[], words: number[]): Tensor[] | undefined {
  let made: Tensor[] | undefined;
  let ellipses = 0;
  for (let place = 0; place < index.length; place++) {
    const part = index[place];
    if (typeof part === 'number') {
      if (!Number.isSafeInteger(part)) throw refusal(place, part);
      words.push(Word.Integer, part);
    } else if (part instanceof Slice) words.push(Word.Slice, part.start, part.stop, part.step);
    else if (part === null) words.push(Word.NewAxis);
    else if (part instanceof Tensor) words.push(Word.Tensor, part.handle);
    else if (part === '...') {
      if (++ellipses > 1) throw new ArgumentError("An index holds '...' at most once.");
      words.push(Word.Ellipsis);
    } else if (typeof part === 'boolean') words.push(Word.Boolean, Number(part));
    else if (typeof part === 'bigint') words.push(Word.Integer, Number(part));
    else if (Array.isArray(part) || isTypedArray(part)) {
      const positions = tensor(part, { dtype: indexDtype(part) });
      (made ??= []).push(positions);
      words.push(Word.Tensor, positions.handle);
    } else throw refusal(place, part);
  }
  return made;
}

/** Positions are int64, masks bool; a Uint8Array, in which the elements of a mask are read back, is one. */
function indexDtype(array: readonly unknown[] | TypedArray): Dtype {
  if (isTypedArray(array)) {
    const dtype = inferDtype(array);
    if (dtypeFacts(dtype).floating)
      throw new DtypeError(`A ${typedArrayName(array)} cannot be an index; give integers.`);
    return dtype === 'uint8' ? dtype : 'int64';
  }
  let first: unknown = array;
  while (Array.isArray(first)) first = first[0];
  return typeof first === 'boolean' ? 'bool' : 'int64';
}

function refusal(place: number, part: unknown): ArgumentError {
  const found = inspect(part, { depth: 0, breakLength: Infinity, maxStringLength: 60 });
  return new ArgumentError(
    `Index ${place} is ${found}; an index is a whole number, slice(start, stop, step), null for a new dimension, '...', ` +
      'a boolean, or a tensor or array of whole numbers or booleans.',
  );
}
