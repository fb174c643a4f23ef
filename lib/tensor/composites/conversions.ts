/** What PyTorch's tensors say and become by a member of their own: `x.float()`, `x.cpu()`, `x.T`, `x.nbytes`. */
import { ArgumentError, DtypeError, ShapeError } from '../../errors';
import { tensor, type TensorData } from '../creation';
import { checkDevice } from '../device';
import { checkDtype, isTypedArray, type Dtype } from '../dtype';
import type { MemoryFormat } from '../kinds';
import { operatorFunctions as operators } from '../surface';
import { Tensor } from '../tensor';
import { composite, type Composite } from './composite';

const dtypeMethods: Record<string, Dtype> = {
  float: 'float32',
  double: 'float64',
  half: 'float16',
  bfloat16: 'bfloat16',
  byte: 'uint8',
  char: 'int8',
  short: 'int16',
  int: 'int32',
  long: 'int64',
  bool: 'bool',
  cfloat: 'complex64',
  cdouble: 'complex128',
};

function strideOf(input: Tensor, dim: number): number {
  input.size(dim); // refuses what is no dimension
  return input.strides.at(dim)!;
}

function inFormat(input: Tensor, memoryFormat: MemoryFormat | null): Tensor {
  return memoryFormat === null || memoryFormat === 'preserve_format' ? input : input.contiguous({ memoryFormat });
}

const elementBytes: Readonly<Record<Dtype, number>> = {
  ...{ bool: 1, uint8: 1, int8: 1, float8_e4m3fn: 1, float8_e5m2: 1 },
  ...{ uint16: 2, int16: 2, float16: 2, bfloat16: 2 },
  ...{ uint32: 4, int32: 4, float32: 4, complex32: 4 },
  ...{ uint64: 8, int64: 8, float64: 8, complex64: 8, complex128: 16 },
};

function bytesOfElement(input: Tensor): number {
  const bytes = (elementBytes as Partial<Record<string, number>>)[input.dtype];
  if (bytes === undefined) throw new DtypeError(`The size of an element of dtype "${input.dtype}" is not known here.`);
  return bytes;
}

/** The tensor for data, as `like` is where the options do not say otherwise. */
function tensorLike(like: Tensor, data: unknown, dtype: Dtype | null, device: string | null, requiresGrad: boolean) {
  return tensor(data as TensorData, {
    dtype: dtype ?? like.dtype,
    device: device === null ? like.device : checkDevice(device),
    requiresGrad,
  });
}

function asTensor(data: unknown, dtype: Dtype | null, device: string | null): Tensor {
  const options = {
    ...(dtype === null ? {} : { dtype: checkDtype(dtype) }),
    ...(device === null ? {} : { device: checkDevice(device) }),
  };
  return data instanceof Tensor ? (data as Tensor).to(options) : tensor(data as TensorData, options);
}

function fromBuffer(data: unknown, dtype: Dtype | null): Tensor {
  if (!isTypedArray(data))
    throw new ArgumentError('fromNumpy and frombuffer take a typed array, such as a Float32Array.');
  return tensor(data, dtype === null ? {} : { dtype });
}

function reversedDimensions(input: Tensor): number[] {
  return Array.from({ length: input.ndim }, (_, index) => input.ndim - 1 - index);
}

function conjugateTranspose(input: Tensor): Tensor {
  if (input.ndim !== 0 && input.ndim !== 2) {
    throw new ShapeError(`H is for matrices; this tensor has ${input.ndim} dimensions. mH swaps the last two.`);
  }
  return input.ndim === 0 ? operators.conj(input) : operators.adjoint(input);
}

function property(name: string, result: string, doc: string, run: (input: Tensor) => unknown): Composite {
  return composite({ signature: `${name}(Tensor input) -> ${result}`, doc, as: 'property', run });
}

