/** A tensor as text, in PyTorch's form: elements, then what is not taken for granted of dtype, device and gradients. */
import { native, type Handle } from '../../native';
import { isDtype, type DataArray, type Dtype } from '../dtype';
import { noGrad } from '../modes';
import { convert, rawOperator } from '../raw';
import { readSync } from '../values';
import { writeElements } from './elements';
import { isCut, isLong, layOut } from './layout';
import { getPrintOptions, type PrintOptions } from './options';

const detach = rawOperator('aten::detach', '');
const index = rawOperator('aten::index', 'Tensor');
const shownByValues: readonly string[] = ['float32', 'complex64', 'int64', 'bool'];

/** `Tensor float32 [2, 3]`: what there is without a look at the values. */
export function describeTensor(tensor: Handle, name: string): string {
  return `${name} ${native.dtype(tensor)} [${native.shape(tensor).join(', ')}]`;
}

/**
 * The tensor as `print` of PyTorch shows it; only what is shown is read. `Tensor([1., 2.], dtype=float64, requiresGrad)`.
 * @param name of its class
 */
export function printTensor(tensor: Handle, name: string): string {
  const options = getPrintOptions();
  const opening = `${name}(`;
  const { text, facts } = describe(tensor, opening.length, options);
  const gradFn = native.gradFn(tensor);
  if (gradFn !== null) facts.push(`gradFn=${gradFn}`);
  else if (native.requiresGrad(tensor)) facts.push('requiresGrad');
  return `${appendFacts(opening + text, facts, opening.length, options)})`;
}

/** The elements, and what is to be said besides. */
function describe(tensor: Handle, indent: number, options: PrintOptions): { text: string; facts: string[] } {
  const shape = native.shape(tensor);
  const dtype = native.dtype(tensor);
  const device = native.device(tensor);
  const layout = native.layout(tensor);
  const facts = device === 'cpu' ? [] : [`device=${device}`];
  const shapeFact = `shape=[${shape.join(', ')}]`;
  const dtypeFact = `dtype=${dtype}`;
  if (layout !== 'strided' || device === 'meta' || readableAs(dtype) === undefined) {
    facts.push(shapeFact);
    if (dtype !== 'float32') facts.push(dtypeFact);
    if (layout !== 'strided') facts.push(`layout=${layout}`);
    return { text: '...', facts };
  }
  if (shape.includes(0)) {
    if (shape.length > 1) facts.push(shapeFact);
    if (dtype !== 'float32') facts.push(dtypeFact);
    return { text: '[]', facts };
  }
  if (!shownByValues.includes(dtype)) facts.push(dtypeFact);
  const elements = writeElements(readShown(tensor, shape, dtype, options), readableAs(dtype)!, options);
  return { text: layOut(shape, elements, indent, options), facts };
}

/** The dtype in which elements can be read: 8-bit floats by way of float32. */
function readableAs(dtype: string): Dtype | undefined {
  if (isDtype(dtype)) return dtype;
  if (dtype.startsWith('float8')) return 'float32';
  return dtype === 'uint16' || dtype === 'uint32' ? 'int64' : undefined;
}

/** Copies the elements at the edges of long dimensions, all of short ones. */
function readShown(tensor: Handle, shape: readonly number[], dtype: string, options: PrintOptions): DataArray {
  const made: Handle[] = [];
  const keep = (handle: Handle) => {
    made.push(handle);
    return handle;
  };
  return noGrad(() => {
    try {
      let shown = keep(detach(tensor));
      const cut = isCut(
        shape.reduce((product, size) => product * size, 1),
        options,
      );
      if (cut && shape.some((size) => isLong(size, options))) {
        // One position list for each dimension, crossed with each other: nothing else is touched.
        const lists = shape.map((size, dimension) => {
          const positions = shownPositions(size, options);
          const crossed = shape.map((_, other) => (other === dimension ? positions.length : 1));
          return keep(native.fromBuffer(positions, crossed, 'int64', 'cpu'));
        });
        shown = keep(index(shown, lists));
      }
      const readable = readableAs(dtype)!;
      if (readable !== dtype) shown = keep(convert(shown, readable, undefined));
      return readSync(shown);
    } finally {
      for (const handle of made) native.free(handle);
    }
  });
}

function shownPositions(size: number, options: PrintOptions): BigInt64Array {
  const { edgeItems } = options;
  const count = isLong(size, options) ? 2 * edgeItems : size;
  return BigInt64Array.from({ length: count }, (_, place) =>
    BigInt(place < edgeItems || count === size ? place : size - count + place),
  );
}

/** Facts follow the last line as long as they fit. */
function appendFacts(text: string, facts: readonly string[], indent: number, { lineWidth }: PrintOptions): string {
  let used = text.length - text.lastIndexOf('\n') + 1;
  for (const fact of facts) {
    const fits = used + fact.length + 2 <= lineWidth;
    text += fits ? `, ${fact}` : `,\n${' '.repeat(indent)}${fact}`;
    used = fits ? used + fact.length + 2 : indent + fact.length;
  }
  return text;
}
