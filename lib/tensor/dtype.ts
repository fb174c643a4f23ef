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

/** Name of an element type, as PyTorch calls it. */
export type Dtype =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128'
  | 'complex32'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float8_e4m3fn'
  | 'float8_e5m2';

interface DtypeFacts {
  /** Array whose memory layout is the dtype's own; narrow floats travel as float32 and are converted by libtorch. */
  array: new (source: number | ArrayBuffer) => DataArray;
  /** Bytes of one element in memory. */
  bytes: number;
  /** Smallest and largest value, for integers. */
  range?: readonly [bigint, bigint];
  /** Smallest magnitude that rounds to infinity, where finite doubles reach it. */
  overflow?: number;
  floating?: true;
  complex?: true;
  /** The dtype in which values cross to native code, when it is not this one. */
  carrier?: 'float32' | 'complex64';
}

/** What `data()` can give back. */
export type DataArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

const facts = {
  float64: { array: Float64Array, bytes: 8, floating: true },
  float32: { array: Float32Array, bytes: 4, floating: true, overflow: 3.4028235677973366e38 },
  float16: { array: Float32Array, bytes: 2, floating: true, overflow: 65520, carrier: 'float32' },
  bfloat16: { array: Float32Array, bytes: 2, floating: true, overflow: 3.3961775292304601e38, carrier: 'float32' },
  int64: { array: BigInt64Array, bytes: 8, range: [-(2n ** 63n), 2n ** 63n - 1n] },
  int32: { array: Int32Array, bytes: 4, range: [-(2n ** 31n), 2n ** 31n - 1n] },
  int16: { array: Int16Array, bytes: 2, range: [-32768n, 32767n] },
  int8: { array: Int8Array, bytes: 1, range: [-128n, 127n] },
  uint8: { array: Uint8Array, bytes: 1, range: [0n, 255n] },
  bool: { array: Uint8Array, bytes: 1 },
  complex64: { array: Float32Array, bytes: 8, complex: true, overflow: 3.4028235677973366e38 },
  complex128: { array: Float64Array, bytes: 16, complex: true },
  // libtorch has few operators for those below: they are for files and memory.
  complex32: { array: Float32Array, bytes: 4, complex: true, overflow: 65520, carrier: 'complex64' },
  uint16: { array: Uint16Array, bytes: 2, range: [0n, 65535n] },
  uint32: { array: Uint32Array, bytes: 4, range: [0n, 2n ** 32n - 1n] },
  uint64: { array: BigUint64Array, bytes: 8, range: [0n, 2n ** 64n - 1n] },
  float8_e4m3fn: { array: Float32Array, bytes: 1, floating: true, overflow: 464.00003051757813, carrier: 'float32' },
  float8_e5m2: { array: Float32Array, bytes: 1, floating: true, overflow: 61440, carrier: 'float32' },
} satisfies Record<Dtype, DtypeFacts>;

type Having<Fact extends string> = { [D in Dtype]: (typeof facts)[D] extends Record<Fact, unknown> ? D : never }[Dtype];
export type FloatDtype = Having<'floating'>;
export type ComplexDtype = Having<'complex'>;

/** What `data()` gives, by dtype. */
export type DataArrays = { [D in Dtype]: InstanceType<(typeof facts)[D]['array']> };

export const dtypes = Object.keys(facts) as readonly Dtype[];

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(facts, name);
}

export function dtypeFacts(dtype: Dtype): DtypeFacts {
  return facts[dtype];
}

/** Bytes of one element in memory. */
export function dtypeBytes(dtype: Dtype): number {
  return facts[dtype].bytes;
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
  // libtorch calculates little with wide unsigned integers: they go to the next wider signed ones.
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
