/** `at` and `set` of Tensor: NumPy's indexing, with PyTorch's rules of what is a view. */
import { ArgumentError } from '../../errors';
import { native, type Handle } from '../../native';
import { applyModes, currentContext } from '../context';
import { tensor, type TensorData } from '../creation';
import { isTypedArray, type Dtype } from '../dtype';
import type { Scalar } from '../signature';
import { Tensor } from '../tensor';
import { Slice } from './slice';
import type { Indexed } from './types';
import { describe, Word, type Index } from './words';

declare module '../tensor' {
  interface Tensor<out D extends Dtype, out R extends number> {
    /**
     * The elements at an index, as `x[...]` in Python: `x.at(0, slice(1, null, 2), null, mask, [0, 2])`. Dimensions without
     * an index of their own are taken whole. Numbers, ranges, `null` and `'...'` give a view of the same memory; tensors, arrays and
     * booleans copy. Where several of these stand side by side their common shape comes in their place, else first.
     * @throws ShapeError for a position out of bounds, more indices than dimensions, or shapes that do not go together
     * @throws ArgumentError and DtypeError for what is no index
     */
    at<const I extends readonly Index[]>(...index: I): Tensor<D, Indexed<R, I>>;
    /**
     * Writes to the elements at an index, as `x[...] = value` in Python; the value comes last and is broadcast: `x.set(0, slice(2), 1)`.
     * A number is converted as `fill_` does; the elements of an array must fit the tensor's dtype exactly, as in `torch.tensor`.
     * A tensor's elements are converted where numbers, ranges, `null` and `'...'` make the index, else its dtype must be the same.
     * @returns this tensor
     * @throws ShapeError when the value cannot be broadcast, and as `at` does
     */
    set(...indexAndValue: [...index: Index[], value: Scalar | Tensor | TensorData]): this;
  }
}

function at(this: Tensor, ...index: unknown[]): Tensor {
  const single = index.length === 1 ? singleWord(index[0]) : undefined;
  if (single === undefined) return atParts(this, index);
  const context = currentContext();
  applyModes(context);
  return new Tensor(indexed(this.handle, single, index[0]), context);
}

/** By an index of several parts, or one that is no single word. */
function atParts(self: Tensor, index: readonly unknown[]): Tensor {
  const words: number[] = [];
  const made = describe(index, words);
  try {
    const context = currentContext();
    applyModes(context);
    return new Tensor(native.index(self.handle, ...words), context);
  } finally {
    if (made !== undefined) for (const each of made) each.dispose();
  }
}

/** The word for the most frequent indices, of one part, which need no list. */
function singleWord(part: unknown): Word | undefined {
  if (Number.isSafeInteger(part)) return Word.Integer;
  if (part instanceof Slice) return Word.Slice;
  if (part === null) return Word.NewAxis;
  return part instanceof Tensor ? Word.Tensor : undefined;
}

function indexed(self: Handle, single: Word, part: unknown): Handle {
  switch (single) {
    case Word.Integer:
      return native.index(self, Word.Integer, part as number);
    case Word.Slice: {
      const { start, stop, step } = part as Slice;
      return native.index(self, Word.Slice, start, stop, step);
    }
    case Word.NewAxis:
      return native.index(self, Word.NewAxis);
    default:
      return native.index(self, Word.Tensor, (part as Tensor).handle);
  }
}

function set(this: Tensor, ...index: unknown[]): Tensor {
  if (index.length === 0) throw new ArgumentError('set() takes an index and, as its last argument, the value.');
  const value = index.pop();
  const words: number[] = [];
  const made = describe(index, words) ?? [];
  try {
    const assigned = valueTensor(value, this, made);
    applyModes();
    native.assignIndexed(this.handle, assigned === undefined ? null : assigned.handle, value, ...words);
    return this;
  } finally {
    for (const each of made) each.dispose();
  }
}

/** The value as a tensor, added to `made` where it is a new one; undefined for what crosses by itself, a number. */
function valueTensor(value: unknown, target: Tensor, made: Tensor[]): Tensor | undefined {
  if (value instanceof Tensor) return value;
  if (value === undefined) throw new ArgumentError('set() takes the value as its last argument; it is undefined.');
  if (!Array.isArray(value) && !isTypedArray(value)) return undefined;
  const assigned = tensor(value as TensorData, { dtype: target.dtype });
  made.push(assigned);
  return assigned;
}

for (const [name, value] of Object.entries({ at, set })) {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}
