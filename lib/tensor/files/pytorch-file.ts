/**
 * PyTorch's own files, as `torch.save` writes them since 1.6: a zip archive without compression that holds one pickle, which describes
 * tensors, and a record of bytes for each storage. The pickle is read without executing anything, the bytes natively by their place.
 */
import fs from 'node:fs/promises';

import { CheckpointError } from '../../errors';
import { native } from '../../native';
import type { Device } from '../device';
import { dtypeFacts } from '../dtype';
import { withSignal } from '../job';
import { readPickle } from './pickle';
import { PytorchTensor, type PytorchStorage, type PytorchValue } from './pytorch-value';
import { scope } from '../scope';
import { wrap, type Tensor } from '../tensor';
import { listRecords, type Place } from './zip-reader';

export interface PytorchFile {
  /** What was saved. Tensors are only described. */
  value: PytorchValue;
  /** Where the elements of each storage lie, by its key. */
  storages: Map<string, Place>;
}

/** A longer one is an attack or damage: it only describes tensors. */
const longestPickle = 256 * 2 ** 20;

/**
 * Reads what a file holds, but not the tensors' elements.
 * @throws CheckpointError when it is missing, damaged, of the form before PyTorch 1.6, big-endian, or holds more than tensors and plain data
 */
export async function inspectPytorch(file: string): Promise<PytorchFile> {
  let handle: fs.FileHandle;
  try {
    // Asked before it is opened, since opening a pipe waits for a writer.
    if (!(await fs.stat(file)).isFile()) throw new Error('it is not a file');
    handle = await fs.open(file, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = missing ? `There is no file ${file}.` : `${file} cannot be read: ${(error as Error).message}.`;
    throw new CheckpointError(message, { cause: error });
  }
  try {
    await checkForm(handle, file);
    const records = await listRecords(handle);
    const pickleName = [...records.keys()].find((name) => /^([^/]+\/)?data\.pkl$/.test(name));
    if (pickleName === undefined) {
      throw new CheckpointError(`${file} is a zip archive, but not one of torch.save: it holds no data.pkl.`);
    }
    const root = pickleName.slice(0, -'data.pkl'.length);
    const order = records.get(`${root}byteorder`);
    if (order !== undefined && (await readRecord(handle, order, 16)).toString('latin1') !== 'little') {
      throw new CheckpointError(
        `${file} is big-endian, which is not supported: save it anew on a little-endian machine.`,
      );
    }
    const bytes = await readRecord(handle, records.get(pickleName)!, longestPickle);
    const storages = new Map<string, Place>();
    for (const [name, place] of records) {
      if (name.startsWith(`${root}data/`)) storages.set(name.slice(`${root}data/`.length), place);
    }
    return { value: readPickle(bytes, `${file} (data.pkl)`), storages };
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    await handle.close();
  }
}

/** @throws CheckpointError for anything but a zip archive */
async function checkForm(handle: fs.FileHandle, file: string): Promise<void> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  if (bytesRead === 4 && buffer.readUInt32LE() === 0x04034b50) return;
  // The older form begins with a pickle of its magic number.
  throw new CheckpointError(
    bytesRead === 4 && buffer[0] === 0x80
      ? `${file} is of the form that PyTorch wrote before 1.6. Load it in Python and save it anew with torch.save.`
      : `${file} is not a file of torch.save, or only the beginning of one.`,
  );
}

async function readRecord(handle: fs.FileHandle, { offset, size }: Place, longest: number): Promise<Buffer> {
  if (size > longest) throw new Error(`it holds a description of ${size} bytes`);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, offset);
  if (bytesRead < size) throw new Error('it is truncated');
  return buffer;
}

export interface LoadPytorchOptions {
  /** Key of the outermost dictionary under which the state dict lies, such as `model` in fairseq's checkpoints. Default: it is the outermost one. */
  section?: string | undefined;
  /** Only these tensors; default: all. */
  names?: readonly string[] | undefined;
  /** Default `cpu`. */
  device?: Device;
  signal?: AbortSignal | undefined;
}

/**
 * Loads the tensors of a state dict, a dictionary of tensors by name, off the JavaScript thread. Tensors that share a storage in the file share memory.
 * @throws CheckpointError as `inspectPytorch`, and when there is no dictionary of tensors or it lacks a name
 */
export async function loadPytorch(file: string, options: LoadPytorchOptions = {}): Promise<Map<string, Tensor>> {
  const { value, storages } = await inspectPytorch(file);
  const tensors = stateDictOf(value, options.section, file);
  const names = options.names ?? [...tensors.keys()];
  const wanted = names.map((name) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new CheckpointError(`${file} holds no tensor ${name}.`);
    return tensor;
  });
  const needed = [...new Set(wanted.map(({ storage }) => storage))];
  const places = placesOf(needed, storages, file);
  return scope(async () => {
    const handles = await withSignal(options.signal, (token) =>
      native.tensorsLoad(token, file, places, options.device ?? 'cpu'),
    );
    const elements = new Map(handles.map((handle, index) => [needed[index]!, wrap(handle)]));
    return new Map(
      wanted.map(({ storage, shape, strides, offset }, index) => [
        names[index]!,
        elements.get(storage)!.asStrided(shape, strides, offset),
      ]),
    );
  });
}

/** The described tensors of a state dict, by name. @throws CheckpointError when it is something else */
export function stateDictOf(
  value: PytorchValue,
  section: string | undefined,
  file: string,
): Map<string, PytorchTensor> {
  const place = section === undefined ? 'The outermost value' : `"${section}"`;
  const held = section === undefined ? value : value instanceof Map ? value.get(section) : undefined;
  if (!(held instanceof Map)) throw new CheckpointError(`${file}: ${place} is not a dictionary of tensors.`);
  const tensors = new Map<string, PytorchTensor>();
  for (const [name, tensor] of held) {
    if (typeof name !== 'string' || !(tensor instanceof PytorchTensor)) {
      const what = typeof name === 'string' ? JSON.stringify(name) : 'a key that is no text';
      throw new CheckpointError(`${file}: ${place} is not a dictionary of tensors by name: it holds ${what}.`);
    }
    tensors.set(name, tensor);
  }
  return tensors;
}

function placesOf(needed: readonly PytorchStorage[], storages: ReadonlyMap<string, Place>, file: string) {
  const places = needed.map(({ key, dtype, numel }) => {
    const place = storages.get(key);
    if (place === undefined) throw new CheckpointError(`${file} lacks the elements of storage ${key}.`);
    if (place.size !== numel * dtypeFacts(dtype).bytes) {
      throw new CheckpointError(
        `${file}: storage ${key} has ${place.size} bytes, and ${numel} elements of ${dtype} are expected.`,
      );
    }
    return { dtype, shape: [numel], offset: place.offset, end: place.offset + place.size };
  });
  // Records that overlap would make a small file fill all memory.
  const sorted = places.filter(({ offset, end }) => end > offset).sort((a, b) => a.offset - b.offset);
  for (const [index, { offset }] of sorted.entries()) {
    if (index > 0 && offset < sorted[index - 1]!.end) throw new CheckpointError(`${file}: its records overlap.`);
  }
  return places;
}
