/** `torch.tensor`: tensors from JavaScript values, exactly or not at all. */
import { ArgumentError, DtypeError, ShapeError } from '../errors';
import { native } from '../native';
import { applyModes } from './context';
import { checkDevice, type Device } from './device';
import {
  checkDtype,
  dtypeFacts,
  inferDtype,
  isComplex,
  isTypedArray,
  typedArrayName,
  type Dtype,
  type Kind,
  type TypedArray,
} from './dtype';
import { encode } from './encode';
import { convert } from './raw';
import { Tensor } from './tensor';
import type { DtypeOfData, RankOf, RankOfData } from './types';
import type { Element } from './values';

/** A single element, nested arrays of elements (all of one kind, not ragged), or a typed array. */
export type TensorData = Element | TypedArray | readonly TensorData[];

export interface TensorOptions<T extends Dtype = Dtype> {
  /** Default by the elements: number -> float32, bigint -> int64, boolean -> bool, `{ re, im }` -> complex64, typed array -> its own. */
  dtype?: T;
  device?: Device;
  requiresGrad?: boolean;
  /** For typed arrays, which are flat; default one dimension. A typed array for a complex dtype holds real and imaginary parts in turn. */
  shape?: readonly number[];
}

const defaultDtype: Record<Kind, Dtype> = { number: 'float32', bigint: 'int64', boolean: 'bool', complex: 'complex64' };

/**
 * Copies values into a new tensor. Numbers make a float32 tensor, whole or not, unless `dtype` says otherwise.
 * @throws ShapeError for ragged arrays or a `shape` that does not fit
 * @throws DtypeError for elements of mixed kinds, and for values that the dtype cannot hold: 1.5 as an integer, 300 as
 *   uint8, an unsafe number as int64, a finite number beyond a float's range. Rounding to a float's precision is no error.
 */
export function tensor<const S extends readonly number[], A extends TypedArray, T extends Dtype = DtypeOfData<A>>(
  data: A,
  options: TensorOptions<T> & { shape: S },
): Tensor<T, RankOf<S>>;
export function tensor<A extends TensorData, T extends Dtype = DtypeOfData<A>>(
  data: A,
  options?: TensorOptions<T>,
): Tensor<T, RankOfData<A>>;
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  const { values, kind, shape, inferred } = isTypedArray(data)
    ? fromTypedArray(data, options)
    : fromNested(data, options);
  const dtype = options.dtype === undefined ? inferred : checkDtype(options.dtype);
  const device = checkDevice(options.device ?? 'cpu');
  const { carrier } = dtypeFacts(dtype);
  applyModes();
  let handle = native.fromBuffer(encode(values, kind, dtype), shape, carrier ?? dtype, device);
  if (carrier !== undefined) {
    const wide = handle;
    try {
      handle = convert(wide, dtype, undefined);
    } finally {
      native.free(wide);
    }
  }
  const made = new Tensor(handle);
  return options.requiresGrad ? made.requiresGrad_() : made;
}

/** Elements in row-major order, still as JavaScript gave them. A typed array of complex numbers keeps its pairs flat. */
interface Flat {
  values: TypedArray | readonly Element[];
  kind: Kind;
  shape: number[];
  inferred: Dtype;
}

function fromTypedArray(array: TypedArray, options: TensorOptions): Flat {
  const paired = options.dtype !== undefined && dtypeFacts(checkDtype(options.dtype)).complex === true;
  if (paired && array.length % 2 !== 0) {
    throw new ShapeError(
      `A typed array for ${options.dtype} holds real and imaginary parts in turn; ${array.length} elements make no pairs.`,
    );
  }
  const count = paired ? array.length / 2 : array.length;
  const shape = [...(options.shape ?? [count])];
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new ShapeError(`The shape [${shape.join(', ')}] must hold whole numbers from 0 on.`);
  }
  if (shape.reduce((product, size) => product * size, 1) !== count) {
    throw new ShapeError(
      `The shape [${shape.join(', ')}] does not hold the ${count} elements of the ${typedArrayName(array)}.`,
    );
  }
  const kind = typeof array[0] === 'bigint' ? 'bigint' : 'number';
  return { values: array, kind, shape, inferred: inferDtype(array) };
}

function fromNested(data: TensorData, options: TensorOptions): Flat {
  if (options.shape !== undefined) {
    throw new ArgumentError('The option "shape" is for typed arrays; nested arrays have a shape of their own.');
  }
  const shape: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values: Element[] = [];
  let kind: Kind | undefined;
  const visit = (value: unknown, dimension: number): void => {
    if (dimension < shape.length) {
      if (!Array.isArray(value) || value.length !== shape[dimension]) throw ragged(value, dimension, shape);
      for (const each of value as unknown[]) visit(each, dimension + 1);
      return;
    }
    if (Array.isArray(value)) throw ragged(value, dimension, shape);
    const kindHere = kindOf(value);
    kind ??= kindHere;
    if (kindHere !== kind) {
      throw new DtypeError(`All elements of a tensor must be of one kind; found ${kind} and ${kindHere} together.`);
    }
    values.push(value as Element);
  };
  visit(data, 0);
  kind ??= 'number';
  return { values, kind, shape, inferred: defaultDtype[kind] };
}

function ragged(value: unknown, dimension: number, shape: readonly number[]): ShapeError {
  const found = Array.isArray(value) ? `an array of ${value.length}` : 'a single element';
  const wanted = dimension < shape.length ? `an array of ${shape[dimension]}` : 'a single element';
  return new ShapeError(
    `Nested arrays must not be ragged: dimension ${dimension} has ${wanted} in one place and ${found} in another.`,
  );
}

function kindOf(value: unknown): Kind {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return typeof value as Kind;
  if (isComplex(value)) return 'complex';
  const found =
    value === null ? 'null' : isTypedArray(value) ? `a ${typedArrayName(value)} within an array` : typeof value;
  throw new DtypeError(`A tensor is made of numbers, bigints, booleans or { re, im }; found ${found}.`);
}
