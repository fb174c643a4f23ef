/**
 * The header of Hugging Face's safetensors files: eight bytes with its length, then JSON with names, dtypes, shapes and places; the tensors'
 * bytes follow. Source: the format's own description, `safetensors` 0.8.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

import { CheckpointError } from '../../errors';
import { parseJson } from '../../json';
import type { Dtype } from '../dtype';
import type { Tensor } from '../tensor';

/** Names of the format's dtypes, and bytes of an element. */
const formats: readonly [format: string, dtype: Dtype, bytes: number][] = [
  ['F64', 'float64', 8],
  ['F32', 'float32', 4],
  ['F16', 'float16', 2],
  ['BF16', 'bfloat16', 2],
  ['I64', 'int64', 8],
  ['I32', 'int32', 4],
  ['I16', 'int16', 2],
  ['I8', 'int8', 1],
  ['U8', 'uint8', 1],
  ['BOOL', 'bool', 1],
  ['C64', 'complex64', 8],
  ['U16', 'uint16', 2],
  ['U32', 'uint32', 4],
  ['U64', 'uint64', 8],
  ['F8_E4M3', 'float8_e4m3fn', 1],
  ['F8_E5M2', 'float8_e5m2', 1],
];

/** The format's own limit; a longer header is an attack or damage. */
const longestHeader = 100_000_000;
export const metadataKey = '__metadata__';

export interface SafetensorsEntry {
  dtype: Dtype;
  shape: number[];
  /** Where its bytes begin, from the file's start. */
  offset: number;
}

export interface SafetensorsFile {
  /** In the order of the header. */
  tensors: Map<string, SafetensorsEntry>;
  metadata: Record<string, string>;
}

/** Reads and checks a file's header. @throws CheckpointError when the file is missing, damaged or truncated */
export function inspectSafetensors(file: string): SafetensorsFile {
  const { json, start, end } = readHeader(file);
  const damaged = (what: string, cause?: unknown) =>
    new CheckpointError(`${file} is not a sound safetensors file: ${what}.`, { cause });
  let header: unknown;
  try {
    header = parseJson(json);
  } catch (error) {
    throw damaged(`its header is not JSON (${(error as Error).message})`, error);
  }
  if (!isObject(header)) throw damaged('its header is not an object');
  const { [metadataKey]: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw damaged('its metadata are not texts');
  }
  const tensors = new Map<string, SafetensorsEntry>();
  const spans: [number, number][] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const place = readEntry(entry);
    if (typeof place === 'string') throw damaged(`tensor ${name} ${place}`);
    tensors.set(name, { dtype: place.dtype, shape: place.shape, offset: start + place.begin });
    spans.push([place.begin, place.end]);
  }
  // The format wants the bytes covered without a gap, so that nothing can hide in a file and a truncated one is noticed.
  spans.sort(([a, aEnd], [b, bEnd]) => a - b || aEnd - bEnd);
  let covered = 0;
  for (const [begin, finish] of spans) {
    if (begin !== covered) throw damaged('its tensors overlap or leave gaps');
    covered = finish;
  }
  if (start + covered !== end) throw damaged(`its tensors need ${covered} bytes, and it has ${end - start}`);
  return { tensors, metadata: metadata as Record<string, string> };
}

/** The header's bytes, where the tensors' bytes begin, and where the file ends. */
function readHeader(file: string): { json: Uint8Array; start: number; end: number } {
  let descriptor: number;
  try {
    // Asked before it is opened, since opening a pipe waits for a writer.
    if (!statSync(file).isFile()) throw new Error('it is not a file');
    descriptor = openSync(file, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = missing ? `There is no file ${file}.` : `${file} cannot be read: ${(error as Error).message}.`;
    throw new CheckpointError(message, { cause: error });
  }
  try {
    const end = fstatSync(descriptor).size;
    const length = Buffer.alloc(8);
    const read = readSync(descriptor, length, 0, 8, 0);
    const size = Number(length.readBigUInt64LE());
    if (read < 8 || size > longestHeader || 8 + size > end) {
      throw new CheckpointError(`${file} is not a safetensors file, or only the beginning of one.`);
    }
    const header = Buffer.alloc(size);
    readSync(descriptor, header, 0, size, 8);
    return { json: header, start: 8 + size, end };
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    closeSync(descriptor);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);

/** One tensor's place, or what is wrong with it. */
function readEntry(entry: unknown): { dtype: Dtype; shape: number[]; begin: number; end: number } | string {
  if (!isObject(entry)) return 'has no description';
  const { dtype: format, shape, data_offsets: offsets } = entry;
  const known = formats.find(([name]) => name === format);
  if (known === undefined) {
    const name = typeof format === 'string' ? JSON.stringify(format.slice(0, 20)) : '(no text)';
    return `has the dtype ${name}, which cannot be read`;
  }
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) return 'has no proper shape or place';
  const [, dtype, bytes] = known;
  const [begin, end] = offsets as [number, number];
  if (shape.reduce((product, size) => product * size, bytes) !== end - begin)
    return 'has a place that is not of its size';
  return { dtype, shape, begin, end };
}

export function formatOf(tensor: Tensor): { format: string; bytes: number } {
  const known = formats.find(([, dtype]) => dtype === tensor.dtype);
  if (known === undefined) throw new CheckpointError(`A safetensors file cannot hold ${tensor.dtype}.`);
  return { format: known[0], bytes: known[2] };
}

/** The length and the JSON, filled up with blanks to a multiple of eight bytes. */
export function encodeHeader(header: Record<string, unknown>): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  return padded;
}
