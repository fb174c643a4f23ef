/** Joining, broadcasting and splitting that PyTorch spells with tensors one by one. */
import { ShapeError } from '../../errors';
import { operatorFunctions as operators } from '../surface';
import { Tensor } from '../tensor';
import { composite } from './composite';
import { elementsOf } from './list';

/** Several tensors give several, one gives one. */
function onEach(tensors: Tensor[], one: (tensor: Tensor) => Tensor): Tensor | Tensor[] {
  return tensors.length === 1 ? one(tensors[0]!) : tensors.map(one);
}

function atLeast(dimensions: 1 | 2 | 3, one: (tensor: Tensor) => Tensor) {
  const name = `atleast${dimensions}d`;
  return composite({
    signature: [`${name}(Tensor input) -> Tensor`, `${name}(Tensor[] *tensors) -> Tensor[]`],
    doc: `Views of at least ${dimensions} dimension${dimensions === 1 ? '' : 's'}: one tensor gives one, several give an array.`,
    run: (tensors: Tensor[]) => onEach(tensors, one),
  });
}

/** The shape that shapes broadcast to. */
function broadcastTwo(a: readonly number[], b: readonly number[]): number[] {
  const dimensions = Math.max(a.length, b.length);
  return Array.from({ length: dimensions }, (_, index) => {
    const x = a[index - dimensions + a.length] ?? 1;
    const y = b[index - dimensions + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(`The shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast together.`);
    }
    return x === 1 ? y : x;
  });
}

function checkShapes(values: unknown): number[][] {
  return elementsOf(values, 100_000, 'What broadcastShapes takes').map(checkShape);
}

/** libtorch's tensors have no more dimensions. */
const mostDimensions = 64;

function checkShape(value: unknown): number[] {
  const sizes = typeof value === 'number' ? [value] : elementsOf(value, mostDimensions, 'A shape');
  for (const size of sizes) {
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      throw new ShapeError('A shape is a list of whole numbers from 0 on.');
    }
  }
  return sizes as number[];
}

/** [rows * columns] indices of every pair, as columns of a table. */
function unravel(indices: Tensor, shape: readonly number[]): Tensor[] {
  const count = shape.reduce((product, size) => product * size, 1);
  if (indices.isFloatingPoint() || indices.isComplex() || indices.dtype === 'bool') {
    throw new ShapeError(`unravelIndex takes indices of a whole-number dtype, not ${indices.dtype}.`);
  }
  if (indices.numel > 0 && (indices.min().item() < -count || indices.max().item() >= count)) {
    throw new ShapeError(`unravelIndex: an index lies outside a tensor of shape [${shape.join(', ')}].`);
  }
  let stride = 1;
  const columns: Tensor[] = [];
  for (const size of [...shape].reverse()) {
    columns.unshift(operators.remainder(operators.floorDivide(indices, stride), size));
    stride *= size;
  }
  return columns;
}

export const shapeComposites = [
  atLeast(1, (tensor) => operators.atleast1d(tensor)),
  atLeast(2, (tensor) => operators.atleast2d(tensor)),
  atLeast(3, (tensor) => operators.atleast3d(tensor)),
  composite({
    signature: 'broadcastTensors(Tensor[] *tensors) -> Tensor[]',
    doc: 'Views of all tensors in the shape that they broadcast to together.',
    run: (tensors: Tensor[]) => operators.broadcastTensors(tensors),
  }),
  composite({
    signature: 'broadcastShapes(any *shapes) -> int[]',
    types: { shapes: '(number | readonly number[])[]' },
    doc: 'The shape that tensors of these shapes broadcast to.',
    run: (shapes: unknown) => checkShapes(shapes).reduce(broadcastTwo, []),
  }),
  composite({
    signature: 'blockDiag(Tensor[] *tensors) -> Tensor',
    doc: 'A matrix with these matrices along its diagonal, zeros elsewhere.',
    run: (tensors: Tensor[]) => operators.blockDiag(tensors),
  }),
  composite({
    signature: 'cartesianProd(Tensor[] *tensors) -> Tensor',
    doc: 'Every combination of one element from each vector, a row each.',
    run: (tensors: Tensor[]) => operators.cartesianProd(tensors),
  }),
  composite({
    signature: 'meshgrid(Tensor[] *tensors, *, ij|xy indexing="ij") -> Tensor[]',
    doc: "Coordinates of a grid: for each vector a tensor of the whole grid's shape.",
    run: (tensors: Tensor[], indexing: string) => operators.meshgrid(tensors, { indexing }),
  }),
  composite({
    signature: 'unravelIndex(Tensor indices, int[] shape) -> Tensor[]',
    doc: 'Turns indices into a flattened tensor into an index for each dimension of `shape`.',
    run: (indices: Tensor, shape: number[]) => unravel(indices, checkShape(shape)),
  }),
  composite({
    signature: [
      'nonzero(Tensor input, *, true asTuple) -> Tensor[]',
      'nonzero(Tensor input, *, bool asTuple=False) -> Tensor',
    ],
    doc: 'Indices of the elements that are not zero: a row each, or with `asTuple` a vector for each dimension.',
    as: 'both',
    run: (input: Tensor, asTuple: boolean) => (asTuple ? operators.nonzeroNumpy(input) : operators.nonzero(input)),
  }),
  composite({
    signature: 'isTensor(any value) -> bool',
    doc: 'Whether a value is a tensor of this package.',
    run: (value: unknown) => value instanceof Tensor,
  }),
  composite({
    signature: 'numel(Tensor input) -> int',
    doc: 'Number of elements.',
    run: (input: Tensor) => input.numel,
  }),
];
