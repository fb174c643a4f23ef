/**
 * PyTorch's own files, as `torch.save` writes them since 1.6: a zip archive without compression that holds one pickle, which describes
 * tensors, and a record of bytes for each storage. The pickle is read without executing anything, the bytes natively by their place.
 */
import type { FileHandle } from 'node:fs/promises';

import { CheckpointError } from '../../errors';
import { native } from '../../native';
import { dtypeBytes } from '../dtype';
import { withSignal } from '../job';
import { retryingForMemory } from '../memory';
import { scope } from '../scope';
import { wrap, type Tensor } from '../tensor';
import type { FileOptions } from './npy';
import { openFile } from './open-file';
import { readPickle } from './pickle';
import { PytorchStorage, PytorchTensor, type PlainValue, type PytorchValue } from './pytorch-value';
import { hasChecksum, listRecords, readRecord, type Place } from './zip-reader';

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
  const handle = await openFile(file);
  try {
    await checkForm(handle, file);
    const records = await listRecords(handle);
    for (const [name, { compressed }] of records) {
      if (compressed) throw new Error(`${name} is compressed, which torch.save never does`);
    }
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
async function checkForm(handle: FileHandle, file: string): Promise<void> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  if (bytesRead === 4 && buffer.readUInt32LE() === 0x04034b50) return;
  // The older form begins with a pickle of its magic number.
  throw new CheckpointError(
    bytesRead === 4 && buffer[0] === 0x80
      ? `${file} is of the form that PyTorch wrote before 1.6. Load it in Python and save it anew with torch.save.`
      : `${file} is not a file of torch.save, or only the beginning of one.`,
  );
}

export interface LoadPytorchOptions extends FileOptions {
  /** Key of the outermost dictionary under which the state dict lies, such as `model` in fairseq's checkpoints. Default: it is the outermost one. */
  section?: string | undefined;
  /** Only these tensors; default: all. */
  names?: readonly string[] | undefined;
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
  return scope(async () => {
    const tensorOf = await loadStorages(file, wanted, storages, options);
    return new Map(wanted.map((tensor, index) => [names[index]!, tensorOf(tensor)]));
  });
}

/** What a file of torch.save may hold, with its tensors loaded. */
export type LoadedValue = PlainValue | Tensor | LoadedValue[] | Map<LoadedValue, LoadedValue> | Set<LoadedValue>;

/**
 * Loads all that a file of `torch.save` holds: tensors, and plain data around them. Dictionaries come as Maps, tuples and lists as arrays;
 * nothing of Python is executed. Tensors that share a storage in the file share memory, and none requires gradients.
 * @throws CheckpointError as `inspectPytorch`
 */
export async function load(file: string, options: FileOptions = {}): Promise<LoadedValue> {
  const { value, storages } = await inspectPytorch(file);
  const described = new Set<PytorchTensor>();
  convert(value, (tensor) => {
    described.add(tensor);
    return null;
  });
  return scope(async () => {
    const tensorOf = await loadStorages(file, [...described], storages, options);
    const tensors = new Map([...described].map((tensor) => [tensor, tensorOf(tensor)]));
    return convert(value, (tensor) => tensors.get(tensor)!);
  });
}

/** The same value with its tensors replaced; what is the same object in several places stays so. */
function convert(value: PytorchValue, replace: (tensor: PytorchTensor) => LoadedValue): LoadedValue {
  const done = new Map<object, LoadedValue>();
  // A list of what is left to do, since a pickle may nest deeper than the stack.
  const work: (() => void)[] = [];
  const visit = (each: PytorchValue): LoadedValue => {
    if (typeof each !== 'object' || each === null || each instanceof Uint8Array) return each;
    if (each instanceof PytorchStorage) return null;
    let made = done.get(each);
    if (made !== undefined) return made;
    if (each instanceof PytorchTensor) made = replace(each);
    else if (Array.isArray(each)) {
      const list: LoadedValue[] = [];
      work.push(() => each.forEach((element) => list.push(visit(element))));
      made = list;
    } else if (each instanceof Set) {
      const set = new Set<LoadedValue>();
      work.push(() => each.forEach((element) => set.add(visit(element))));
      made = set;
    } else {
      const map = new Map<LoadedValue, LoadedValue>();
      work.push(() => each.forEach((element, key) => map.set(visit(key), visit(element))));
      made = map;
    }
    done.set(each, made);
    return made;
  };
  const result = visit(value);
  for (let next = 0; next < work.length; next++) work[next]!();
  return result;
}

/** Loads the storages that tensors need, and gives what makes the tensors of them. */
async function loadStorages(
  file: string,
  wanted: readonly PytorchTensor[],
  storages: ReadonlyMap<string, Place>,
  { device = 'cpu', signal }: FileOptions,
): Promise<(tensor: PytorchTensor) => Tensor> {
  const needed = [...new Set(wanted.map(({ storage }) => storage))];
  const places = placesOf(needed, storages, file);
  const handles = await retryingForMemory(() =>
    withSignal(signal, (token) => native.tensorsLoad(token, file, places, device)),
  );
  const elements = new Map(handles.map((handle, index) => [needed[index]!, wrap(handle)]));
  return ({ storage, dtype, shape, strides, offset, conjugated, negated }) => {
    const bytes = elements.get(storage)!;
    const whole = storage.lengthIn(dtype) * dtypeBytes(dtype);
    const flat = storage.dtype === undefined ? bytes.narrow(0, 0, whole).view(dtype) : bytes;
    const tensor = flat.asStrided(shape, strides, offset);
    const signed = negated ? tensor.neg() : tensor;
    return conjugated ? signed.conj() : signed;
  };
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
  const places = needed.map(({ key, dtype = 'uint8', numel }) => {
    const place = storages.get(key);
    if (place === undefined) throw new CheckpointError(`${file} lacks the elements of storage ${key}.`);
    if (place.size !== numel * dtypeBytes(dtype)) {
      throw new CheckpointError(
        `${file}: storage ${key} has ${place.size} bytes, and ${numel} elements of ${dtype} are expected.`,
      );
    }
    const checksum = hasChecksum(place) ? { before: 0, expected: place.checksum } : undefined;
    return { dtype, shape: [numel], offset: place.offset, end: place.offset + place.size, checksum };
  });
  // Records that overlap would make a small file fill all memory.
  const sorted = places.filter(({ offset, end }) => end > offset).sort((a, b) => a.offset - b.offset);
  for (const [index, { offset }] of sorted.entries()) {
    if (index > 0 && offset < sorted[index - 1]!.end) throw new CheckpointError(`${file}: its records overlap.`);
  }
  return places;
}
