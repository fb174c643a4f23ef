/**
 * The memory through which the values of an operator's call cross. They are written here, each once and as it is looked at,
 * and native code reads them without asking V8: one crossing with one number, whatever is given.
 */
import { ArgumentError } from '../errors';
import { native } from '../native';
import { isDevice } from './device';
import { isComplex, isDtype } from './dtype';
import { joined, Kind, listOf, namedKinds } from './kinds';
import { Generator } from './random';
import { Owned } from './scope';

/** How a value lies in its slot: `native/tensor/frame.h` says what each means. */
export enum Form {
  Absent,
  Null,
  Tensor,
  Integer,
  Fraction,
  BigInt,
  Boolean,
  String,
  Complex,
  Generator,
  Tensors,
  Integers,
  Numbers,
  Booleans,
  Scalars,
  Strings,
}

/** Values of one call. Each has a slot, the first words of the frame. */
export const mostValues = 64;
/** Elements of a list; what is longer belongs into a tensor. */
const mostElements = 2 ** 20;

let words = new Float64Array(4096);
let integers = new BigInt64Array(words.buffer);
let bytes = new Uint8Array(words.buffer);
native.useFrame(words);

/** The first free word behind the slots. */
let top = mostValues;
let calls = 0;

/** Begins to write the values of a call; `isWhole` tells later whether another has begun meanwhile. */
export function beginCall(): number {
  top = mostValues;
  return ++calls;
}

/** Whether all that was written since belongs to this call: a getter or Proxy that is read can itself call operators. */
export function isWhole(call: number): boolean {
  return call === calls;
}

/** What the slot holds, for a value that was a boolean. */
export function booleanAt(slot: number): boolean {
  return words[slot] !== 0;
}

/** Takes so many words behind the slots. */
function take(count: number): number {
  const begin = top;
  top += count;
  if (top > words.length) {
    const larger = new Float64Array(2 ** Math.ceil(Math.log2(top)));
    larger.set(words);
    native.useFrame(larger);
    words = larger;
    integers = new BigInt64Array(words.buffer);
    bytes = new Uint8Array(words.buffer);
  }
  return begin;
}

/**
 * Writes a value into a slot and tells its kind.
 * @throws DisposedError for a tensor that was disposed
 */
export function place(slot: number, value: unknown): Kind {
  switch (typeof value) {
    case 'object':
      return placeObject(slot, value);
    case 'number':
      words[slot] = value;
      return Number.isSafeInteger(value) ? Kind.Integer : Kind.Fraction;
    case 'boolean':
      words[slot] = value ? 1 : 0;
      return Kind.Boolean;
    case 'undefined':
      return Kind.Undefined;
    case 'string':
      words[slot] = placeString(value);
      return kindOfString(value);
    case 'bigint':
      integers[slot] = checkBigInt(value);
      return Kind.BigInt;
    default:
      return Kind.Other;
  }
}

function placeObject(slot: number, value: object | null): Kind {
  if (value === null) return Kind.Null;
  if (value instanceof Owned) {
    words[slot] = value.handle;
    return Kind.Tensor;
  }
  if (Array.isArray(value)) return placeList(slot, value);
  if (value instanceof Generator) {
    words[slot] = value.id;
    return Kind.Generator;
  }
  if (!isComplex(value)) return Kind.Other;
  const { re, im } = value;
  const begin = take(3);
  words[slot] = begin;
  words[begin] = 2;
  words[begin + 1] = re;
  words[begin + 2] = im;
  return Kind.Complex;
}

/** The kind of a list follows from the kinds of its elements; lists of lists have none. */
function placeList(slot: number, list: readonly unknown[]): Kind {
  const { length } = list;
  if (length > mostElements) {
    throw new ArgumentError(`A list of ${length} elements is too long for an operator; make a tensor of it.`);
  }
  let kind = Kind.EmptyList;
  const begin = take(length + 1);
  words[slot] = begin;
  words[begin] = length;
  for (let index = 0; index < length; index++) {
    const value = list[index];
    let element: Kind;
    if (typeof value === 'number') {
      words[begin + 1 + index] = value;
      element = Number.isSafeInteger(value) ? Kind.Integers : Kind.Numbers;
    } else if (value instanceof Owned) {
      words[begin + 1 + index] = value.handle;
      element = Kind.Tensors;
    } else if (value === null) {
      words[begin + 1 + index] = 0;
      element = Kind.TensorsAndNulls;
    } else if (typeof value === 'boolean') {
      words[begin + 1 + index] = value ? 1 : 0;
      element = Kind.Booleans;
    } else {
      return listOf(place(slot, value)) === Kind.Other ? Kind.Other : placeMixedList(slot, Array.from(list));
    }
    if (kind !== element) kind = joined(kind, element);
    if (kind === Kind.Other) return kind;
  }
  return kind;
}

/** Lists with elements that take more than a word: strings, bigints, complex numbers. */
function placeMixedList(slot: number, list: readonly unknown[]): Kind {
  const elements = list.map((value) => (isSmallBigInt(value) ? Number(value) : value));
  const kind = elements.map((value) => listOf(place(slot, value))).reduce(joined, Kind.EmptyList);
  if (kind === Kind.Strings) {
    const begin = take(elements.length + 1);
    words[begin] = elements.length;
    elements.forEach((text, index) => {
      const string = placeString(text as string);
      words[begin + 1 + index] = string;
    });
    words[slot] = begin;
  } else if (kind === Kind.Scalars) {
    const begin = take(3 * elements.length + 1);
    words[begin] = elements.length;
    elements.forEach((value, index) => placeScalar(begin + 1 + 3 * index, value));
    words[slot] = begin;
  } else if (kind !== Kind.Other) {
    return placeList(slot, elements);
  }
  return kind;
}

function placeScalar(at: number, value: unknown): void {
  if (isComplex(value)) {
    words[at] = Form.Complex;
    words[at + 1] = value.re;
    words[at + 2] = value.im;
  } else if (typeof value === 'bigint') {
    words[at] = Form.BigInt;
    integers[at + 1] = checkBigInt(value);
  } else if (typeof value === 'boolean') {
    words[at] = Form.Boolean;
    words[at + 1] = value ? 1 : 0;
  } else {
    words[at] = Number.isSafeInteger(value) ? Form.Integer : Form.Fraction;
    words[at + 1] = value as number;
  }
}

const encoder = new TextEncoder();

/** Writes a string behind the slots, its length in bytes before it, and tells where. */
function placeString(text: string): number {
  if (text.length > mostElements) {
    throw new ArgumentError(`A string of ${text.length} characters is too long for an operator.`);
  }
  // At most three bytes of UTF-8 for each unit of UTF-16.
  const begin = take(1 + Math.ceil((3 * text.length) / 8));
  const start = 8 * (begin + 1);
  let length = 0;
  while (length < text.length) {
    const unit = text.charCodeAt(length);
    if (unit > 0x7f) break;
    bytes[start + length++] = unit;
  }
  words[begin] = length === text.length ? length : encoder.encodeInto(text, bytes.subarray(start)).written;
  return begin;
}

function checkBigInt(value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value;
  throw new ArgumentError(`The bigint ${value} does not fit 64 bits.`);
}

function isSmallBigInt(value: unknown): value is bigint {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value));
}

function kindOfString(value: string): Kind {
  if (isDtype(value)) return Kind.DtypeName;
  if (isDevice(value)) return Kind.DeviceName;
  return namedKinds.get(value) ?? Kind.String;
}

/** The kind of a value that is in no call. */
export function kindOf(value: unknown): Kind {
  beginCall();
  return place(0, value);
}
