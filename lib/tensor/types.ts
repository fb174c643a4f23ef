/**
 * What types know of a tensor's dtype `D` and rank `R`, its number of dimensions. What depends on them is looked up in tables, never
 * decided by conditions on them, so that TypeScript sees that a `Tensor<'float32', 2>` is a `Tensor`. Ranks that are not in the
 * tables, and those that are not known, are `number`. What comes of a plain `Tensor` is plain again, so that it can be assigned
 * to the same variable.
 */
import type { Complex, ComplexDtype, DataArrays, Dtype, FloatDtype, TypedArray } from './dtype';
import type { Integer } from './signature';

// dtypes --------------------------------------------------------------------------------------------------------------

type InexactDtype = FloatDtype | ComplexDtype;
/** Of these nothing is said, and so, their being among all dtypes, neither of those that are not known. */
type RareDtype = 'complex32' | 'uint16' | 'uint32' | 'uint64' | 'float8_e4m3fn' | 'float8_e5m2';
type Table<T extends Record<Dtype, Dtype>> = { [D in Dtype]: D extends RareDtype ? Dtype : T[D] };

/** One element in `toArray()`. */
export type Elements = {
  [D in Dtype]: D extends 'bool' ? boolean : D extends ComplexDtype ? Complex : DataArrays[D][number];
};

/** One element in `toArray({ int64: 'number' })`. */
export type NumberElements = { [D in Dtype]: D extends 'int64' | 'uint64' ? number : Elements[D] };

/** What `item()` gives: nothing for complex elements. */
export type Items = { [D in Dtype]: D extends ComplexDtype ? never : number };

/** Of functions that compute in floating point, such as `exp`. */
export type Inexact = Table<{ [D in Dtype]: D extends InexactDtype ? D : 'float32' }>;

interface Parts {
  complex64: 'float32';
  complex128: 'float64';
}

/** Of absolute values, and of the parts of complex numbers. */
export type Real = Table<{ [D in Dtype]: D extends keyof Parts ? Parts[D] : D }>;

/** Of sums and products: whole numbers and booleans become int64. */
export type Summed = Table<{ [D in Dtype]: D extends InexactDtype ? D : 'int64' }>;

/** Of `all` and `any`. */
export type Tested = Table<{ [D in Dtype]: D extends 'uint8' ? 'uint8' : 'bool' }>;

/** Of arithmetic with a number: a fraction turns whole numbers into float32. */
export type WithNumber = Table<{
  [D in Dtype]: D extends InexactDtype ? D : D extends 'bool' ? 'bool' | 'int64' | 'float32' : D | 'float32';
}>;

/** Of arithmetic with another tensor, whose dtype comes second. Of two dtypes it depends on the ranks what comes of them. */
export type Promoted = { [D in Dtype]: { [E in Dtype]: D extends E ? D : Dtype } };

/** As `Promoted`, of functions that compute in floating point, such as `div`. */
export type InexactPromoted = { [D in Dtype]: { [E in Dtype]: D extends E ? Inexact[D] : Dtype } };

// ranks ---------------------------------------------------------------------------------------------------------------

/** Makes a rank `number` where that of the tensor is not known: `2 | Plain[R]`. */
export type Plain = Ranks<number, never, never, never, never, never, never, never>;

/** One dimension more. */
export interface Up {
  [rank: number]: number;
  0: 1;
  1: 2;
  2: 3;
  3: 4;
  4: 5;
  5: 6;
}

/** One dimension less. */
export interface Down {
  [rank: number]: number;
  1: 0;
  2: 1;
  3: 2;
  4: 3;
  5: 4;
  6: 5;
}

/** By rank, from 0 on. */
interface Ranks<
  Unknown,
  R0 extends Unknown,
  R1 extends Unknown,
  R2 extends Unknown,
  R3 extends Unknown,
  R4 extends Unknown,
  R5 extends Unknown,
  R6 extends Unknown,
