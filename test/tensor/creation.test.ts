/** Tensors from JavaScript values and back, for every dtype. */
import fc from 'fast-check';

import { torch, type Dtype, type Tensor, type TensorData } from '../../lib/tensor';

function thrown(fn: () => unknown): { code?: string; message: string } {
  try {
    fn();
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('nothing was thrown');
}

const roundTrips: [Dtype, TensorData, object][] = [
  ['float64', [0.1, -2.5, Infinity, NaN, -0], new Float64Array([0.1, -2.5, Infinity, NaN, -0])],
  ['float32', [0.25, -2.5, -Infinity], new Float32Array([0.25, -2.5, -Infinity])],
  ['float16', [1.5, 65504, 2 ** -24], new Float32Array([1.5, 65504, 2 ** -24])],
  ['bfloat16', [1.5, -3, 2 ** 100], new Float32Array([1.5, -3, 2 ** 100])],
  ['int64', [2n ** 63n - 1n, -(2n ** 63n), 0n], new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n), 0n])],
  ['int32', [2 ** 31 - 1, -(2 ** 31)], new Int32Array([2 ** 31 - 1, -(2 ** 31)])],
  ['int16', [32767, -32768], new Int16Array([32767, -32768])],
  ['int8', [127, -128], new Int8Array([127, -128])],
  ['uint8', [255, 0], new Uint8Array([255, 0])],
  ['bool', [true, false, true], new Uint8Array([1, 0, 1])],
  [
    'complex64',
    [
      { re: 1, im: -2 },
      { re: 0.5, im: 0 },
    ],
    new Float32Array([1, -2, 0.5, 0]),
  ],
  ['complex128', [{ re: 0.1, im: 0.2 }], new Float64Array([0.1, 0.2])],
  ['complex32', [{ re: 0.5, im: -65504 }], new Float32Array([0.5, -65504])],
  ['uint16', [65535, 0], new Uint16Array([65535, 0])],
  ['uint32', [2 ** 32 - 1, 0], new Uint32Array([2 ** 32 - 1, 0])],
  ['uint64', [2n ** 64n - 1n, 0n], new BigUint64Array([2n ** 64n - 1n, 0n])],
  ['float8_e4m3fn', [448, -0.5, 2 ** -9], new Float32Array([448, -0.5, 2 ** -9])],
  ['float8_e5m2', [57344, -0.5, Infinity], new Float32Array([57344, -0.5, Infinity])],
];

describe('round trips', () => {
  test.each(roundTrips)('%s comes back as it went in', async (dtype, values, bytes) => {
    const tensor = torch.tensor(values, { dtype });
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([(values as unknown[]).length]);
    expect(tensor.dataSync()).toEqual(bytes);
    expect(await tensor.data()).toEqual(bytes);
    expect(tensor.toArray()).toEqual(values);
    tensor.dispose();
  });

  test.each(roundTrips)('%s from its own typed array', (dtype, _values, bytes) => {
    const tensor = torch.tensor(bytes as Float64Array, { dtype });
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.dataSync()).toEqual(bytes);
    tensor.dispose();
  });

  test('doubles survive exactly, in any shape', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 24 }), (values) => {
        using tensor = torch.tensor(Float64Array.from(values), { shape: [values.length, 1] });
        expect(tensor.dataSync()).toEqual(Float64Array.from(values));
      }),
    );
  });

  test('64-bit integers survive exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }), (values) => {
        using tensor = torch.tensor(values);
        expect(tensor.toArray()).toEqual(values);
      }),
    );
  });

  test('views are read in their own order, not in memory order', () => {
    const matrix = torch.tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(matrix.transpose(0, 1).toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(matrix.select(1, 2).dataSync()).toEqual(new Float32Array([3, 6]));
  });

  test('lazily conjugated and negated tensors are read as what they mean', () => {
    const z = torch.tensor([{ re: 1, im: 2 }]);
    expect(z.conj().toArray()).toEqual([{ re: 1, im: -2 }]);
    expect(torch.imag(z.conj()).toArray()).toEqual([-2]);
  });
});

