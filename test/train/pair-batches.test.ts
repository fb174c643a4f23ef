/** Sentence pairs as native batches: what they hold, and misuse. */
import fs from 'node:fs';

import { native, type Handle } from '../../lib/native';
import { NativeObject, torch, withSignal, wrap } from '../../lib/tensor';
import { openPairBatches, queueBatches } from '../../lib/train/batches';
import { writePairs, writeSentences } from './pairs';
import { temporaryFolder } from './tokens';

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const marks = { padTokenId: 1, eosTokenId: 2 };
const pairs = () =>
  writePairs(folder, 'pairs', [
    [[10, 11, 12], [20]],
    [[13], [21, 22]],
    [[], [23, 24, 25]],
    [[14, 15], []],
  ]);
const int32 = (...values: number[]) => Int32Array.from(values);

async function next(batches: NativeObject) {
  const { inputs, ...counts } = await native.batchesNext(0, batches.id);
  return { inputs: inputs.map((input) => idsOf(input!)), ...counts };
}

const idsOf = (input: Handle): unknown => wrap(input).to('int32').toArray();

test('sources end at the right, targets begin at the left, one token apart', async () => {
  using batches = openPairBatches(pairs(), marks, 'cpu');
  native.pairBatchesQueue(batches.id, int32(1, 0, 2, 3), int32(2, 4));
  expect(await next(batches)).toEqual({
    inputs: [
      [
        [1, 1, 13, 2],
        [10, 11, 12, 2],
      ],
      [
        [2, 21, 22],
        [2, 20, 1],
      ],
      [
        [21, 22, 2],
        [20, 2, 1],
      ],
    ],
    samples: 2,
    targets: 5,
    tokens: 11,
  });
  expect(await next(batches)).toEqual({
    inputs: [
      [
        [1, 1, 2],
        [14, 15, 2],
      ],
      [
        [2, 23, 24, 25],
        [2, 1, 1, 1],
      ],
      [
        [23, 24, 25, 2],
        [2, 1, 1, 1],
      ],
    ],
    samples: 2,
    targets: 5,
    tokens: 9,
  });
});

test('padding within a text is not predicted', async () => {
  using batches = openPairBatches(writePairs(folder, 'padded', [[[5], [1, 6, 1]]]), marks, 'cpu');
  native.pairBatchesQueue(batches.id, int32(0), int32(1));
  expect(await next(batches)).toMatchObject({ targets: 2 });
});

test('batches come in the order they were queued, and can be queued when all have been taken', async () => {
  using batches = openPairBatches(pairs(), marks, 'cpu');
  const planned = { order: int32(0, 1, 2, 3), ends: int32(1, 2, 3, 4), skipped: 0 };
  const targetsOf = async (count: number) => {
    const targets: number[] = [];
    for (let batch = 0; batch < count; batch++) targets.push((await next(batches)).targets);
    return targets;
  };
  queueBatches(batches, planned, int32(3, 0, 2));
  queueBatches(batches, planned, int32(1));
  expect(await targetsOf(4)).toEqual([1, 2, 4, 3]);
  await expect(next(batches)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_DATA', message: expect.stringMatching(/no batch left/) }),
  );
  queueBatches(batches, planned, int32(2));
  expect(await targetsOf(1)).toEqual([4]);
});

test('nothing is left behind, whether batches were taken or not', async () => {
  const given = pairs();
  const threads = () => fs.readdirSync('/proc/self/task').length;
  const round = async (count: number) => {
    for (let i = 0; i < count; i++) {
      using batches = openPairBatches(given, marks, 'cpu');
      native.pairBatchesQueue(batches.id, int32(0, 1, 2, 3), int32(1, 2, 3, 4));
      if (i % 2 === 0) for (const input of (await native.batchesNext(0, batches.id)).inputs) native.free(input!);
    }
  };
  await round(2);
  const before = { memory: torch.memory(), threads: threads() };
  await round(50);
  expect({ memory: torch.memory(), threads: threads() }).toEqual(before);
});