> {
  [rank: number]: Unknown;
  0: R0;
  1: R1;
  2: R2;
  3: R3;
  4: R4;
  5: R5;
  6: R6;
}
type Row<
  R0 extends number,
  R1 extends number,
  R2 extends number,
  R3 extends number,
  R4 extends number,
  R5 extends number,
  R6 extends number,
> = Ranks<number, R0, R1, R2, R3, R4, R5, R6>;
type AnyRow = Row<number, number, number, number, number, number, number>;

/** `shape`. */
export type Shapes = Ranks<
  number[],
  [],
  [number],
  [number, number],
  [number, number, number],
  [number, number, number, number],
  [number, number, number, number, number],
  [number, number, number, number, number, number]
>;

/** Elements in as many levels of arrays as the tensor has dimensions. */
export type Nested<E> = Ranks<E | NestedArrays<E>, E, E[], E[][], E[][][], E[][][][], E[][][][][], E[][][][][][]>;
export type NestedArrays<E> = (E | NestedArrays<E>)[];

/** Of two tensors broadcast together. */
export type Broadcast = Ranks<
  AnyRow,
  Row<0, 1, 2, 3, 4, 5, 6>,
  Row<1, 1, 2, 3, 4, 5, 6>,
  Row<2, 2, 2, 3, 4, 5, 6>,
  Row<3, 3, 3, 3, 4, 5, 6>,
  Row<4, 4, 4, 4, 4, 5, 6>,
  Row<5, 5, 5, 5, 5, 5, 6>,
  Row<6, 6, 6, 6, 6, 6, 6>
>;

/** Of a matrix product. */
export type Product = Ranks<
  AnyRow,
  AnyRow,
  Row<number, 0, 1, 2, 3, 4, 5>,
  Row<number, 1, 2, 3, 4, 5, 6>,
  Row<number, 2, 3, 3, 4, 5, 6>,
  Row<number, 3, 4, 4, 4, 5, 6>,
  Row<number, 4, 5, 5, 5, 5, 6>,
  Row<number, 5, 6, 6, 6, 6, 6>
>;

// arguments: conditions on them alone are harmless --------------------------------------------------------------------------

/** The rank of a tensor of this shape; one number is a shape of one dimension. */
export type RankOf<S> = S extends readonly unknown[] ? S['length'] : 1;

/** Of a tensor of rank `R` that takes this shape. */
export type Shaped<R extends number, S> = RankOf<S> | Plain[R];

/** Of a tensor reduced over dimensions `Dims` (all of them for null), which stay with size 1 where `Keep` is true. */
export type Reduced<R extends number, Dims, Keep> = Keep extends true
  ? R
  : Dims extends null | undefined | readonly []
    ? 0 | Plain[R]
    : Dims extends Integer | readonly [Integer]
      ? Down[R]
      : Dims extends readonly [Integer, Integer]
        ? Down[Down[R]]
        : number;

/** Of nested arrays. */
export type RankOfData<T> = T extends readonly (infer Item)[]
  ? [Item] extends [never]
    ? 1
    : T extends Item
      ? number
      : Up[RankOfData<Item>]
  : T extends TypedArray
    ? 1
    : 0;

/** The dtype that `torch.tensor` gives such data. */
export type DtypeOfData<T> = T extends readonly (infer Item)[]
  ? [Item] extends [never]
    ? 'float32'
    : T extends Item
      ? Dtype
      : DtypeOfData<Item>
  : T extends number
    ? 'float32'
    : T extends bigint
      ? 'int64'
      : T extends boolean
        ? 'bool'
        : T extends Complex
          ? 'complex64'
          : DtypeOfArray<T>;

type DtypeOfArray<T> = T extends Float64Array
  ? 'float64'
  : T extends Float32Array
    ? 'float32'
    : T extends BigInt64Array | BigUint64Array | Uint32Array
      ? 'int64'
      : T extends Int32Array | Uint16Array
        ? 'int32'
        : T extends Int16Array
          ? 'int16'
          : T extends Int8Array
            ? 'int8'
            : 'uint8';
