/** What PyTorch's files may hold, and the few Python functions whose names may stand in them, with what stands for each here. */
import type { Dtype } from '../dtype';

/** A stretch of elements in the file, shared by the tensors that view it. */
export class PytorchStorage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype,
    readonly numel: number,
  ) {}
}

/** How a tensor lies in its storage; offset and strides count elements. */
export class PytorchTensor {
  constructor(
    readonly storage: PytorchStorage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}

  get dtype(): Dtype {
    return this.storage.dtype;
  }
}

/** What a file may hold. Dictionaries (also ordered ones, and the attributes of an `argparse.Namespace`) are Maps, tuples arrays. */
export type PytorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PytorchTensor
  | PytorchStorage
  | PytorchValue[]
  | Map<PytorchValue, PytorchValue>
  | Set<PytorchValue>;

/** The types of storages, and what their elements are. */
export const storageDtypes: Record<string, Dtype> = {
  'torch.DoubleStorage': 'float64',
  'torch.FloatStorage': 'float32',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
  'torch.ComplexFloatStorage': 'complex64',
  'torch.ComplexDoubleStorage': 'complex128',
};

/** What is wrong with a pickle; `readPickle` says where. */
export class Fault extends Error {}

/** A Python function by name, with what stands for it here. */
export class Global {
  constructor(readonly call: (args: PytorchValue[]) => PytorchValue) {}
}

/** The attributes of an object. Only these take a state; that of an ordered dictionary (`_metadata`) is none of its entries. */
export class Namespace extends Map<PytorchValue, PytorchValue> {}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= mostDimensions && value.every(isCount);
/** libtorch's own limit. */
const mostDimensions = 64;

function rebuildTensor([storage, offset, shape, strides]: PytorchValue[]): PytorchValue {
  if (!(storage instanceof PytorchStorage)) throw new Fault('a tensor without a storage');
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw new Fault('a tensor without a proper shape, strides and offset');
  }
  const numel = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, dim) => sum + (size - 1) * strides[dim]!, offset);
  if (!Number.isSafeInteger(numel) || (numel > 0 && !(last < storage.numel))) {
    throw new Fault(`a tensor of shape [${shape.join(', ')}] in a storage of ${storage.numel} elements`);
  }
  return new PytorchTensor(storage, offset, [...shape], [...strides]);
}

function rebuildParameter([tensor]: PytorchValue[]): PytorchValue {
  if (!(tensor instanceof PytorchTensor)) throw new Fault('a parameter that is no tensor');
  return tensor;
}

function size([sizes = []]: PytorchValue[]): PytorchValue {
  if (!isCounts(sizes)) throw new Fault('a torch.Size that does not hold sizes');
  return [...sizes];
}

/** Entries of an ordered dictionary follow as items. */
function orderedDict(args: PytorchValue[]): PytorchValue {
  if (args.length > 0) throw new Fault('an OrderedDict made from a list, as only Python 2 writes it');
  return new Map();
}

const globals = new Map<string, Global>([
  ['torch._utils._rebuild_tensor_v2', new Global(rebuildTensor)],
  ['torch._utils._rebuild_parameter', new Global(rebuildParameter)],
  ['torch.Size', new Global(size)],
  ['collections.OrderedDict', new Global(orderedDict)],
  ['argparse.Namespace', new Global(() => new Namespace())],
]);

/** The types of storages are only named, never called: they come as texts. */
export function findGlobal(module: string, name: string): Global | string {
  const full = `${module}.${name}`;
  if (Object.hasOwn(storageDtypes, full)) return full;
  const known = globals.get(full);
  if (known === undefined) throw new Fault(`the name ${full}; only tensors and plain data are read`);
  return known;
}
