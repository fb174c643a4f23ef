import fc from 'fast-check';

import { batchOrder, batchSentences, tokenBatches, type TokenBatches, type TokenPairs } from '../../../lib/data';

function pairsOf(lengths: readonly (readonly [source: number, target: number])[]): TokenPairs {
  const side = (which: 0 | 1) => {
    const offsets = new Float64Array(lengths.length + 1);
    for (const [n, pair] of lengths.entries()) offsets[n + 1] = (offsets[n] ?? 0) + pair[which];
    return { file: 'unused', dtype: 'uint16' as const, offsets };
  };
  return { source: side(0), target: side(1), count: lengths.length };
}

const batchesOf = (batches: TokenBatches) =>
  Array.from(batches.ends, (_, batch) => [...batchSentences(batches, batch)]);

test('pairs of similar length go together, as many as fit with their padding and end tokens', () => {
  const pairs = pairsOf([
    [4, 2],
    [1, 1],
    [9, 3],
    [1, 2],
    [2, 9],
  ]);
  expect(batchesOf(tokenBatches(pairs, { maxTokens: 10 }))).toEqual([[1, 3], [4], [0], [2]]);
  expect(batchesOf(tokenBatches(pairs, { maxTokens: 20 }))).toEqual([[1, 3], [4, 0], [2]]);
});

test('every pair is in one batch, no batch is too large, and none is smaller than it could be', () => {
  const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })), {
    minLength: 1,
    maxLength: 200,
  });
  const options = fc.record({
    maxTokens: fc.integer({ min: 31, max: 200 }),
    maxSentences: fc.integer({ min: 1, max: 12 }),
    multipleOf: fc.integer({ min: 1, max: 4 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(lengths, options, (sizes, { maxTokens, maxSentences, multipleOf, seed }) => {
      const pairs = pairsOf(sizes);
      const made = tokenBatches(pairs, { maxTokens, maxSentences, multipleOf, seed });
      const batches = batchesOf(made);
      const sizeOf = (pair: number) => Math.max(...(sizes[pair] ?? [])) + 1;
      const tokens = (batch: number[]) => batch.length * Math.max(...batch.map(sizeOf));
      expect([...made.order].sort((a, b) => a - b)).toEqual(sizes.map((_, n) => n));
      expect(made.skipped).toBe(0);
      const sources = [...made.order].map((pair) => sizes[pair]?.[0] ?? 0);
      expect(sources).toEqual([...sources].sort((a, b) => a - b));
      for (const [index, batch] of batches.entries()) {
        expect(tokens(batch)).toBeLessThanOrEqual(maxTokens);
        expect(batch.length).toBeLessThanOrEqual(maxSentences);
        expect(batch.length < multipleOf || batch.length % multipleOf === 0).toBe(true);
        const [next] = batches[index + 1] ?? [];
        if (multipleOf === 1 && next !== undefined && batch.length < maxSentences)
          expect(tokens([...batch, next])).toBeGreaterThan(maxTokens);
      }
    }),
    { numRuns: 200 },
  );
});

test('seed and epoch decide the order of batches, and nothing else does', () => {
  const pairs = pairsOf(Array.from({ length: 500 }, (_, n) => [1 + (n % 7), 1 + (n % 5)] as const));
  const batches = tokenBatches(pairs, { maxTokens: 40, seed: 3 });
  expect(batchesOf(tokenBatches(pairs, { maxTokens: 40, seed: 3 }))).toEqual(batchesOf(batches));
  expect(batchesOf(tokenBatches(pairs, { maxTokens: 40, seed: 4 }))).not.toEqual(batchesOf(batches));
  const order = [...batchOrder(batches, 1, 0)];
  expect([...batchOrder(batches, 1, 0)]).toEqual(order);
  expect([...order].sort((a, b) => a - b)).toEqual(order.map((_, n) => n));
  for (const other of [batchOrder(batches, 1, 1), batchOrder(batches, 2, 0)]) expect([...other]).not.toEqual(order);
  // The same on every machine and in every version: a run goes on with the batches it began with.
  expect([...batchOrder({ order: new Int32Array(8), ends: new Int32Array(8), skipped: 0 }, 1, 2)]).toEqual([
    5, 4, 7, 3, 2, 6, 1, 0,
  ]);
});

describe('a pair longer than maxTokens', () => {
  const pairs = pairsOf([
    [3, 3],
    [2, 8],
    [1, 1],
  ]);

  test('is an error that names it', () => {
    expect(() => tokenBatches(pairs, { maxTokens: 8 })).toThrow(
      /1 of 3 pairs are longer than maxTokens 8; the longest, number 1, has 9 tokens with its end token/,
    );
  });

  test('is left out and counted, if wanted', () => {
    const batches = tokenBatches(pairs, { maxTokens: 8, tooLong: 'skip' });
    expect([batchesOf(batches), batches.skipped]).toEqual([[[2, 0]], 1]);
  });

  test('is an error when all are', () => {
    expect(() => tokenBatches(pairs, { maxTokens: 1, tooLong: 'skip' })).toThrow(
      /all pairs are longer than maxTokens 1/,
    );
  });
});

test.each([
  { maxTokens: 0 },
  { maxTokens: 2.5 },
  { maxTokens: 10, multipleOf: 0 },
  { maxTokens: 10, maxSentences: -1 },
])('%p is refused', (options) => {
  expect(() => tokenBatches(pairsOf([[1, 1]]), options)).toThrow(/must be a whole number of at least 1/);
});

test('a million pairs take seconds, not minutes', () => {
  const count = 1_000_000;
  const offsets = Float64Array.from({ length: count + 1 }, (_, n) => n * 20 + (n % 19));
  const side = { file: 'unused', dtype: 'uint16' as const, offsets };
  const start = performance.now();
  const batches = tokenBatches({ source: side, target: side, count }, { maxTokens: 4096, multipleOf: 8 });
  batchOrder(batches, 1, 1);
  expect(batches.order).toHaveLength(count);
  expect(performance.now() - start).toBeLessThan(15_000);
});
