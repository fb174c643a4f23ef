/** Elements as PyTorch prints them, character by character. */
import fs from 'node:fs';
import path from 'node:path';

import { torch, type Dtype, type PrintOptions, type Tensor } from '../../../lib/tensor';

interface Case {
  shape: number[];
  dtype: Dtype;
  text: string;
  options?: Partial<PrintOptions>;
  /** Row-major; complex numbers as pairs. Without them: counted from 0, times a factor. */
  values?: (Spoken | [Spoken, Spoken])[];
  factor?: number;
}
/** JSON has no infinities, and its readers no whole numbers beyond 2^53. */
type Spoken = number | boolean | string;

const file = path.resolve(__dirname, '../../fixtures/tensor/printing/cases.json');
const { cases } = JSON.parse(fs.readFileSync(file, 'utf8')) as { cases: Case[] };

function make({ shape, dtype, values, factor = 1 }: Case): Tensor {
  if (values === undefined) {
    const count = shape.reduce((product, size) => product * size, 1);
    return torch.arange(count).mul(factor).reshape(shape).to(dtype);
  }
  if (dtype === 'int64')
    return torch
      .tensor(
        values.map((value) => BigInt(value as string)),
        { dtype },
      )
      .reshape(shape);
  if (dtype === 'bool') return torch.tensor(values as boolean[]).reshape(shape);
  const numbers = values
    .flat()
    .map((value) => (typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : Number(value)));
  const wide = torch.tensor(Float64Array.from(numbers), dtype.startsWith('complex') ? { dtype: 'complex128' } : {});
  return wide.reshape(shape).to(dtype);
}

const named = cases.map((each, place): [string, Case] => [
  `${place}: ${each.dtype} [${each.shape.join(', ')}] ${JSON.stringify(each.options ?? {})}`,
  each,
]);

test.each(named)('%s', (_name, each) => {
  const before = torch.getPrintOptions();
  torch.setPrintOptions(each.options ?? {});
  try {
    const printed = torch.scope(() => make(each).toString());
    expect(printed.slice(0, 'Tensor('.length + each.text.length)).toBe(`Tensor(${each.text}`);
    // What follows says only what is not told by the elements.
    expect(printed.slice('Tensor('.length + each.text.length)).toMatch(/^(,\s+dtype=\w+)?\)$/);
  } finally {
    torch.setPrintOptions(before);
  }
});
