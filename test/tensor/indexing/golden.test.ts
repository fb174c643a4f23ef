/** Random indices, with what PyTorch gives for them: elements, views, gradients, refusals. */
import fs from 'node:fs';
import path from 'node:path';

import { slice, torch, type Dtype, type Index, type Tensor, type TensorData } from '../../../lib/tensor';

type Part =
  | number
  | boolean
  | null
  | '...'
  | { slice: [number | null, number | null, number | null] }
  | { array: TensorData }
  | { tensor: TensorData; dtype: Dtype };

interface Case {
  shape: number[];
  index: Part[];
  error?: true;
}
interface Read extends Case {
  view: boolean;
  resultShape: number[];
  values: number[];
}
interface Gradient extends Case {
  gradient: number[];
}
interface Write extends Case {
  valueShape: number[];
  values: number[];
  gradient: number[];
  valueGradient: number[] | null;
}

const file = path.resolve(__dirname, '../../fixtures/tensor/indexing/cases.json');
const cases = JSON.parse(fs.readFileSync(file, 'utf8')) as { reads: Read[]; gradients: Gradient[]; writes: Write[] };

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function arange(shape: readonly number[], dtype: Dtype): Tensor {
  return torch.arange(count(shape), { dtype }).reshape(shape);
}

function toIndex(parts: readonly Part[]): Index[] {
  return parts.map((part) => {
    if (typeof part !== 'object' || part === null) return part;
    if ('slice' in part) return slice(...part.slice);
    if ('array' in part) return part.array as Index;
    const whole = part.dtype === 'uint8' ? torch.tensor(part.tensor, { dtype: 'bool' }) : torch.tensor(part.tensor);
    return whole.to(part.dtype);
  });
}

function flat(tensor: Tensor): number[] {
  return Array.from(tensor.dataSync(), Number);
}

/** So that the index shows in the name of a failing case. */
function named<C extends Case>(list: C[]): [string, C][] {
  return list.map((each, place) => [`${place}: [${each.shape.join(', ')}] at ${JSON.stringify(each.index)}`, each]);
}

function refusal(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'no error';
}

describe('at', () => {
  test.each(named(cases.reads))('%s', (_name, each) => {
    torch.scope(() => {
      const x = arange(each.shape, 'int64');
      const index = toIndex(each.index);
      if (each.error) {
        expect(refusal(() => x.at(...index))).toBe('ERR_SHAPE');
        return;
      }
      const result = x.at(...index);
      expect(result.shape).toEqual(each.resultShape);
      expect(flat(result)).toEqual(each.values);
      if (count(each.shape) === 0 || each.values.length === 0) return;
      // A view shows what is written to it in its origin.
      result.sub_(1000);
      expect(flat(x).some((value) => value < 0)).toBe(each.view);
    });
  });
});

describe('gradients of at', () => {
  test.each(named(cases.gradients))('%s', (_name, each) => {
    torch.scope(() => {
      const x = arange(each.shape, 'float64').requiresGrad_();
      const result = x.at(...toIndex(each.index));
      result.mul(arange(result.shape, 'float64').add(1)).sum().backward();
      expect(flat(x.grad!)).toEqual(each.gradient);
    });
  });
});

describe('set', () => {
  test.each(named(cases.writes))('%s', (_name, each) => {
    torch.scope(() => {
      const base = arange(each.shape, 'float64').requiresGrad_();
      const value = arange(each.valueShape, 'float64').add(1).neg().detach().requiresGrad_();
      const index = toIndex(each.index);
      const x = base.mul(1);
      if (each.error) {
        expect(refusal(() => x.set(...index, value))).toBe('ERR_SHAPE');
        return;
      }
      expect(x.set(...index, value)).toBe(x);
      expect(flat(x)).toEqual(each.values);
      x.mul(arange(each.shape, 'float64').add(1)).sum().backward();
      expect(flat(base.grad!)).toEqual(each.gradient);
      expect(value.grad === null ? null : flat(value.grad)).toEqual(each.valueGradient);

      // The same value as an array, which tells no sizes behind one of 0, and as a number.
      if (count(each.valueShape) > 0) {
        const y = arange(each.shape, 'float64').set(...index, value.toArray());
        expect(flat(y)).toEqual(each.values);
      }
      if (each.valueShape.length === 0) {
        const z = arange(each.shape, 'float64').set(...index, value.item());
        expect(flat(z)).toEqual(each.values);
      }
    });
  });
});
