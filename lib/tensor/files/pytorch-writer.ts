/** Writes files as `torch.save` does, so that Python's `torch.load(file, weights_only=True)` reads them. */
import { inspect } from 'node:util';

import { ArgumentError, CheckpointError } from '../../errors';
import { writeAtomically } from '../../files';
import { isPlainObject } from '../scope';
import { Tensor } from '../tensor';
import { storageDtypes } from './pytorch-value';
import { tensorBytes } from './tensor-bytes';
import { ZipWriter } from './zip-writer';

export interface SavePytorchOptions {
  signal?: AbortSignal | undefined;
}

/** What `save` writes: tensors, and plain data around them. Arrays become lists, Maps and plain objects dictionaries. */
export type SavableValue =
  | null
  | boolean
  | number
  | string
  | Tensor
  | readonly SavableValue[]
  | ReadonlyMap<string | number, SavableValue>
  | { readonly [name: string]: SavableValue };

/**
 * Writes tensors by name, a state dict, whole or not at all. One given under several names is stored once, and is one tensor again in PyTorch.
 * @throws CheckpointError when a name comes twice, or the file would be beyond 4 GiB
 */
export async function savePytorch(
  file: string,
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  { signal }: SavePytorchOptions = {},
): Promise<void> {
  const named = [...tensors];
  const state = new Map(named);
  if (state.size < named.length) throw new CheckpointError(`Two tensors of ${file} have the same name.`);
  const pickler = new Pickler();
  await writeArchive(file, pickler.dictionary(emptyOrderedDict, state), pickler.storages, signal);
}

/**
 * Writes a value with all tensors in it, whole or not at all: a checkpoint of several parts. `load` reads it, as `torch.load` does. A
 * tensor in several places is stored once. Whole numbers become Python's `int`, others `float`.
 * @throws ArgumentError for what is no tensor and no plain data, or holds itself; CheckpointError when the file would be beyond 4 GiB
 */
export async function save(file: string, value: SavableValue, { signal }: SavePytorchOptions = {}): Promise<void> {
  const pickler = new Pickler();
  await writeArchive(file, pickler.describe(value), pickler.storages, signal);
}

async function writeArchive(
  file: string,
  description: Uint8Array,
  storages: readonly Tensor[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await writeAtomically(file, async (handle) => {
    const zip = new ZipWriter(handle, file);
    await zip.add('archive/data.pkl', Buffer.concat([op('\x80\x02'), description, op('.')]));
    await zip.add('archive/byteorder', Buffer.from('little'));
    for (const [key, tensor] of storages.entries())
      await zip.add(`archive/data/${key}`, await tensorBytes(tensor, signal));
    await zip.add('archive/version', Buffer.from('3\n'));
    await zip.finish();
  });
}

/** Opcodes, and names with their line ends, as bytes. */
const op = (codes: string) => Buffer.from(codes, 'latin1');
const emptyOrderedDict = op('ccollections\nOrderedDict\n)R');
const emptyDict = op('}');

const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

/** Describes values in the pickle protocol 2, each tensor on a storage of its own. */
class Pickler {
  /** In the order of their keys. */
  readonly storages: Tensor[] = [];
  readonly #keys = new Map<Tensor, number>();
  readonly #around = new Set<unknown>();

  describe(value: unknown): Buffer {
    if (value === null) return op('N');
    if (typeof value === 'boolean') return op(value ? '\x88' : '\x89');
    if (typeof value === 'number') return Number.isSafeInteger(value) ? integer(value) : fraction(value);
    if (typeof value === 'string') return text(value);
    if (isTensor(value)) return tensorOf(value, this.#keyOf(value));
    if (this.#around.has(value)) throw new ArgumentError('A value that holds itself cannot be saved.');
    this.#around.add(value);
    const described = this.#describeMembers(value);
    this.#around.delete(value);
    return described;
  }

  #describeMembers(value: unknown): Buffer {
    if (Array.isArray(value)) return Buffer.concat([op(']('), ...value.map((each) => this.describe(each)), op('e')]);
    if (value instanceof Map) return this.dictionary(emptyDict, value);
    if (isPlainObject(value)) return this.dictionary(emptyDict, new Map(Object.entries(value)));
    throw new ArgumentError(`Only tensors and plain data can be saved, not ${inspect(value, { depth: 0 })}.`);
  }

  dictionary(empty: Buffer, entries: ReadonlyMap<unknown, unknown>): Buffer {
    const parts = [...entries].flatMap(([key, value]) => {
      if (typeof key === 'string' || typeof key === 'number') return [this.describe(key), this.describe(value)];
      throw new ArgumentError(`The keys of what is saved must be texts or numbers, not ${inspect(key, { depth: 0 })}.`);
    });
    return Buffer.concat([empty, op('('), ...parts, op('u')]);
  }

  #keyOf(tensor: Tensor): number {
    let key = this.#keys.get(tensor);
    if (key === undefined) {
      this.#keys.set(tensor, (key = this.storages.length));
      this.storages.push(tensor);
    }
    return key;
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([op('X'), length, bytes]);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(Math.abs(value) > 0x7fffffff ? 10 : 5);
  if (bytes.length === 5) {
    bytes.write('J', 'latin1');
    bytes.writeInt32LE(value, 1);
  } else {
    bytes.write('\x8a\x08', 'latin1');
    bytes.writeBigInt64LE(BigInt(value), 2);
  }
  return bytes;
}

function fraction(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.write('G', 'latin1');
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

const tuple = (...parts: Buffer[]) => Buffer.concat([op('('), ...parts, op('t')]);

function tensorOf(tensor: Tensor, key: number): Buffer {
  const { shape, dtype, numel } = tensor;
  const type = Object.keys(storageDtypes).find((name) => storageDtypes[name] === dtype);
  if (type === undefined) throw new CheckpointError(`A file of PyTorch's older layout cannot hold ${dtype}.`);
  const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((product, size) => product * Math.max(size, 1), 1));
  const storage = tuple(
    text('storage'),
    op(`c${type.replace('.', '\n')}\n`),
    text(String(key)),
    text('cpu'),
    integer(numel),
  );
  const args = tuple(
    Buffer.concat([storage, op('Q')]),
    integer(0),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    op('\x89'),
    emptyOrderedDict,
  );
  return Buffer.concat([op('ctorch._utils\n_rebuild_tensor_v2\n'), args, op('R')]);
}
