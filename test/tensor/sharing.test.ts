/** `fromBuffer`: one memory for JavaScript and libtorch. */
import { setImmediate as turn } from 'node:timers/promises';
import vm from 'node:vm';

import { torch, type Dtype } from '../../lib/tensor';
import { collectGarbage } from './garbage';

const { fromBuffer } = torch;

function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

const inScope = (name: string, fn: () => void | Promise<void>) =>
  test(name, () => torch.scope(async () => void (await fn())));

inScope('what is written into one is seen in the other', () => {
  const array = new Float32Array([1, 2, 3, 4]);
  const tensor = fromBuffer(array, { shape: [2, 2] });
  array[3] = 40;
  tensor.mul_(10);
  expect([...array]).toEqual([10, 20, 30, 400]);
  expect(tensor.toArray()).toEqual([[10, 20], [30, 400]]); // prettier-ignore
});

test.each<[ArrayBufferView, Dtype, unknown]>([
  [new Float64Array([1.5]), 'float64', [1.5]],
  [new Float32Array([1.5]), 'float32', [1.5]],
  [new BigInt64Array([-1n]), 'int64', [-1n]],
  [new BigUint64Array([2n ** 64n - 1n]), 'uint64', [2n ** 64n - 1n]],
  [new Int32Array([-1]), 'int32', [-1]],
  [new Uint32Array([2 ** 32 - 1]), 'uint32', [2 ** 32 - 1]],
  [new Int16Array([-1]), 'int16', [-1]],
  [new Uint16Array([65535]), 'uint16', [65535]],
  [new Int8Array([-1]), 'int8', [-1]],
  [new Uint8Array([255]), 'uint8', [255]],
  [new Uint8ClampedArray([255]), 'uint8', [255]],
  [Buffer.from([1, 2]), 'uint8', [1, 2]],
])('%p is of its own dtype', (array, dtype, values) => {
  torch.scope(() => {
    const tensor = fromBuffer(array);
    expect([tensor.dtype, tensor.toArray()]).toEqual([dtype, values]);
  });
});

inScope('other dtypes, offsets and shapes read the bytes as they lie', () => {
  const { buffer } = new Float32Array([1, 2, 3, 4]);
  expect(fromBuffer(buffer, { dtype: 'complex64' }).toArray()).toEqual([{ re: 1, im: 2 }, { re: 3, im: 4 }]); // prettier-ignore
  expect(fromBuffer(buffer, { dtype: 'float32', offset: 4, shape: [2] }).toArray()).toEqual([2, 3]);
  expect(fromBuffer(new DataView(buffer, 8), { dtype: 'float32' }).toArray()).toEqual([3, 4]);
  expect(fromBuffer(new Float32Array(buffer, 4, 2)).toArray()).toEqual([2, 3]);
  expect(fromBuffer(Uint16Array.of(0x3c00, 0xc000), { dtype: 'float16' }).toArray()).toEqual([1, -2]);
  expect(fromBuffer(new ArrayBuffer(0), { dtype: 'float32' }).shape).toEqual([0]);
  expect(fromBuffer(buffer, { dtype: 'float32', shape: [] }).item()).toBe(1);
  expect(fromBuffer(new Float32Array([1]), { requiresGrad: true }).requiresGrad).toBe(true);
  const foreign = vm.runInNewContext('new Float32Array([7])') as Float32Array;
  expect(fromBuffer(foreign).toArray()).toEqual([7]);
});

