/** Reading tensors back: typed arrays, nested arrays, single numbers. */
import { DtypeError, ShapeError } from '../errors';
import { native, type CancelToken, type Handle } from '../native';
import { noGrad } from './modes';
import { checkDtype, dtypeFacts, type Complex, type DataArray, type Dtype } from './dtype';
import { convert } from './raw';

/** One element as JavaScript sees it: bigint for int64 and uint64, boolean for bool, `{ re, im }` for complex, else number. */
export type Element = number | bigint | boolean | Complex;
/** Elements in as many levels of arrays as the tensor has dimensions. */
export type NestedArray = Element | NestedArray[];

export interface ReadOptions {
  /** How int64 and uint64 elements come: exactly, as `bigint` (the default), or as `number`, refused beyond 2^53. */
  int64?: 'bigint' | 'number';
}

/** Copies the elements, blocking. */
export function readSync(tensor: Handle): DataArray {
  const { dtype, handle, release } = readable(tensor);
  try {
    return new (dtypeFacts(dtype).array)(native.readSync(handle));
  } finally {
    release();
  }
}

/** Copies the elements as a job. */
export async function read(token: CancelToken, tensor: Handle): Promise<DataArray> {
  const { dtype, handle, release } = readable(tensor);
  try {
    return new (dtypeFacts(dtype).array)(await native.read(token, handle));
  } finally {
    release();
  }
}

/** A handle whose bytes a typed array can hold: float16 and bfloat16 are widened by libtorch. */
function readable(tensor: Handle): { dtype: Dtype; handle: Handle; release: () => void } {
  const dtype = readableDtype(native.dtype(tensor));
  const { carrier } = dtypeFacts(dtype);
  if (carrier === undefined) return { dtype, handle: tensor, release: () => undefined };
  const handle = noGrad(() => convert(tensor, carrier, undefined));
  return { dtype, handle, release: () => native.free(handle) };
}

function readableDtype(name: string): Dtype {
  try {
    return checkDtype(name);
  } catch (cause) {
    throw new DtypeError(
      `A tensor of dtype "${name}" cannot be read from JavaScript; convert it first, such as with to('float32').`,
      {
        cause,
      },
    );
  }
}

/** Turns flat elements into nested arrays of the given shape. */
export function nest(data: DataArray, dtype: Dtype, shape: readonly number[], options: ReadOptions): NestedArray {
  const element = elementReader(data, dtype, options);
  let position = 0;
  const level = (dimension: number): NestedArray => {
    if (dimension === shape.length) return element(position++);
    return Array.from({ length: shape[dimension]! }, () => level(dimension + 1));
  };
  return level(0);
}

function elementReader(data: DataArray, dtype: Dtype, options: ReadOptions): (index: number) => Element {
  if (dtype === 'bool') return (index) => data[index] !== 0;
  if (dtypeFacts(dtype).complex) {
    return (index) => ({ re: data[2 * index] as number, im: data[2 * index + 1] as number });
  }
  if (options.int64 === 'number' && typeof data[0] === 'bigint') return (index) => safeNumber(data[index] as bigint);
  return (index) => data[index]!;
}

function safeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new DtypeError(
      `The value ${value} does not fit a JavaScript number exactly; read it as bigint (data(), dataSync()).`,
    );
  }
  return number;
}

/** The only element of a tensor as a number. */
export function readNumber(tensor: Handle): number {
  const shape = native.shape(tensor);
  if (shape.some((size) => size !== 1)) {
    throw new ShapeError(`item() needs a tensor of exactly one element; this one has shape [${shape.join(', ')}].`);
  }
  const data = readSync(tensor);
  if (dtypeFacts(native.dtype(tensor) as Dtype).complex) {
    throw new DtypeError('item() gives a real number; read a complex tensor with toArray() or dataSync().');
  }
  const value = data[0]!;
  return typeof value === 'bigint' ? safeNumber(value) : value;
}
