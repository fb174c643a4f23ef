/**
 * The header of NumPy's npy files: a magic text, a version, the length of a Python dictionary in plain text, and that dictionary, filled up
 * with blanks so that the elements begin at a multiple of 64 bytes. Source: NumPy's NEP 1, versions 1.0 to 3.0.
 */
import { CheckpointError } from '../../errors';
import { dtypeBytes, type Dtype } from '../dtype';
import { PythonLiteral } from './python-literal';

const magic = Buffer.from('\x93NUMPY', 'latin1');
/** A longer one describes fields, which no tensor has, or is damage. */
const longestHeader = 2 ** 20;
const alignment = 64;

export interface NpyHeader {
  dtype: Dtype;
  shape: number[];
  /** The first dimension varies fastest, as in Fortran. */
  fortranOrder: boolean;
  /** Elements are written with their largest byte first. */
  bigEndian: boolean;
  /** Where the elements begin, and how many bytes they are. */
  offset: number;
  bytes: number;
}

const dtypes: Record<string, Dtype> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
  c8: 'complex64',
  c16: 'complex128',
};

/** What the other kinds of elements are, which no tensor holds. */
const otherKinds: Record<string, string> = {
  O: 'Python objects, which are pickled',
  U: 'texts',
  S: 'bytes',
  a: 'bytes',
  V: 'raw memory (NumPy writes bfloat16 so)',
  M: 'dates',
  m: 'time spans',
  f: 'floating-point numbers of a width that libtorch has not',
  c: 'complex numbers of a width that libtorch has not',
};

/** So many bytes tell where a header ends. */
export const prefixBytes = 12;

/** Bytes of the whole header, from its first ones. @throws CheckpointError when they are not of an npy file */
export function headerBytes(prefix: Uint8Array, where: string): number {
  const bytes = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (bytes.length < 10 || !bytes.subarray(0, 6).equals(magic)) {
    throw new CheckpointError(`${where} is not an npy file, or only the beginning of one.`);
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3 || bytes[7] !== 0) {
    throw new CheckpointError(`${where} is of npy version ${version}.${bytes[7]}; 1.0, 2.0 and 3.0 can be read.`);
  }
  if (version > 1 && bytes.length < 12) throw new CheckpointError(`${where} is only the beginning of an npy file.`);
  const length = version === 1 ? 10 + bytes.readUInt16LE(8) : 12 + bytes.readUInt32LE(8);
  if (length > longestHeader) throw new CheckpointError(`${where} has a header of ${length} bytes: it is damaged.`);
  return length;
}

/** Reads a whole header. @throws CheckpointError when it is damaged, or the elements are of a kind that no tensor holds */
export function parseNpyHeader(header: Uint8Array, where: string): NpyHeader {
  const wrong = (what: string) => new CheckpointError(`${where} is not a sound npy file: ${what}.`);
  const [start, encoding] =
    header[6] === 1 ? [10, 'latin1' as const] : [12, header[6] === 3 ? ('utf8' as const) : ('latin1' as const)];
  const text = Buffer.from(header.buffer, header.byteOffset + start, header.byteLength - start).toString(encoding);
  const description = PythonLiteral.read(text);
  if (!(description instanceof Map) || description.size !== 3) throw wrong('its header is no description of an array');
  const [descr, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((key) => description.get(key));
  if (typeof fortranOrder !== 'boolean') throw wrong('its header says nothing of the order');
  if (
    !Array.isArray(shape) ||
    !shape.every((size): size is number => Number.isSafeInteger(size) && (size as number) >= 0)
  ) {
    throw wrong('its shape is no tuple of sizes');
  }
  if (Array.isArray(descr)) throw new CheckpointError(`${where} holds records with fields, which no tensor holds.`);
  if (typeof descr !== 'string') throw wrong('its header says nothing of the elements');
  const [, order, type] = /^([<>|=]?)(.+)$/s.exec(descr) ?? [];
  const dtype = type === undefined || !Object.hasOwn(dtypes, type) ? undefined : dtypes[type];
  if (dtype === undefined) {
    const kind = otherKinds[type?.[0] ?? ''] ?? 'elements of an unknown kind';
    throw new CheckpointError(
      `${where} has the dtype ${JSON.stringify(descr.slice(0, 40))}: it holds ${kind}, which cannot be read.`,
    );
  }
  const bytes = shape.reduce((product, size) => product * size, dtypeBytes(dtype));
  if (!Number.isSafeInteger(bytes)) throw wrong('its shape is beyond all counting');
  return { dtype, shape, fortranOrder, bigEndian: order === '>', offset: header.byteLength, bytes };
}

/** The whole header of a row-major, little-endian array. @throws CheckpointError for dtypes that NumPy has not */
export function encodeNpyHeader(dtype: Dtype, shape: readonly number[]): Uint8Array {
  const type = Object.keys(dtypes).find((name) => dtypes[name] === dtype);
  if (type === undefined) {
    throw new CheckpointError(
      `NumPy has no ${dtype}: convert the tensor, such as with to('float32'), or save it as safetensors.`,
    );
  }
  const descr = `${dtypeBytes(dtype) === 1 ? '|' : '<'}${type}`;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // Version 1.0 holds 64 KiB: more dimensions than libtorch has would be needed to fill them.
  const length = Math.ceil((10 + text.length + 1) / alignment) * alignment;
  const header = Buffer.alloc(length, ' ');
  magic.copy(header);
  header[6] = 1;
  header[7] = 0;
  header.writeUInt16LE(length - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', length - 1);
  return header;
}