describe('misuse', () => {
  const opened = () => openPairBatches(pairs(), marks, 'cpu');
  const queue = (order: Int32Array, ends: Int32Array) => {
    using batches = opened();
    native.pairBatchesQueue(batches.id, order, ends);
  };
  const withOffsets = (source: number[]) => {
    const given = pairs();
    return openPairBatches({ ...given, source: { ...given.source, offsets: Float64Array.from(source) } }, marks, 'cpu');
  };

  test.each<[string, () => unknown, string, RegExp]>([
    ['a sentence that is not there', () => queue(int32(4), int32(1)), 'ERR_ARGUMENT', /sentence 4 among 4/],
    ['a negative sentence', () => queue(int32(-1), int32(1)), 'ERR_ARGUMENT', /sentence -1/],
    ['an empty batch', () => queue(int32(0), int32(0, 1)), 'ERR_ARGUMENT', /ends/],
    ['sentences in no batch', () => queue(int32(0, 1), int32(1)), 'ERR_ARGUMENT', /last batch/],
    ['ends beyond the sentences', () => queue(int32(0), int32(2)), 'ERR_ARGUMENT', /ends/],
    ['numbers of another kind', () => queue([0] as never, int32(1)), 'ERR_ARGUMENT', /Int32Array/],
    ['sides of different counts', () => withOffsets([0, 3, 4]), 'ERR_DATA', /2 source sentences, but 4 target/],
    [
      'sentences beyond the file',
      () => withOffsets([0, 3, 4, 4, 7]),
      'ERR_DATA',
      /end at token 7, the token file at 6/,
    ],
    ['a sentence of negative length', () => withOffsets([0, 3, 2, 4, 6]), 'ERR_DATA', /sentence 1/],
    ['an offset that is no number', () => withOffsets([0, NaN, 2, 4, 6]), 'ERR_DATA', /offset 1/],
    ['no sentence', () => withOffsets([0]), 'ERR_DATA', /not one/],
    [
      'one id as padding and end mark',
      () => openPairBatches(pairs(), { padTokenId: 2, eosTokenId: 2 }, 'cpu'),
      'ERR_ARGUMENT',
      /two different/,
    ],
    [
      'a missing file',
      () => openPairBatches({ ...pairs(), source: { ...pairs().source, file: `${folder}/none.bin` } }, marks, 'cpu'),
      'ERR_DATA',
      /none\.bin/,
    ],
    [
      'a file of another dtype',
      () => openPairBatches({ ...pairs(), source: { ...pairs().source, dtype: 'uint8' as never } }, marks, 'cpu'),
      'ERR_DTYPE',
      /uint8/,
    ],
    [
      'pairs sought like blocks',
      () => {
        using batches = opened();
        native.batchesSeek(batches.id, 0, 0);
      },
      'ERR_ARGUMENT',
      /blocks/,
    ],
    [
      'blocks queued like pairs',
      () => {
        using tokens = new NativeObject(native.tokensOpen(pairs().source.file, 'uint16').id, 'token file');
        using batches = new NativeObject(
          native.batchesCreate(tokens.id, Float64Array.of(0), 2, 1, null, 'cpu'),
          'batches',
        );
        native.pairBatchesQueue(batches.id, int32(0), int32(1));
      },
      'ERR_ARGUMENT',
      /pairs/,
    ],
  ])('%s', (_name, fn, code, message) => {
    expect(fn).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  test('waiting for a batch can be aborted before it begins', async () => {
    using batches = opened();
    await expect(withSignal(AbortSignal.abort(), (token) => native.batchesNext(token, batches.id))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_ABORTED' }),
    );
  });
});

test('blocks are batches too: ids, and null for labels', async () => {
  const { file } = writeSentences(folder, 'blocks', [[1, 2, 3, 4, 5, 6, 7]]);
  using tokens = new NativeObject(native.tokensOpen(file, 'uint16').id, 'token file');
  using batches = new NativeObject(
    native.batchesCreate(tokens.id, Float64Array.of(0, 4), 3, 4, null, 'cpu'),
    'batches',
  );
  const { inputs, ...counts } = await native.batchesNext(0, batches.id);
  expect(idsOf(inputs[0]!)).toEqual([
    [1, 2, 3],
    [5, 6, 7],
  ]);
  expect(inputs[1]).toBeNull();
  expect(counts).toEqual({ samples: 2, targets: 4, tokens: 6 });
});
