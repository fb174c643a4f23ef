/** Turns checked JavaScript values into the bytes of a dtype, refusing what would be lost. */
import { DtypeError } from '../errors';
import {
  dtypeFacts,
  isTypedArray,
  typedArrayName,
  type Complex,
  type Dtype,
  type Kind,
  type TypedArray,
} from './dtype';
import type { Element } from './values';

/** @param kind the kind of all the values */
export function encode(values: TypedArray | readonly Element[], kind: Kind, dtype: Dtype): ArrayBufferView {
  const facts = dtypeFacts(dtype);
  // Arrays of the dtype's own memory layout cross as they are; those of bool must be checked for 0 and 1.
  if (isTypedArray(values) && typedArrayName(values) === facts.array.name && dtype !== 'bool') {
    if (facts.carrier !== undefined) checkRange(values as Float32Array, dtype);
    return values;
  }
  if (facts.complex) return encodeComplex(values, kind, dtype);
  if (kind === 'complex') throw new DtypeError(`Complex values cannot be stored as ${dtype}.`);
  const encoded = new facts.array(values.length);
  const store = storeFor(dtype);
  for (let index = 0; index < values.length; index++)
    encoded[index] = store(values[index] as number | bigint | boolean);
  return encoded;
}

function encodeComplex(values: TypedArray | readonly Element[], kind: Kind, dtype: Dtype): ArrayBufferView {
  const toFloat = floatStore(dtype);
  const paired = isTypedArray(values);
  const encoded = new (dtypeFacts(dtype).array)(paired ? values.length : 2 * values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (paired) {
      encoded[index] = toFloat(value as number | bigint);
      continue;
    }
    const { re, im } = kind === 'complex' ? (value as Complex) : { re: value as number | bigint | boolean, im: 0 };
    encoded[2 * index] = toFloat(re);
    encoded[2 * index + 1] = toFloat(im);
  }
  return encoded;
}

type Store = (value: number | bigint | boolean) => number | bigint;

function storeFor(dtype: Dtype): Store {
  if (dtype === 'bool') return boolStore;
  return dtypeFacts(dtype).range === undefined ? floatStore(dtype) : integerStore(dtype);
}

const boolStore: Store = (value) => {
  if (typeof value === 'boolean' || value === 0 || value === 1 || value === 0n || value === 1n) return Number(value);
  throw lossy(value, 'bool', 'only 0, 1, false and true are bool');
};

function floatStore(dtype: Dtype): (value: number | bigint | boolean) => number {
  const { overflow = Infinity, carrier } = dtypeFacts(dtype);
  return (value) => {
    const number = Number(value);
    if (typeof value === 'bigint' && BigInt(number) !== value) throw lossy(value, dtype, 'no double is equal to it');
    const crossing = carrier === undefined ? number : Math.fround(number);
    if (Math.abs(crossing) >= overflow && Number.isFinite(number)) throw lossy(value, dtype, 'it is beyond the range');
    return number;
  };
}

function integerStore(dtype: Dtype): Store {
  const [smallest, largest] = dtypeFacts(dtype).range!;
  const lower = Number(smallest);
  const upper = Number(largest);
  if (dtype === 'int64' || dtype === 'uint64') {
    return (value) => {
      const whole = BigInt(typeof value === 'number' ? safeInteger(value, dtype) : value);
      if (whole < smallest || whole > largest) throw lossy(value, dtype, 'it is beyond the range');
      return whole;
    };
  }
  return (value) => {
    const number = typeof value === 'number' ? safeInteger(value, dtype) : Number(value);
    if (number < lower || number > upper) throw lossy(value, dtype, `the range is ${smallest} to ${largest}`);
    return number;
  };
}

function safeInteger(value: number, dtype: Dtype): number {
  if (Number.isSafeInteger(value)) return value;
  throw lossy(
    value,
    dtype,
    Number.isInteger(value) ? 'it is not a safe integer; give a bigint' : 'it is not a whole number',
  );
}

function checkRange(values: Float32Array, dtype: Dtype): void {
  const check = floatStore(dtype);
  for (const value of values) check(value);
}

function lossy(value: number | bigint | boolean, dtype: Dtype, reason: string): DtypeError {
  return new DtypeError(`${String(value)} cannot be stored as ${dtype} without loss: ${reason}.`);
}
