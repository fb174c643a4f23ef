import fc from 'fast-check';

import { blockOffsets, resolveBlockSize } from '../../lib/data';

describe('blockOffsets', () => {
  test('drops the remainder of every group, and groups shorter than a block', () => {
    expect([...blockOffsets([10, 3, 4, 0, 9], 4, 'the text')]).toEqual([0, 4, 13, 17, 21]);
  });

  test('cuts any group lengths into all the blocks that fit, inside their groups, in order', () => {
    const lengths = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 20 }), (groups, blockSize) => {
        fc.pre(groups.some((length) => length >= blockSize));
        const offsets = [...blockOffsets(groups, blockSize, 'the text')];
        let start = 0;
        for (const length of groups) {
          const inside = offsets.filter((offset) => offset >= start && offset < start + length);
          expect(inside).toEqual(
            Array.from({ length: Math.floor(length / blockSize) }, (_, n) => start + n * blockSize),
          );
          start += length;
        }
        expect(offsets.every((offset) => offset < start)).toBe(true);
      }),
    );
  });

  test('says what to do when there is no block', () => {
    expect(() => blockOffsets([1200, 800], 2048, 'the training text of x.txt')).toThrow(
      expect.objectContaining({
        code: 'ERR_DATA',
        message:
          'the training text of x.txt gives no block of 2048 tokens: it has 2000 tokens in 2 groups of up to 1000 rows, and the ' +
          'longest group has 1200 (blocks do not cross groups unless data.grouping is corpus); set data.blockSize to at most 1200, or give more text',
      }) as Error,
    );
    expect(() => blockOffsets([1], 8, 'it')).toThrow(/give more text$/);
  });
});

describe('resolveBlockSize has the rules of run_clm', () => {
  test.each([
    // given, tokenizer's maximum, model's positions, result
    [2048, Infinity, 1024, 2048],
    [2048, 512, 1024, 512],
    [undefined, 512, 1024, 512],
    [undefined, 4096, 2048, 1024],
    [undefined, 4096, 512, 512],
    [undefined, Infinity, undefined, 1024],
    [undefined, 2048, undefined, 1024],
  ])('%p, %p, %p: %p', (given, tokenizer, positions, result) => {
    expect(resolveBlockSize(given, tokenizer, positions)).toBe(result);
  });
});
