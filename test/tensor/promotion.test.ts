/** Dtypes of arithmetic: tensors of two dtypes, and tensors with the numbers of JavaScript, as in PyTorch. */
import fs from 'node:fs';
import path from 'node:path';

import { torch, type Dtype, type Scalar } from '../../lib/tensor';

const file = path.resolve(__dirname, '../fixtures/tensor/promotion/cases.json');
type Operation = 'add' | 'mul' | 'div' | 'pow';
const golden = JSON.parse(fs.readFileSync(file, 'utf8')) as {
  tensors: Record<Dtype, Record<Dtype, [string, string]>>;
  numbers: Record<Dtype, Record<keyof typeof numbers, Record<Operation, string>>>;
};

const numbers = { whole: 2, fraction: 0.5, boolean: true, complex: { re: 1, im: 2 } } satisfies Record<string, Scalar>;
const dtypes = Object.keys(golden.tensors) as Dtype[];

function outcome(compute: () => { dtype: Dtype }): string {
  try {
    return torch.scope(compute).dtype;
  } catch {
    return 'error';
  }
}

test.each(dtypes)('%s with tensors', (dtype) => {
  for (const [other, expected] of Object.entries(golden.tensors[dtype]) as [Dtype, string[]][]) {
    const found = [[2], []].map((shape) =>
      outcome(() => torch.ones([2], { dtype }).add(torch.ones(shape, { dtype: other }))),
    );
    expect([other, ...found]).toEqual([other, ...expected]);
  }
});

test.each(dtypes)('%s with numbers', (dtype) => {
  for (const [kind, expected] of Object.entries(golden.numbers[dtype])) {
    const number: Scalar = numbers[kind as keyof typeof numbers];
    const x = torch.ones([2], { dtype });
    const found = {
      add: outcome(() => x.add(number)),
      mul: outcome(() => x.mul(number)),
      div: outcome(() => x.div(number)),
      pow: outcome(() => x.pow(number)),
    };
    expect({ kind, ...found }).toEqual({ kind, ...expected });
  }
});

test('a number in the place of a tensor is a scalar, a bigint a whole number', () => {
  torch.scope(() => {
    const x = torch.tensor([1, 2], { dtype: 'int32' });
    expect(x.add(2n).dtype).toBe('int32');
    expect(x.gt(1.5).toArray()).toEqual([false, true]);
    expect(torch.maximum(torch.tensor([1, 2], { dtype: 'float16' }), torch.tensor(1.5)).dtype).toBe('float16');
    expect(x.maskedFill(x.gt(1), 7).toArray()).toEqual([1, 7]);
    expect(x.clamp(1.5).dtype).toBe('float32');
    expect(torch.where(x.gt(1), x, 0).dtype).toBe('int32');
    // Whole numbers are integers here: JavaScript does not tell 2 from 2.0.
    expect(x.mul(2.0).dtype).toBe('int32');
    expect(x.div(2).toArray()).toEqual([0.5, 1]);
  });
});

test('in place the dtype stays, or the operation is refused', () => {
  torch.scope(() => {
    const x = torch.tensor([1, 2], { dtype: 'int64' });
    expect(() => x.add_(0.5)).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
    expect(() => x.mul_(torch.tensor([0.5]))).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
    expect(x.add_(1).toArray()).toEqual([2n, 3n]);
    expect(torch.ones([2], { dtype: 'float16' }).add_(torch.ones([2], { dtype: 'float64' })).dtype).toBe('float16');
  });
});
