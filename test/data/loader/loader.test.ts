import { collate, DataLoader, streams, torch, type Tensor } from '../../../lib';
import type { JsonValue } from '../../../lib/json';

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const asIs = { collate: (samples: number[]) => samples };

async function read<T>(batches: AsyncIterable<T>, most = Infinity): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) if (all.push(batch) >= most) break;
  return all;
}

test('batches in order, the last short or left out', async () => {
  const loader = new DataLoader(numbers(7), { batchSize: 3, ...asIs });
  expect([loader.length, await read(loader)]).toEqual([3, [[0, 1, 2], [3, 4, 5], [6]]]);
  const whole = new DataLoader(numbers(7), { batchSize: 3, dropLast: true, ...asIs });
  expect([whole.length, await read(whole)]).toEqual([
    2,
    [
      [0, 1, 2],
      [3, 4, 5],
    ],
  ]);
  expect(await read(new DataLoader([], asIs))).toEqual([]);
});

test('each epoch has every sample once, in an order of its own that the seed repeats', async () => {
  const make = (seed: number) => new DataLoader(numbers(50), { batchSize: 8, shuffle: true, seed, ...asIs });
  const loader = make(3);
  const epochs = [(await read(loader)).flat(), (await read(loader)).flat()];
  for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual(numbers(50));
  expect(epochs[0]).not.toEqual(epochs[1]);
  expect(epochs[0]).not.toEqual(numbers(50));
  const again = make(3);
  expect([(await read(again)).flat(), (await read(again)).flat()]).toEqual(epochs);
  expect((await read(make(4))).flat()).not.toEqual(epochs[0]);
});

const sources: Record<string, () => DataLoader<number, number[]>> = {
  'an array': () => new DataLoader(numbers(23), { batchSize: 4, shuffle: true, seed: 1, ...asIs }),
  'an object with get': () =>
    new DataLoader(
      { length: 23, get: (index: number) => Promise.resolve(index * 2) },
      { batchSize: 4, shuffle: true, ...asIs },
    ),
  'an iterable': () => new DataLoader(new Set(numbers(23)), { batchSize: 4, ...asIs }),
  'a stream': () =>
    new DataLoader(streams.from(() => numbers(23)).shuffle({ buffer: 8, seed: 2 }), { batchSize: 4, ...asIs }),
};

test.each(Object.keys(sources))('%s is resumed to the batch, in any epoch', async (name) => {
  const make = sources[name]!;
  const loader = make();
  const all: { state: JsonValue; batch: number[] }[] = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    let state = loader.state();
    for await (const batch of loader) {
      all.push({ state: JSON.parse(JSON.stringify(state)) as JsonValue, batch });
      state = loader.state();
    }
    expect(loader.epoch).toBe(epoch + 1);
  }
  expect(all).toHaveLength(18);
  for (const [index, { state }] of all.entries()) {
    const resumed = make();
    resumed.restore(state);
    const rest: number[][] = [];
    while (resumed.epoch < 3) rest.push(...(await read(resumed)));
    expect(rest).toEqual(all.slice(index).map(({ batch }) => batch));
  }
});

test('an array is resumed by a seek: nothing before is read', async () => {
  const got: number[] = [];
  const samples = { length: 1_000_000, get: (index: number) => (got.push(index), index) };
  const loader = new DataLoader(samples, { batchSize: 10, ...asIs });
  loader.restore({ ...(loader.state() as object), at: { taken: 999_980 } });
  expect(await read(loader, 1)).toEqual([numbers(10).map((n) => n + 999_980)]);
  expect(got).toHaveLength(10);
});

test('an epoch that was left is not gone on with', async () => {
  const loader = new DataLoader(numbers(10), { batchSize: 2, shuffle: true, ...asIs });
  await read(loader, 2);
  expect((loader.state() as { at: unknown }).at).toEqual({ taken: 4 });
  expect((await read(loader)).flat()).toHaveLength(10);
  expect(loader.epoch).toBe(2);
});

test('ranks have equally many samples, and none the same', async () => {
  const parts = await Promise.all(
    [0, 1, 2].map(async (rank) =>
      (
        await read(new DataLoader(numbers(20), { shuffle: true, seed: 5, shard: { rank, worldSize: 3 }, ...asIs }))
      ).flat(),
    ),
  );
  expect(parts.map(({ length }) => length)).toEqual([6, 6, 6]);
  expect(new Set(parts.flat()).size).toBe(18);
});

