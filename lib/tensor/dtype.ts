/** Element types: their names, and the typed arrays that carry them in JavaScript. */
import { DtypeError } from '../errors';
import { nearest } from './nearest';

/** A complex number as JavaScript sees it. */
export interface Complex {
  re: number;
  im: number;
}

/** Whether a value is a complex number, `{ re, im }` and nothing else. */
export function isComplex(value: unknown): value is Complex {
  if (typeof value !== 'object' || value === null) return false;
  const { re, im } = value as Partial<Complex>;
  return typeof re === 'number' && typeof im === 'number' && Object.keys(value).length === 2;
}

export type TypedArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** The kinds of element a tensor can be made from: `number`, `bigint`, `boolean` or `{ re, im }`. */
export type Kind = 'number' | 'bigint' | 'boolean' | 'complex';

interface DtypeFacts {
  /** Array whose memory layout is the dtype's own; float16 and bfloat16 travel as float32 and are converted by libtorch. */
  array: new (source: number | ArrayBuffer) => DataArray;
  /** Smallest and largest value, for integers. */
  range?: readonly [bigint, bigint];
  /** Smallest magnitude that rounds to infinity, where finite doubles reach it. */
  overflow?: number;
  floating?: true;
  complex?: true;
  /** The dtype in which values cross to native code, when it is not this one. */
  carrier?: 'float32';
}

/** What `data()` can give back. */
export type DataArray = Float64Array | Float32Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

const facts = {
  float64: { array: Float64Array, floating: true },
  float32: { array: Float32Array, floating: true, overflow: 3.4028235677973366e38 },
  float16: { array: Float32Array, floating: true, overflow: 65520, carrier: 'float32' },
  bfloat16: { array: Float32Array, floating: true, overflow: 3.3961775292304601e38, carrier: 'float32' },
  int64: { array: BigInt64Array, range: [-(2n ** 63n), 2n ** 63n - 1n] },
  int32: { array: Int32Array, range: [-(2n ** 31n), 2n ** 31n - 1n] },
  int16: { array: Int16Array, range: [-32768n, 32767n] },
  int8: { array: Int8Array, range: [-128n, 127n] },
  uint8: { array: Uint8Array, range: [0n, 255n] },
  bool: { array: Uint8Array },
  complex64: { array: Float32Array, complex: true, overflow: 3.4028235677973366e38 },
  complex128: { array: Float64Array, complex: true },
} satisfies Record<string, DtypeFacts>;

/** Name of an element type, as PyTorch calls it. */
export type Dtype = keyof typeof facts;

export const dtypes = Object.keys(facts) as readonly Dtype[];

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(facts, name);
}

export function dtypeFacts(dtype: Dtype): DtypeFacts {
  return facts[dtype];
}

/** @throws DtypeError when no dtype has this name */
export function checkDtype(name: unknown): Dtype {
  if (isDtype(name)) return name;
  const hint = typeof name === 'string' ? nearest(name, dtypes) : undefined;
  throw new DtypeError(
    `${JSON.stringify(name) ?? String(name)} is not a dtype${hint ? `; did you mean "${hint}"?` : '.'} There are: ${dtypes.join(', ')}.`,
  );
}

const dtypeOfArray: Record<string, Dtype> = {
  Float64Array: 'float64',
  Float32Array: 'float32',
  BigInt64Array: 'int64',
  Int32Array: 'int32',
  Int16Array: 'int16',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  // Unsigned types without a dtype of their own go to the next wider signed one.
  Uint16Array: 'int32',
  Uint32Array: 'int64',
  BigUint64Array: 'int64',
};

/** Tells typed arrays of any realm (workers, vm contexts) from everything else. */
export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && Object.hasOwn(dtypeOfArray, typedArrayName(value));
}

export function typedArrayName(view: ArrayBufferView): string {
  return (view as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? 'DataView';
}

/** The dtype that holds every value of such an array (Uint16Array -> int32, Uint32Array and BigUint64Array -> int64). */
export function inferDtype(array: TypedArray): Dtype {
  return dtypeOfArray[typedArrayName(array)]!;
}
