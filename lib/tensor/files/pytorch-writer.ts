/** Writes state dicts as `torch.save` does, so that Python's `torch.load(file, weights_only=True)` reads them. */
import { CheckpointError } from '../../errors';
import { writeAtomically } from '../../files';
import type { Tensor } from '../tensor';
import { storageDtypes } from './pytorch-value';
import { tensorBytes } from './tensor-bytes';
import { ZipWriter } from './zip-writer';

export interface SavePytorchOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Writes tensors by name, whole or not at all. One given under several names is stored once, and is one tensor again in PyTorch.
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
  const storages = [...new Set(state.values())];
  await writeAtomically(file, async (handle) => {
    const zip = new ZipWriter(handle, file);
    await zip.add('archive/data.pkl', describe(state, storages));
    await zip.add('archive/byteorder', Buffer.from('little'));
    for (const [key, tensor] of storages.entries())
      await zip.add(`archive/data/${key}`, await tensorBytes(tensor, signal));
    await zip.add('archive/version', Buffer.from('3\n'));
    await zip.finish();
  });
}

/** The pickle of an ordered dictionary of tensors, in protocol 2, each tensor on a storage of its own. */
function describe(state: ReadonlyMap<string, Tensor>, storages: readonly Tensor[]): Uint8Array {
  const keys = new Map(storages.map((tensor, key) => [tensor, key]));
  const entries = [...state].flatMap(([name, tensor]) => [text(name), tensorOf(tensor, keys.get(tensor)!)]);
  return Buffer.concat([op('\x80\x02'), emptyDict, op('('), ...entries, op('u.')]);
}

/** Opcodes, and names with their line ends, as bytes. */
const op = (codes: string) => Buffer.from(codes, 'latin1');
const emptyDict = op('ccollections\nOrderedDict\n)R');

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([op('X'), length, bytes]);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(value > 0x7fffffff ? 10 : 5);
  if (bytes.length === 5) {
    bytes.write('J', 'latin1');
    bytes.writeInt32LE(value, 1);
  } else {
    bytes.write('\x8a\x08', 'latin1');
    bytes.writeBigInt64LE(BigInt(value), 2);
  }
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
    emptyDict,
  );
  return Buffer.concat([op('ctorch._utils\n_rebuild_tensor_v2\n'), args, op('R')]);
}