describe('the memory stays', () => {
  inScope('when the buffer is transferred elsewhere and forgotten there', async () => {
    const buffer = new ArrayBuffer(4 << 20);
    let array: Float32Array | undefined = new Float32Array(buffer).fill(3);
    const tensor = fromBuffer(array);
    structuredClone(buffer, { transfer: [buffer] });
    expect(array.length).toBe(0);
    array = undefined;
    for (let i = 0; i < 5; i++) {
      await collectGarbage();
      new Float32Array(1 << 20).fill(i); // would lie where the forgotten memory was
    }
    tensor.add_(1);
    expect(tensor.sum().item()).toBe(4 * 2 ** 20);
  });

  inScope('for a view of the tensor, and for what autograd needs', async () => {
    const make = () => {
      const tensor = fromBuffer(new Float64Array(1000).fill(2), { requiresGrad: true });
      const result = [tensor.mul(tensor).sum(), tensor, tensor.detach().view([10, 100])] as const;
      return result;
    };
    const [loss, leaf, view] = make();
    await collectGarbage();
    loss.backward();
    expect(leaf.grad!.sum().item()).toBe(4000);
    expect(view.sum().item()).toBe(2000);
  });

  test('no longer than the tensor', async () => {
    await collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    torch.scope(() => {
      for (let i = 0; i < 50; i++) fromBuffer(new Float32Array(1 << 20));
    });
    await collectGarbage();
    await turn();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 23);
  });
});

test.each<[string, () => unknown, string]>([
  ['a number', () => fromBuffer(3 as unknown as ArrayBuffer), 'ERR_ARGUMENT'],
  ['nothing', () => fromBuffer(null as unknown as ArrayBuffer), 'ERR_ARGUMENT'],
  ['an array of numbers', () => fromBuffer([1, 2] as unknown as ArrayBuffer), 'ERR_ARGUMENT'],
  ['a Proxy', () => fromBuffer(new Proxy(new Float32Array(2), {})), 'ERR_ARGUMENT'],
  ['a buffer that can be resized', () => fromBuffer(resizable(), { dtype: 'int8' }), 'ERR_ARGUMENT'],
  ['a view of one', () => fromBuffer(new Uint8Array(resizable())), 'ERR_ARGUMENT'],
  ['a detached buffer', () => fromBuffer(detached(), { dtype: 'int8' }), 'ERR_ARGUMENT'],
  ['a view of a detached buffer', () => fromBuffer(detachedView()), 'ERR_ARGUMENT'],
  ['no dtype', () => fromBuffer(new ArrayBuffer(8)), 'ERR_DTYPE'],
  ['no dtype for a DataView', () => fromBuffer(new DataView(new ArrayBuffer(8))), 'ERR_DTYPE'],
  ['an unknown dtype', () => fromBuffer(new ArrayBuffer(8), { dtype: 'float31' as Dtype }), 'ERR_DTYPE'],
  ['bytes that make no elements', () => fromBuffer(new ArrayBuffer(7), { dtype: 'float32' }), 'ERR_SHAPE'],
  ['a shape that does not fit', () => fromBuffer(new Float32Array(3), { shape: [2, 2] }), 'ERR_SHAPE'],
  ['a negative size', () => fromBuffer(new Float32Array(3), { shape: [-1] }), 'ERR_SHAPE'],
  ['a size that is no number', () => fromBuffer(new Float32Array(3), { shape: [NaN] }), 'ERR_SHAPE'],
  ['sizes beyond measure', () => fromBuffer(new Float32Array(3), { shape: [2 ** 40, 2 ** 40, 0.5] }), 'ERR_SHAPE'],
  ['an offset beyond the end', () => fromBuffer(new Float32Array(3), { offset: 16 }), 'ERR_SHAPE'],
  ['a negative offset', () => fromBuffer(new Float32Array(3), { offset: -4 }), 'ERR_SHAPE'],
  ['an odd offset', () => fromBuffer(new ArrayBuffer(9), { dtype: 'float32', offset: 1 }), 'ERR_ARGUMENT'],
])('%s is refused', (_name, make, code) => {
  expect(codeOf(make)).toBe(code);
});

function resizable(): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
  return new Resizable(8, { maxByteLength: 16 });
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function detachedView(): Float32Array {
  const buffer = new ArrayBuffer(8);
  const view = new Float32Array(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return view;
}

test('a view that lies about its buffer is read as what it is', () => {
  class Liar extends Uint8Array {
    override get buffer(): ArrayBuffer {
      return new ArrayBuffer(0);
    }
    override get byteLength(): number {
      return 2 ** 40;
    }
  }
  torch.scope(() => expect(fromBuffer(new Liar([1, 2])).toArray()).toEqual([1, 2]));
});
