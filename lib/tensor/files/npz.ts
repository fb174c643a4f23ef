/** NumPy's npz files: zip archives of npy files, as they are or deflated. */
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

import { CheckpointError, TorchwrightError } from '../../errors';
import { writeAtomically } from '../../files';
import { native, type NativeTensorPlace } from '../../native';
import { applyModes } from '../context';
import { withSignal } from '../job';
import { retryingForMemory } from '../memory';
import { scope } from '../scope';
import { wrap, type Tensor } from '../tensor';
import { arranged, storedShape, type FileOptions } from './npy';
import { encodeNpyHeader, headerBytes, parseNpyHeader, prefixBytes, type NpyHeader } from './npy-header';
import { openFile, readPart } from './open-file';
import { tensorBytes } from './tensor-bytes';
import { listRecords, readRecord, type Place } from './zip-reader';
import { ZipWriter } from './zip-writer';

export interface LoadNpzOptions extends FileOptions {
  /** Only these arrays; default: all. */
  names?: readonly string[] | undefined;
}

const ending = '.npy';

/**
 * Loads the arrays of an npz file by name, as `numpy.load` does. Those that are not compressed are read in place, off the JavaScript
 * thread. Records of the archive that are no arrays are passed over.
 * @throws CheckpointError when the file is missing or damaged, lacks a name, or an array is one that `loadNpy` refuses
 */
export async function loadNpz(
  file: string,
  { names, device = 'cpu', signal }: LoadNpzOptions = {},
): Promise<Map<string, Tensor>> {
  const handle = await openFile(file);
  try {
    const records = await listRecords(handle);
    const held = [...records.keys()]
      .filter((name) => name.endsWith(ending))
      .map((name) => name.slice(0, -ending.length));
    return await scope(async () => {
      const loaded = new Map<string, Tensor>();
      for (const name of names ?? held) {
        const record = records.get(`${name}${ending}`);
        if (record === undefined) throw new CheckpointError(`${file} holds no array ${name}.`);
        const tensor = await loadRecord(handle, file, name, record, signal);
        loaded.set(name, tensor.to(device));
      }
      return loaded;
    });
  } catch (error) {
    if (error instanceof TorchwrightError) throw error;
    throw new CheckpointError(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  } finally {
    await handle.close();
  }
}

async function loadRecord(
  handle: FileHandle,
  file: string,
  name: string,
  record: Place,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const where = `${file} (${name})`;
  if (record.compressed) {
    const bytes = await readRecord(handle, record, Infinity);
    const header = parseHeader(bytes, bytes.length, where);
    const elements = bytes.subarray(header.offset);
    applyModes();
    return arranged(wrap(native.fromBuffer(elements, storedShape(header), header.dtype, 'cpu')), header);
  }
  const prefix = await readPart(handle, record.offset, Math.min(prefixBytes, record.size));
  const length = Math.min(headerBytes(prefix, where), record.size);
  const bytes = await readPart(handle, record.offset, length);
  const header = parseHeader(bytes, record.size, where);
  const place: NativeTensorPlace = {
    dtype: header.dtype,
    shape: storedShape(header),
    offset: record.offset + header.offset,
    checksum: { before: native.crc32(0, bytes), expected: record.checksum },
  };
  const [loaded] = await retryingForMemory(() =>
    withSignal(signal, (token) => native.tensorsLoad(token, file, [place], 'cpu')),
  );
  return arranged(wrap(loaded!), header);
}

/** The header of a record of so many bytes, which hold one array and nothing else. */
function parseHeader(bytes: Uint8Array, size: number, where: string): NpyHeader {
  const length = headerBytes(bytes, where);
  if (length > size) throw new CheckpointError(`${where} is only the beginning of an npy file.`);
  const header = parseNpyHeader(bytes.subarray(0, length), where);
  if (header.offset + header.bytes !== size) {
    throw new CheckpointError(`${where}: its array has ${header.bytes} bytes, and ${size - header.offset} are there.`);
  }
  return header;
}

export interface SaveNpzOptions {
  /** Deflates the arrays, as `numpy.savez_compressed` does; default: they lie as they are, as with `numpy.savez`. */
  compressed?: boolean;
  signal?: AbortSignal | undefined;
}

const deflate = promisify<Uint8Array, Buffer>(zlib.deflateRaw);

/**
 * Writes tensors by name as `numpy.savez` does, whole or not at all.
 * @throws CheckpointError for dtypes that NumPy has not, when a name comes twice, and when the file would be beyond 4 GiB
 */
export async function saveNpz(
  file: string,
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  { compressed = false, signal }: SaveNpzOptions = {},
): Promise<void> {
  const named = [...tensors].map(([name, tensor]) => ({
    name,
    tensor,
    header: encodeNpyHeader(tensor.dtype, tensor.shape),
  }));
  if (new Set(named.map(({ name }) => name)).size < named.length) {
    throw new CheckpointError(`Two tensors of ${file} have the same name.`);
  }
  await writeAtomically(file, async (handle) => {
    const zip = new ZipWriter(handle, file);
    for (const { name, tensor, header } of named) {
      const parts = [header, await tensorBytes(tensor, signal)];
      if (compressed) await zip.addDeflated(`${name}${ending}`, parts, await deflate(Buffer.concat(parts)));
      else await zip.add(`${name}${ending}`, ...parts);
    }
    await zip.finish();
  });
}