export const conversionComposites = [
  ...Object.entries(dtypeMethods).map(([name, dtype]) =>
    composite({
      signature: `${name}(Tensor input, MemoryFormat? memoryFormat=None) -> Tensor`,
      doc: `This tensor as ${dtype}: itself where it is so already.`,
      as: 'method',
      run: (input: Tensor, format: MemoryFormat | null) => inFormat(input.to(dtype), format),
    }),
  ),
  composite({
    signature: 'cpu(Tensor input, MemoryFormat? memoryFormat=None) -> Tensor',
    doc: 'This tensor in the memory of the CPU.',
    as: 'method',
    run: (input: Tensor, format: MemoryFormat | null) => inFormat(input.to('cpu'), format),
  }),
  composite({
    signature: 'cuda(Tensor input, int? device=None, bool nonBlocking=False) -> Tensor',
    doc: 'This tensor on a GPU: the current one, or the one of this number.',
    as: 'method',
    run: (input: Tensor, device: number | null, nonBlocking: boolean) =>
      input.to({ device: checkDevice(device === null ? 'cuda' : `cuda:${device}`), nonBlocking }),
  }),
  composite({
    signature: 'type(Tensor input, ScalarType dtype) -> Tensor',
    doc: 'This tensor as another dtype.',
    as: 'method',
    run: (input: Tensor, dtype: Dtype) => input.to(dtype),
  }),
  composite({
    signature: 'tolist(Tensor input) -> any',
    types: { result: 'NestedArray' },
    doc: 'The elements as nested arrays; int64 as bigint, as `toArray` gives them.',
    as: 'method',
    run: (input: Tensor) => input.toArray(),
  }),
  composite({
    signature:
      'newTensor(Tensor input, any data, *, ScalarType? dtype=None, Device? device=None, bool requiresGrad=False) -> Tensor',
    types: { data: 'TensorData' },
    doc: 'A tensor of JavaScript values, of the dtype and on the device of this one unless the options say otherwise.',
    as: 'method',
    run: tensorLike,
  }),
  composite({
    signature: 'where(Tensor input, Tensor condition, any other) -> Tensor',
    types: { other: 'Tensor | Scalar' },
    doc: 'Elements of this tensor where the condition holds, else of the other.',
    as: 'method',
    run: (input: Tensor, condition: Tensor, other: unknown) => operators.where(condition, input, other as Tensor),
  }),
  composite({
    signature: 'polygamma(Tensor input, int n) -> Tensor',
    doc: 'The n-th derivative of the digamma function.',
    as: 'method',
    run: (input: Tensor, n: number) => operators.polygamma(n, input),
  }),
  composite({
    signature: ['stride(Tensor input, int dim) -> int', 'stride(Tensor input, int? dim=None) -> int[]'],
    doc: 'Elements to step over in memory for one step in each dimension, or in one.',
    as: 'method',
    run: (input: Tensor, dim: number | null) => (dim === null ? input.strides : strideOf(input, dim)),
  }),
  composite({
    signature: 'toSparseCoo(Tensor input) -> Tensor',
    doc: 'This tensor as coordinates and values, as `toSparse`.',
    as: 'method',
    run: (input: Tensor) => operators.toSparse(input),
  }),
  composite({
    signature: 'elementSize(Tensor input) -> int',
    doc: 'Bytes of one element.',
    as: 'method',
    run: bytesOfElement,
  }),
  composite({
    signature: 'nelement(Tensor input) -> int',
    doc: 'Number of elements.',
    as: 'method',
    run: (input: Tensor) => input.numel,
  }),
  composite({
    signature: 'ndimension(Tensor input) -> int',
    doc: 'Number of dimensions.',
    as: 'method',
    run: (input: Tensor) => input.ndim,
  }),
  composite({
    signature: 'asTensor(any data, ScalarType? dtype=None, Device? device=None) -> Tensor',
    types: { data: 'Tensor | TensorData' },
    doc: 'A tensor of JavaScript values; a tensor stays itself where dtype and device fit already.',
    run: asTensor,
  }),
  composite({
    signature: 'asarray(any data, *, ScalarType? dtype=None, Device? device=None) -> Tensor',
    types: { data: 'Tensor | TensorData' },
    doc: 'As `asTensor`.',
    run: asTensor,
  }),
  composite({
    signature: 'fromNumpy(any array) -> Tensor',
    types: { array: 'TypedArray' },
    doc: 'A tensor of a typed array: `[length]`, of its dtype.',
    run: (array: unknown) => fromBuffer(array, null),
  }),
  composite({
    signature: 'frombuffer(any buffer, *, ScalarType? dtype=None) -> Tensor',
    types: { buffer: 'TypedArray' },
    doc: 'A tensor of a typed array: `[length]`.',
    run: fromBuffer,
  }),
  property('T', 'Tensor', 'View with all dimensions in reverse order.', (input) =>
    operators.permute(input, reversedDimensions(input)),
  ),
  property('mT', 'Tensor', 'View with the last two dimensions swapped.', (input) => operators.transpose(input, -2, -1)),
  property('H', 'Tensor', 'Conjugate transpose of a matrix.', conjugateTranspose),
  property('mH', 'Tensor', 'Conjugate with the last two dimensions swapped.', (input) => operators.adjoint(input)),
  property('real', 'Tensor', 'View of the real parts; a real tensor itself.', (input) => operators.real(input)),
  property('imag', 'Tensor', 'View of the imaginary parts of a complex tensor.', (input) => operators.imag(input)),
  property('itemsize', 'int', 'Bytes of one element.', bytesOfElement),
  property('nbytes', 'int', 'Bytes of all elements.', (input) => input.numel * bytesOfElement(input)),
  property('isCpu', 'bool', "Whether it lies in the CPU's memory.", (input) => input.device === 'cpu'),
  property('isCuda', 'bool', "Whether it lies in a GPU's memory.", (input) => input.device.startsWith('cuda')),
  property('isSparse', 'bool', 'Whether it is stored as coordinates and values.', (input) => input.sparseDim() > 0),
];
