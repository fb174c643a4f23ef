/** Tensors on memory that JavaScript also sees. */
import { types } from 'node:util';

import { ArgumentError, DtypeError, ShapeError } from '../errors';
import { native } from '../native';
import { applyModes } from './context';
import { checkDtype, dtypeFacts, typedArrayName, type Dtype } from './dtype';
import { Tensor } from './tensor';

export interface FromBufferOptions {
  /** Default: that of the typed array; a buffer or DataView has none, and needs it. */
  dtype?: Dtype;
  /** Default: one dimension with all elements from `offset` on. */
  shape?: readonly number[];
  /** Bytes to leave out at the beginning; default 0. */
  offset?: number;
  requiresGrad?: boolean;
}

/** The dtypes that lie in memory as the array's elements do. */
const dtypeOfMemory: Record<string, Dtype> = {
  Float64Array: 'float64',
  Float32Array: 'float32',
  Float16Array: 'float16',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
};

/**
 * A CPU tensor on the memory of a buffer, without a copy: what is written into one is seen in the other. The memory stays for as long as
 * the tensor or a view of it lives, also when the buffer is transferred or forgotten. `torch.tensor` copies instead.
 *
 * A SharedArrayBuffer is how workers work on the same values: post it, and call this in each of them. There is no lock: one of them
 * may write while nobody else reads or writes.
 *
 * @param source - an ArrayBuffer, a SharedArrayBuffer, or any view of one, such as a Float32Array or a Buffer
 * @throws ArgumentError for a buffer that can be resized or is detached, and where the elements do not begin at a multiple of their size
 * @throws DtypeError without a dtype; ShapeError when the shape or offset does not fit
 */
export function fromBuffer(
  source: ArrayBufferLike | ArrayBufferView,
  { dtype, shape, offset = 0, requiresGrad = false }: FromBufferOptions = {},
): Tensor {
  const memory = memoryOf(source);
  const known = dtype ?? dtypeOfMemory[memory.kind];
  if (known === undefined) throw new DtypeError(`fromBuffer: a ${memory.kind} has no dtype of its own; name one.`);
  const { bytes } = dtypeFacts(checkDtype(known));
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > memory.byteLength) {
    throw new ShapeError(
      `fromBuffer: the offset ${String(offset)} is not within the ${memory.byteLength} bytes there are.`,
    );
  }
  const left = memory.byteLength - offset;
  if (shape === undefined && left % bytes !== 0) {
    throw new ShapeError(`fromBuffer: ${left} bytes are no whole number of elements of ${known}, ${bytes} bytes each.`);
  }
  const sizes = shape === undefined ? [left / bytes] : [...shape];
  const wanted = sizes.reduce((product, size) => product * size, bytes);
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0) || !(wanted <= left)) {
    throw new ShapeError(`fromBuffer: the shape [${sizes.join(', ')}] of ${known} does not fit into ${left} bytes.`);
  }
  const array = new Uint8Array(memory.buffer, memory.byteOffset + offset, wanted);
  applyModes();
  const made = new Tensor(native.shareBuffer(array, memory.shared, sizes, known));
  return requiresGrad ? made.requiresGrad_() : made;
}

interface BufferMemory {
  buffer: ArrayBufferLike;
  shared: boolean;
  byteOffset: number;
  byteLength: number;
  /** What it is, such as `Float32Array`. */
  kind: string;
}

/** The getters as JavaScript has them: fields of a caller's own might say anything. */
function getter<T>(prototype: object, name: string): (object: unknown) => T | undefined {
  const property = Object.getOwnPropertyDescriptor(prototype, name);
  return (object) => property?.get?.call(object) as T | undefined;
}
const typedArrays = Object.getPrototypeOf(Uint8Array.prototype) as object;
const bufferOf = { array: getter(typedArrays, 'buffer'), data: getter(DataView.prototype, 'buffer') };
const offsetOf = {
  array: getter<number>(typedArrays, 'byteOffset'),
  data: getter<number>(DataView.prototype, 'byteOffset'),
};
const lengthOf = {
  array: getter<number>(typedArrays, 'byteLength'),
  data: getter<number>(DataView.prototype, 'byteLength'),
};
const isResizable = getter<boolean>(ArrayBuffer.prototype, 'resizable');
const lengthOfBuffer = getter<number>(ArrayBuffer.prototype, 'byteLength');
const lengthOfShared = getter<number>(SharedArrayBuffer.prototype, 'byteLength');

function memoryOf(source: unknown): BufferMemory {
  const form = ArrayBuffer.isView(source) ? (types.isTypedArray(source) ? 'array' : 'data') : undefined;
  const buffer = form === undefined ? source : bufferOf[form](source);
  if (types.isSharedArrayBuffer(buffer)) {
    const byteLength = form === undefined ? lengthOfShared(buffer)! : lengthOf[form](source)!;
    return { buffer, shared: true, byteLength, ...placeOf(source, form, 'SharedArrayBuffer') };
  }
  if (!types.isArrayBuffer(buffer)) {
    throw new ArgumentError(
      'fromBuffer takes an ArrayBuffer, a SharedArrayBuffer, or a typed array, DataView or Buffer on one.',
    );
  }
  if (isResizable(buffer) === true) {
    throw new ArgumentError(
      'fromBuffer: a resizable ArrayBuffer could take its memory away; use one of a fixed size, or copy it with torch.tensor.',
    );
  }
  if (isDetached(buffer))
    throw new ArgumentError('fromBuffer: this ArrayBuffer is detached: it was transferred elsewhere.');
  const byteLength = form === undefined ? lengthOfBuffer(buffer)! : lengthOf[form](source)!;
  return { buffer, shared: false, byteLength, ...placeOf(source, form, 'ArrayBuffer') };
}

function placeOf(
  source: unknown,
  form: 'array' | 'data' | undefined,
  name: string,
): { byteOffset: number; kind: string } {
  if (form === undefined) return { byteOffset: 0, kind: name };
  return { byteOffset: offsetOf[form](source)!, kind: typedArrayName(source as ArrayBufferView) };
}

/** Node 20 has no word for it. */
function isDetached(buffer: ArrayBuffer): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