describe('inference', () => {
  test.each<[TensorData, Dtype, number[]]>([
    [1, 'float32', []],
    [
      [
        [1, 2],
        [3, 4.5],
      ],
      'float32',
      [2, 2],
    ],
    [5n, 'int64', []],
    [true, 'bool', []],
    [{ re: 1, im: 1 }, 'complex64', []],
    [[], 'float32', [0]],
    [[[], []], 'float32', [2, 0]],
    [new Float64Array(2), 'float64', [2]],
    [new Uint8ClampedArray(2), 'uint8', [2]],
    [new Uint16Array(2), 'int32', [2]],
    [new Uint32Array(2), 'int64', [2]],
    [new BigUint64Array(2), 'int64', [2]],
  ])('%p', (values, dtype, shape) => {
    const tensor = torch.tensor(values);
    expect([tensor.dtype, tensor.shape]).toEqual([dtype, shape]);
  });

  test('wide unsigned arrays keep their values', () => {
    expect(torch.tensor(new Uint16Array([65535])).toArray()).toEqual([65535]);
    expect(torch.tensor(new Uint32Array([2 ** 32 - 1])).toArray()).toEqual([2n ** 32n - 1n]);
  });

  test('a typed array is copied, not shared', () => {
    const source = new Float32Array([1, 2]);
    const tensor = torch.tensor(source);
    source[0] = 9;
    expect(tensor.toArray()).toEqual([1, 2]);
  });

  test('a subarray gives its own elements only', () => {
    expect(torch.tensor(new Float32Array([1, 2, 3, 4]).subarray(1, 3)).toArray()).toEqual([2, 3]);
  });
});

describe('refusals', () => {
  test.each<[string, TensorData, object, string]>([
    ['ragged', [[1, 2], [3]], {}, 'ERR_SHAPE'],
    ['a number among arrays', [[1], 2] as TensorData, {}, 'ERR_SHAPE'],
    ['an array among numbers', [1, [2]] as TensorData, {}, 'ERR_SHAPE'],
    ['mixed kinds', [1, 2n] as TensorData, {}, 'ERR_DTYPE'],
    ['mixed kinds with a dtype', [1, true] as TensorData, { dtype: 'float32' }, 'ERR_DTYPE'],
    ['strings', ['a'] as unknown as TensorData, {}, 'ERR_DTYPE'],
    ['null', [null] as unknown as TensorData, {}, 'ERR_DTYPE'],
    ['typed arrays in arrays', [new Float32Array(1)] as TensorData, {}, 'ERR_DTYPE'],
    ['a fraction as int32', [1.5], { dtype: 'int32' }, 'ERR_DTYPE'],
    ['NaN as int64', [NaN], { dtype: 'int64' }, 'ERR_DTYPE'],
    ['300 as uint8', [300], { dtype: 'uint8' }, 'ERR_DTYPE'],
    ['-1 as uint8', new Int8Array([-1]), { dtype: 'uint8' }, 'ERR_DTYPE'],
    ['an unsafe number as int64', [2 ** 53 + 2], { dtype: 'int64' }, 'ERR_DTYPE'],
    ['a bigint beyond int64', [2n ** 63n], {}, 'ERR_DTYPE'],
    ['BigUint64Array beyond int64', new BigUint64Array([2n ** 63n]), {}, 'ERR_DTYPE'],
    ['a bigint that no double equals', [2n ** 53n + 1n], { dtype: 'float64' }, 'ERR_DTYPE'],
    ['a finite number beyond float32', [1e300], {}, 'ERR_DTYPE'],
    ['a finite number beyond float16', [65520], { dtype: 'float16' }, 'ERR_DTYPE'],
    ['a finite number beyond float8_e4m3fn', [465], { dtype: 'float8_e4m3fn' }, 'ERR_DTYPE'],
    ['a finite number beyond float8_e5m2', [61440], { dtype: 'float8_e5m2' }, 'ERR_DTYPE'],
    ['a negative number as uint64', [-1n], { dtype: 'uint64' }, 'ERR_DTYPE'],
    ['a number beyond uint16', [65536], { dtype: 'uint16' }, 'ERR_DTYPE'],
    ['a number that two roundings take beyond float16', [65519.9999], { dtype: 'float16' }, 'ERR_DTYPE'],
    ['the same in a typed array', new Float32Array([1e6]), { dtype: 'float16' }, 'ERR_DTYPE'],
    ['2 as bool', [2], { dtype: 'bool' }, 'ERR_DTYPE'],
    ['2 as bool in a typed array', new Uint8Array([2]), { dtype: 'bool' }, 'ERR_DTYPE'],
    ['complex as float', [{ re: 1, im: 0 }], { dtype: 'float32' }, 'ERR_DTYPE'],
    ['an unknown dtype', [1], { dtype: 'flaot32' }, 'ERR_DTYPE'],
    ['an unknown device', [1], { device: 'gpu' }, 'ERR_DEVICE'],
    ['a device beyond all', [1], { device: 'cuda:99' }, 'ERR_DEVICE'],
    ['a shape that does not fit', new Float32Array(5), { shape: [2, 3] }, 'ERR_SHAPE'],
    ['a negative shape', new Float32Array(4), { shape: [-2, -2] }, 'ERR_SHAPE'],
    ['half a complex number', new Float32Array(3), { dtype: 'complex64' }, 'ERR_SHAPE'],
    ['a shape for nested arrays', [1, 2], { shape: [2, 1] }, 'ERR_ARGUMENT'],
    ['gradients of integers', [1n], { requiresGrad: true }, 'ERR_DTYPE'],
  ])('%s', (_name, values, options, code) => {
    const before = torch.memory().tensors;
    expect(thrown(() => torch.tensor(values, options)).code).toBe(code);
    if (!('requiresGrad' in options)) expect(torch.memory().tensors).toBe(before);
  });

  test('the message says what was meant', () => {
    expect(thrown(() => torch.tensor([1], { dtype: 'flaot32' as Dtype })).message).toContain('"float32"');
  });

  test('a number at the edge of float32 is kept', () => {
    expect(torch.tensor([3.4028234663852886e38]).toArray()).toEqual([3.4028234663852886e38]);
  });
});

