/** NumPy's npy files: one array each. The header is read and written here, the elements natively. */
import { CheckpointError } from '../../errors';
import { native } from '../../native';
import type { Device } from '../device';
import { dtypeBytes, dtypeFacts } from '../dtype';
import { withSignal } from '../job';
import { retryingForMemory } from '../memory';
import { noGrad } from '../modes';
import { scope } from '../scope';
import { wrap, type Tensor } from '../tensor';
import { encodeNpyHeader, headerBytes, parseNpyHeader, prefixBytes, type NpyHeader } from './npy-header';
import { openFile, readPart } from './open-file';
import { writeTensors } from './write-tensors';

export interface FileOptions {
  /** Default `cpu`. */
  device?: Device;
  signal?: AbortSignal | undefined;
}

/**
 * Loads the array of an npy file, as `numpy.load` does, off the JavaScript thread. An array in Fortran's order comes with its strides,
 * one with the largest byte first is turned around.
 * @throws CheckpointError when the file is missing, damaged, or holds what no tensor holds: Python objects, texts, records
 */
export async function loadNpy(file: string, { device = 'cpu', signal }: FileOptions = {}): Promise<Tensor> {
  const header = await inspectNpy(file);
  const place = { dtype: header.dtype, shape: storedShape(header), offset: header.offset };
  return scope(async () => {
    const [handle] = await retryingForMemory(() =>
      withSignal(signal, (token) => native.tensorsLoad(token, file, [place], 'cpu')),
    );
    return arranged(wrap(handle!), header).to(device);
  });
}

async function inspectNpy(file: string): Promise<NpyHeader> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    const length = headerBytes(await readPart(handle, 0, Math.min(prefixBytes, size)), file);
    if (length > size) throw new CheckpointError(`${file} is only the beginning of an npy file.`);
    const header = parseNpyHeader(await readPart(handle, 0, length), file);
    if (header.offset + header.bytes > size) {
      throw new CheckpointError(
        `${file} is truncated: its array has ${header.bytes} bytes, and ${size - header.offset} are there.`,
      );
    }
    return header;
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  } finally {
    await handle.close();
  }
}

/** Of the elements as they follow each other. */
export function storedShape({ shape, fortranOrder }: NpyHeader): number[] {
  return fortranOrder ? shape.toReversed() : shape;
}

/** The array that was saved, of the elements as they follow each other. */
export function arranged(stored: Tensor, { dtype, fortranOrder, bigEndian }: NpyHeader): Tensor {
  return noGrad(() => {
    const ordered = bigEndian ? swapped(stored) : stored;
    if (!fortranOrder || stored.ndim < 2) return ordered;
    return ordered.permute(stored.shape.map((_, dim) => stored.ndim - 1 - dim));
  });

  function swapped(tensor: Tensor): Tensor {
    // Each part of a complex number is a number of its own.
    const width = dtypeBytes(dtype) / (dtypeFacts(dtype).complex === true ? 2 : 1);
    if (width === 1 || tensor.numel === 0) return tensor;
    const bytes = tensor.reshape([-1]).view('uint8').reshape([-1, width]).flip([1]);
    return bytes.reshape([-1]).view(dtype).reshape(tensor.shape);
  }
}

/**
 * Writes a tensor as `numpy.save` does, row-major, whole or not at all, off the JavaScript thread.
 * @throws CheckpointError for dtypes that NumPy has not (bfloat16, 8-bit floats, complex32), and when it cannot be written
 */
export async function saveNpy(file: string, tensor: Tensor, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  await writeTensors(file, encodeNpyHeader(tensor.dtype, tensor.shape), [tensor], signal);
}
