/** The kinds of value that operators take, told apart quickly: overloads are chosen, and remembered, by kinds. */
import type { ArgumentType } from './schema';

export enum Kind {
  Undefined,
  Null,
  Tensor,
  Integer,
  Fraction,
  BigInt,
  Boolean,
  DtypeName,
  DeviceName,
  LayoutName,
  MemoryFormatName,
  String,
  Complex,
  Generator,
  EmptyList,
  Tensors,
  TensorsAndNulls,
  Integers,
  Numbers,
  Booleans,
  Strings,
  Scalars,
  Other,
}

export const layouts = ['strided', 'sparse_coo', 'sparse_csr', 'sparse_csc'] as const;
export const memoryFormats = ['contiguous_format', 'preserve_format', 'channels_last', 'channels_last_3d'] as const;

/** How an operator lays a tensor out in memory. */
export type Layout = (typeof layouts)[number];
export type MemoryFormat = (typeof memoryFormats)[number];

/** The strings that are a kind of their own, beside dtypes and devices. */
export const namedKinds = new Map<string, Kind>([
  ...layouts.map((name) => [name, Kind.LayoutName] as const),
  ...memoryFormats.map((name) => [name, Kind.MemoryFormatName] as const),
]);

/** The kind of a list of one such element. */
export function listOf(element: Kind): Kind {
  switch (element) {
    case Kind.Tensor:
      return Kind.Tensors;
    case Kind.Null:
      return Kind.TensorsAndNulls;
    case Kind.Integer:
      return Kind.Integers;
    case Kind.Fraction:
      return Kind.Numbers;
    case Kind.Boolean:
      return Kind.Booleans;
    case Kind.BigInt:
    case Kind.Complex:
      return Kind.Scalars;
    case Kind.DtypeName:
    case Kind.DeviceName:
    case Kind.LayoutName:
    case Kind.MemoryFormatName:
    case Kind.String:
      return Kind.Strings;
    default:
      return Kind.Other;
  }
}

/** The kind of a list that holds elements of both. */
export function joined(a: Kind, b: Kind): Kind {
  if (a === b || a === Kind.EmptyList) return b;
  const [low, high] = a < b ? [a, b] : [b, a];
  if (low === Kind.Tensors && high === Kind.TensorsAndNulls) return high;
  if (low === Kind.Integers && high === Kind.Numbers) return high;
  return low >= Kind.Integers && low !== Kind.Strings && high === Kind.Scalars ? high : Kind.Other;
}

/**
 * The operators that take a number where they ask for a tensor: the ones for which PyTorch's Python functions do. The number
 * weighs in type promotion as a number does.
 */
export const numbersAsTensors: ReadonlySet<string> = new Set(
  ['add', 'sub', 'subtract', 'mul', 'multiply', 'div', 'divide', 'true_divide', 'floor_divide', 'copy'].flatMap(
    (name) => [`aten::${name}`, `aten::${name}_`],
  ),
);

/**
 * How far a value of this kind is from what the argument asks for: 0 exact, more for wider readings, -1 when it does not fit.
 * @param numbers whether a number can stand for a tensor
 */
export function distance(type: ArgumentType, kind: Kind, numbers = false): number {
  if (kind === Kind.Null) return type.optional ? 0 : -1;
  if (numbers && type.base === 'Tensor' && !type.list && isNumber(kind)) return 0;
  return type.list ? distanceToList(type, kind) : distanceToSingle(type, kind);
}

function isNumber(kind: Kind): boolean {
  return (kind >= Kind.Integer && kind <= Kind.Boolean) || kind === Kind.Complex;
}

function distanceToSingle(type: ArgumentType, kind: Kind): number {
  switch (type.base) {
    case 'Tensor':
      return kind === Kind.Tensor ? 0 : -1;
    case 'int':
      return kind === Kind.Integer || kind === Kind.BigInt ? 0 : -1;
    case 'float':
      return kind === Kind.Fraction ? 0 : kind === Kind.Integer || kind === Kind.BigInt ? 2 : -1;
    case 'Scalar':
      if (kind === Kind.Complex) return 0;
      return kind === Kind.Integer || kind === Kind.Fraction || kind === Kind.BigInt
        ? 1
        : kind === Kind.Boolean
          ? 2
          : -1;
    case 'bool':
      return kind === Kind.Boolean ? 0 : -1;
    case 'str':
      return kind === Kind.String ? 0 : kind >= Kind.DtypeName && kind <= Kind.MemoryFormatName ? 1 : -1;
    case 'ScalarType':
      return kind === Kind.DtypeName ? 0 : -1;
    case 'Device':
      return kind === Kind.DeviceName ? 0 : -1;
    case 'Layout':
      return kind === Kind.LayoutName ? 0 : -1;
    case 'MemoryFormat':
      return kind === Kind.MemoryFormatName ? 0 : -1;
    case 'Generator':
      return kind === Kind.Generator ? 0 : -1;
  }
}

function distanceToList(type: ArgumentType, kind: Kind): number {
  if (kind === Kind.EmptyList) return 0;
  switch (type.base) {
    case 'Tensor':
      return kind === Kind.Tensors || (kind === Kind.TensorsAndNulls && type.optionalElements) ? 0 : -1;
    case 'int':
      // One number stands for a list, as in sum(1) or zeros(3).
      return kind === Kind.Integers ? 0 : kind === Kind.Integer || kind === Kind.BigInt ? 3 : -1;
    case 'float':
      return kind === Kind.Numbers ? 0 : kind === Kind.Integers ? 1 : -1;
    case 'bool':
      return kind === Kind.Booleans ? 0 : -1;
    case 'Scalar':
      return kind >= Kind.Integers && kind <= Kind.Scalars && kind !== Kind.Strings ? 1 : -1;
    case 'str':
      return kind === Kind.Strings ? 0 : -1;
    default:
      return -1;
  }
}