describe('reading', () => {
  test('item() is a number for every real dtype', () => {
    expect(torch.tensor([[7]], { dtype: 'int64' }).item()).toBe(7);
    expect(torch.tensor(true).item()).toBe(1);
    expect(torch.tensor(0.5, { dtype: 'bfloat16' }).item()).toBe(0.5);
    expect(thrown(() => torch.tensor([1, 2]).item()).code).toBe('ERR_SHAPE');
    expect(thrown(() => torch.tensor(2n ** 60n).item()).code).toBe('ERR_DTYPE');
    expect(thrown(() => torch.tensor({ re: 1, im: 0 }).item()).code).toBe('ERR_DTYPE');
  });

  test('int64 as numbers when asked, refused beyond 2^53', () => {
    expect(torch.tensor([1n, -2n]).toArray({ int64: 'number' })).toEqual([1, -2]);
    expect(thrown(() => torch.tensor([2n ** 53n]).toArray({ int64: 'number' })).code).toBe('ERR_DTYPE');
  });

  test('a dtype without a typed array is named', () => {
    const quantise = torch.operator('aten::_make_per_tensor_quantized_tensor');
    const quantised = quantise(torch.ones([1], { dtype: 'uint8' }), 0.5, 0) as Tensor;
    expect(thrown(() => quantised.dataSync())).toMatchObject({ code: 'ERR_DTYPE' });
    expect(thrown(() => quantised.dataSync()).message).toContain('QUInt8');
  });

  test('data() is cancelled by its signal', async () => {
    const tensor = torch.ones([4]);
    await expect(tensor.data({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect(tensor.data({ signal: new AbortController().signal })).resolves.toEqual(
      new Float32Array([1, 1, 1, 1]),
    );
  });

  test('shape, strides, size, ndim, numel', () => {
    const tensor = torch.zeros([2, 3, 4]);
    expect([tensor.shape, tensor.strides, tensor.ndim, tensor.numel]).toEqual([[2, 3, 4], [12, 4, 1], 3, 24]);
    expect([tensor.size(0), tensor.size(-1)]).toEqual([2, 4]);
    expect(thrown(() => tensor.size(3)).code).toBe('ERR_SHAPE');
    expect(tensor.device).toBe('cpu');
  });
});