test('a state of another loader is refused with the differences', () => {
  const { state } = { state: new DataLoader(numbers(9), { batchSize: 2, seed: 1 }).state() };
  const restore = (loader: DataLoader<number>) => () => loader.restore(state);
  expect(restore(new DataLoader(numbers(8), { batchSize: 3, seed: 1 }))).toThrow(
    expect.objectContaining({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(/samples was 9 and is 8; batchSize was 2 and is 3/) as string,
    }),
  );
  expect(() => new DataLoader([1]).restore(null)).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));
});

test.each<[string, () => unknown]>([
  ['no samples', () => new DataLoader(undefined as never)],
  ['a number', () => new DataLoader(5 as never)],
  ['batches of nothing', () => new DataLoader([1], { batchSize: 0 })],
  ['half a seed', () => new DataLoader([1], { seed: 0.5 })],
  ['a rank that is not there', () => new DataLoader([1], { shard: { rank: 2, worldSize: 2 } })],
  ['an order of what has none', () => new DataLoader(new Set([1]), { shuffle: true })],
  ['a collate that is none', () => new DataLoader([1], { collate: 'stack' as never })],
])('%s: an ArgumentError', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});

test('what get throws comes through, and the loader can be iterated again', async () => {
  let broken = true;
  const samples = {
    length: 4,
    get(index: number) {
      if (broken && index === 2) throw new RangeError('broken');
      return index;
    },
  };
  const loader = new DataLoader(samples, { batchSize: 2, ...asIs });
  await expect(read(loader)).rejects.toThrow('broken');
  broken = false;
  expect(await read(loader)).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

describe('collate', () => {
  const plain = (value: unknown): unknown =>
    value instanceof torch.Tensor
      ? [(value as Tensor).dtype, (value as Tensor).toArray()]
      : Array.isArray(value)
        ? value.map(plain)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]))
          : value;

  test.each<[string, unknown[], unknown]>([
    ['numbers', [1, 2.5], ['float32', [1, 2.5]]],
    ['bigints', [1n, 2n], ['int64', [1n, 2n]]],
    ['booleans', [true, false], ['bool', [true, false]]],
    ['strings', ['a', 'b'], ['a', 'b']],
    [
      'typed arrays',
      [Int32Array.of(1, 2), Int32Array.of(3, 4)],
      [
        'int32',
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    ['buffers', [Buffer.from('a'), Buffer.from('b')], ['uint8', [[97], [98]]]],
    [
      'tuples',
      [
        [Float32Array.of(1, 2), 7n],
        [Float32Array.of(3, 4), 8n],
      ],
      [
        [
          'float32',
          [
            [1, 2],
            [3, 4],
          ],
        ],
        ['int64', [7n, 8n]],
      ],
    ],
    [
      'objects',
      [
        { x: 1, name: 'a' },
        { name: 'b', x: 2 },
      ],
      { x: ['float32', [1, 2]], name: ['a', 'b'] },
    ],
  ])('%s', (_, samples, batch) => {
    expect(plain(collate(samples))).toEqual(batch);
  });

  test('tensors are stacked', () => {
    expect(collate([torch.zeros([2, 3]), torch.ones([2, 3])]).shape).toEqual([2, 2, 3]);
  });

  test.each<[string, unknown[], string]>([
    ['different sizes', [Float32Array.of(1), Float32Array.of(1, 2)], 'ERR_SHAPE'],
    ['tensors of different shapes', [torch.zeros([2]), torch.zeros([3])], 'ERR_SHAPE'],
    ['tuples of different lengths', [[1], [1, 2]], 'ERR_SHAPE'],
    ['mixed kinds', [1, 'a'], 'ERR_ARGUMENT'],
    ['other fields', [{ x: 1 }, { y: 1 }], 'ERR_ARGUMENT'],
    ['null', [null, null], 'ERR_ARGUMENT'],
    ['instances of classes', [new Date(), new Date()], 'ERR_ARGUMENT'],
    ['nothing', [], 'ERR_ARGUMENT'],
  ])('%s are refused', (_, samples, code) => {
    expect(() => collate(samples)).toThrow(expect.objectContaining({ code }));
  });
});
