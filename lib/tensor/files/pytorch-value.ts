/** What PyTorch's files may hold, and the few Python functions whose names may stand in them, with what stands for each here. */
import { dtypeBytes, isDtype, type Dtype } from '../dtype';

/** A stretch of elements in the file, shared by the tensors that view it. */
export class PytorchStorage {
  constructor(
    readonly key: string,
    /** undefined: only its tensors say what the bytes are, and `numel` counts bytes. */
    readonly dtype: Dtype | undefined,
    readonly numel: number,
  ) {}

  /** How many elements of a dtype it holds. */
  lengthIn(dtype: Dtype): number {
    return this.dtype === undefined ? Math.floor(this.numel / dtypeBytes(dtype)) : this.numel;
  }
}

/** How a tensor lies in its storage; offset and strides count elements. */
export class PytorchTensor {
  constructor(
    readonly storage: PytorchStorage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
    readonly dtype: Dtype,
    /** The elements are the conjugates, or the negatives, of those in the storage. */
    readonly conjugated = false,
    readonly negated = false,
  ) {}
}

export type PlainValue = null | boolean | number | bigint | string | Uint8Array;

/** What a file may hold. Dictionaries (also ordered ones, and the attributes of an `argparse.Namespace`) are Maps, tuples arrays. */
export type PytorchValue =
  PlainValue | PytorchTensor | PytorchStorage | PytorchValue[] | Map<PytorchValue, PytorchValue> | Set<PytorchValue>;

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

/** The type of storages whose tensors say what they hold. */
export const untypedStorage = 'torch.storage.UntypedStorage';

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

function rebuildTensor([storage, offset, shape, strides, , , metadata]: PytorchValue[]): PytorchValue {
  if (!(storage instanceof PytorchStorage)) throw new Fault('a tensor without a storage');
  if (storage.dtype === undefined) throw new Fault('a tensor that does not say what its bytes are');
  return describeTensor(storage, storage.dtype, offset, shape, strides, metadata);
}

/** The form of dtypes that have no type of storage of their own. */
function rebuildTensorOfDtype([storage, offset, shape, strides, , , dtype, metadata]: PytorchValue[]): PytorchValue {
  if (!(storage instanceof PytorchStorage)) throw new Fault('a tensor without a storage');
  const name = typeof dtype === 'string' && dtype.startsWith(dtypePrefix) ? dtype.slice(dtypePrefix.length) : '';
  if (!isDtype(name) || (storage.dtype ?? name) !== name) throw new Fault('a tensor without a proper dtype');
  return describeTensor(storage, name, offset, shape, strides, metadata);
}

function describeTensor(
  storage: PytorchStorage,
  dtype: Dtype,
  offset: PytorchValue | undefined,
  shape: PytorchValue | undefined,
  strides: PytorchValue | undefined,
  metadata: PytorchValue | undefined,
): PytorchTensor {
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw new Fault('a tensor without a proper shape, strides and offset');
  }
  const numel = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, dim) => sum + (size - 1) * strides[dim]!, offset);
  const length = storage.lengthIn(dtype);
  if (!Number.isSafeInteger(numel) || (numel > 0 && !(last < length))) {
    throw new Fault(`a tensor of shape [${shape.join(', ')}] in a storage of ${length} elements`);
  }
  const is = (bit: string) => metadata instanceof Map && metadata.get(bit) === true;
  return new PytorchTensor(storage, offset, [...shape], [...strides], dtype, is('conj'), is('neg'));
}

function rebuildParameter([tensor]: PytorchValue[]): PytorchValue {
  if (!(tensor instanceof PytorchTensor)) throw new Fault('a parameter that is no tensor');
  return tensor;
}

/** Protocol 2 has no bytes: they stand as a text of their codes. */
function encodeText([text, encoding]: PytorchValue[]): PytorchValue {
  if (typeof text !== 'string' || encoding !== 'latin1') throw new Fault('bytes in a form that Python does not write');
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function size([sizes = []]: PytorchValue[]): PytorchValue {
  if (!isCounts(sizes)) throw new Fault('a torch.Size that does not hold sizes');
  return [...sizes];
}

function deviceName([type, index]: PytorchValue[]): PytorchValue {
  if (typeof type !== 'string') throw new Fault('a device without a name');
  return isCount(index) ? `${type}:${index}` : type;
}

function counter([counts = new Map()]: PytorchValue[]): PytorchValue {
  if (!(counts instanceof Map)) throw new Fault('a Counter that does not hold counts');
  return counts;
}

function byteArray([bytes = new Uint8Array()]: PytorchValue[]): PytorchValue {
  if (!(bytes instanceof Uint8Array)) throw new Fault('a bytearray that is not made of bytes');
  return bytes;
}

function setOf([values = []]: PytorchValue[]): PytorchValue {
  if (!Array.isArray(values)) throw new Fault('a set that is not made of a list');
  return new Set(values);
}

/** Entries of an ordered dictionary follow as items. */
function orderedDict(args: PytorchValue[]): PytorchValue {
  if (args.length > 0) throw new Fault('an OrderedDict made from a list, as only Python 2 writes it');
  return new Map();
}

const globals = new Map<string, Global>([
  ['torch._utils._rebuild_tensor_v2', new Global(rebuildTensor)],
  ['torch._utils._rebuild_tensor_v3', new Global(rebuildTensorOfDtype)],
  ['torch._utils._rebuild_parameter', new Global(rebuildParameter)],
  ['torch._utils._rebuild_parameter_with_state', new Global(rebuildParameter)],
  ['torch.Size', new Global(size)],
  ['torch.device', new Global(deviceName)],
  ['collections.OrderedDict', new Global(orderedDict)],
  ['collections.Counter', new Global(counter)],
  ['argparse.Namespace', new Global(() => new Namespace())],
  ['_codecs.encode', new Global(encodeText)],
  ['__builtin__.bytearray', new Global(byteArray)],
  ['builtins.bytearray', new Global(byteArray)],
  ['__builtin__.set', new Global(setOf)],
  ['builtins.set', new Global(setOf)],
]);

/** Tensors of these kinds are in no state dict of ours; their functions tell which they are. */
const otherTensors: Record<string, string> = {
  'torch._utils._rebuild_sparse_tensor': 'a sparse tensor',
  'torch._utils._rebuild_sparse_csr_tensor': 'a sparse tensor',
  'torch._utils._rebuild_qtensor': 'a quantised tensor',
  'torch._utils._rebuild_nested_tensor': 'a nested tensor',
  'torch._utils._rebuild_meta_tensor_no_storage': 'a tensor of the meta device, which has no elements',
  'torch._utils._rebuild_device_tensor_from_numpy': 'a tensor of a device that keeps its elements as a NumPy array',
  'torch._utils._rebuild_wrapper_subclass': "a tensor of a class of the writer's own",
  'torch._tensor._rebuild_from_type_v2': "a tensor of a class or with attributes of the writer's own",
};

const dtypePrefix = 'torch.';
const dtypePattern = /^torch\.(?:u?int\d+|b?float\d+(?:_\w+)?|complex\d+|bool|q?u?int\w+)$/;

/** The types of storages and elements are only named, never called: they come as texts. */
export function findGlobal(module: string, name: string): Global | string {
  const full = `${module}.${name}`;
  if (Object.hasOwn(storageDtypes, full) || full === untypedStorage || dtypePattern.test(full)) return full;
  const known = globals.get(full);
  if (known !== undefined) return known;
  const kind = Object.hasOwn(otherTensors, full) ? ` for ${otherTensors[full]}` : '';
  throw new Fault(`the name ${full}${kind}; only tensors and plain data are read`);
}
