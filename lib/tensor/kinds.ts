/** The kinds of value that operators take, told apart quickly: overloads are chosen, and remembered, by kinds. */
import { isDevice } from './device';
import { isComplex, isDtype } from './dtype';
import { Generator } from './random';
import type { ArgumentType } from './schema';
import { Tensor } from './tensor';

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

const names = new Map<string, Kind>([
  ...layouts.map((name) => [name, Kind.LayoutName] as const),
  ...memoryFormats.map((name) => [name, Kind.MemoryFormatName] as const),
]);

export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'undefined':
      return Kind.Undefined;
    case 'number':
      return Number.isSafeInteger(value) ? Kind.Integer : Kind.Fraction;
    case 'bigint':
      return Kind.BigInt;
    case 'boolean':
      return Kind.Boolean;
    case 'string':
      return kindOfString(value);
    case 'object':
      return kindOfObject(value);
    default:
      return Kind.Other;
  }
}

function kindOfString(value: string): Kind {
  if (isDtype(value)) return Kind.DtypeName;
  if (isDevice(value)) return Kind.DeviceName;
  return names.get(value) ?? Kind.String;
}

function kindOfObject(value: object | null): Kind {
  if (value === null) return Kind.Null;
  if (value instanceof Tensor) return Kind.Tensor;
  if (Array.isArray(value)) return kindOfList(value);
  if (value instanceof Generator) return Kind.Generator;
  return isComplex(value) ? Kind.Complex : Kind.Other;
}

/** The kind of a list by the kinds of its elements; lists of lists have none. */
function kindOfList(list: readonly unknown[]): Kind {
  let kind = Kind.EmptyList;
  for (const element of list) {
    kind = joined(kind, listOf(kindOf(element)));
    if (kind === Kind.Other) return kind;
  }
  return kind;
}

function listOf(element: Kind): Kind {
  switch (element) {
    case Kind.Tensor:
      return Kind.Tensors;
    case Kind.Null:
      return Kind.TensorsAndNulls;
    case Kind.Integer:
    case Kind.BigInt:
      return Kind.Integers;
    case Kind.Fraction:
      return Kind.Numbers;
    case Kind.Boolean:
      return Kind.Booleans;
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

function joined(a: Kind, b: Kind): Kind {
  if (a === b || a === Kind.EmptyList) return b;
  const [low, high] = a < b ? [a, b] : [b, a];
  if (low === Kind.Tensors && high === Kind.TensorsAndNulls) return high;
  if (low === Kind.Integers && high === Kind.Numbers) return high;
  return low >= Kind.Integers && low !== Kind.Strings && high === Kind.Scalars ? high : Kind.Other;
}

/** How far a value of this kind is from what the argument asks for: 0 exact, more for wider readings, -1 when it does not fit. */
export function distance(type: ArgumentType, kind: Kind): number {
  if (kind === Kind.Null) return type.optional ? 0 : -1;
  return type.list ? distanceToList(type, kind) : distanceToSingle(type, kind);
}

function distanceToSingle(type: ArgumentType, kind: Kind): number {
  switch (type.base) {
    case 'Tensor':
      return kind === Kind.Tensor ? 0 : -1;
    case 'int':
      return kind === Kind.Integer || kind === Kind.BigInt ? 0 : -1;
    case 'float':
      return kind === Kind.Fraction ? 0 : kind === Kind.Integer ? 2 : -1;
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
