import fc from 'fast-check';

import { batchesByLength, windows } from '../../../lib/delight/search/window';

const sentences = fc.array(fc.nat({ max: 30 }).map((length) => ({ ids: new Array<number>(length).fill(7) })));

test('batches hold each sentence once, within the limits', () => {
  fc.assert(
    fc.property(sentences, fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 8 }), (all, tokens, count) => {
      const batches = batchesByLength(all, { batchTokens: tokens, batchSentences: count });
      expect(new Set(batches.flat())).toEqual(new Set(all));
      expect(batches.flat()).toHaveLength(all.length);
      for (const batch of batches) {
        const longest = Math.max(...batch.map(({ ids }) => ids.length + 1));
        expect(batch.length).toBeLessThanOrEqual(count);
        expect(batch.length === 1 || longest * batch.length <= tokens).toBe(true);
      }
    }),
  );
});

test('windows keep the order', async () => {
  const found: number[][] = [];
  for await (const window of windows([1, 2, 3, 4, 5], 2)) found.push(window);
  expect(found).toEqual([[1, 2], [3, 4], [5]]);
});

test('no more than a window is read ahead', async () => {
  let read = 0;
  function* endless() {
    for (;;) yield read++;
  }
  for await (const _window of windows(endless(), 4)) break;
  expect(read).toBe(4);
});
