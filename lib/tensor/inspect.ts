/** How a tensor looks in a log: shape, dtype, device and the values at its edges. */
import { native, type Handle } from '../native';
import { noGrad } from './context';
import { isDtype, type Complex } from './dtype';
import { rawOperator } from './raw';
import { nest, readSync, type NestedArray } from './values';

/** Elements shown at each end of a dimension; a dimension of at most twice as many is shown whole. */
const edge = 3;
const wholeDimension = 2 * edge;
const narrow = rawOperator<Handle>('aten::narrow', '');
const cat = rawOperator<Handle>('aten::cat', '');
const detach = rawOperator<Handle>('aten::detach', '');

/** `Tensor(shape=[2, 3], dtype=float32, device=cpu)`. */
export function describeTensor(tensor: Handle): string {
  const facts = [
    `shape=[${native.shape(tensor).join(', ')}]`,
    `dtype=${native.dtype(tensor)}`,
    `device=${native.device(tensor)}`,
  ];
  const gradFn = native.gradFn(tensor);
  if (gradFn !== null) facts.push(`gradFn=${gradFn}`);
  else if (native.requiresGrad(tensor)) facts.push('requiresGrad');
  return `Tensor(${facts.join(', ')})`;
}

/** The same with the values, those in the middle of long dimensions left out. */
export function inspectTensor(tensor: Handle): string {
  const dtype = native.dtype(tensor);
  if (!isDtype(dtype) || native.device(tensor) === 'meta') return describeTensor(tensor);
  const shape = native.shape(tensor);
  const edges = noGrad(() => cutToEdges(tensor, shape));
  try {
    const shown = shape.map((size) => Math.min(size, wholeDimension));
    return `${describeTensor(tensor)} ${format(nest(readSync(edges), dtype, shown, {}), shape)}`;
  } finally {
    native.free(edges);
  }
}

/** Keeps the first and last elements of every long dimension, so that only what is shown is read back. */
function cutToEdges(tensor: Handle, shape: number[]): Handle {
  let current = detach(tensor);
  shape.forEach((size, dimension) => {
    if (size <= wholeDimension) return;
    const parts = [narrow(current, dimension, 0, edge), narrow(current, dimension, size - edge, edge)];
    const joined = cat(parts, dimension);
    for (const old of [...parts, current]) native.free(old);
    current = joined;
  });
  return current;
}

function format(value: NestedArray, shape: number[]): string {
  if (!Array.isArray(value)) return formatElement(value);
  const parts = value.map((each) => format(each, shape.slice(1)));
  if (shape[0]! > wholeDimension) parts.splice(edge, 0, '...');
  return `[${parts.join(', ')}]`;
}

function formatElement(value: number | bigint | boolean | Complex): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value !== 'object') return String(value);
  return `${formatNumber(value.re)}${value.im < 0 || Object.is(value.im, -0) ? '-' : '+'}${formatNumber(Math.abs(value.im))}i`;
}

function formatNumber(value: number): string {
  return String(Number(value.toPrecision(5)));
}
