/** Whatever a stream is made of: opened where a state says, it gives the same samples as one that was read through. */
import path from 'node:path';
import { Readable } from 'node:stream';

import { ByteTokenizer } from '../../../lib/data/byte-tokenizer';
import * as streams from '../../../lib/data/streams';
import type { JsonValue } from '../../../lib/json';
import { temporaryFolder, write } from '../temporary';
import { read, textOf, writeJsonl, writeTar } from './shards';

const folder = temporaryFolder();
const fixtures = path.resolve(__dirname, '../../fixtures/data');
const json = writeJsonl(path.join(folder, 'jsonl'));
const lines = write(
  folder,
  'lines.txt',
  `\ufefffirst\r\n${Array.from({ length: 40 }, (_, n) => `line ${n}\n`).join('')}last`,
);
const tars = writeTar(path.join(folder, 'tar'));

const texts = () => streams.jsonl<{ text: string }>(json).map(({ text }) => text);
const numbers = (count: number) => streams.from(() => Array(count).keys());
const seekable = (count: number, starts: number[] = []) =>
  streams.from(
    async function* ({ start }) {
      starts.push(start);
      for (let n = start; n < count; n++) yield await Promise.resolve(n);
    },
    { seekable: true },
  );

const made: Record<string, () => streams.SampleStream<unknown> | Promise<streams.SampleStream<unknown>>> = {
  'an iterable': () => numbers(30),
  'an iterable that can be sought': () => seekable(30),
  'a Node stream': () => streams.from(() => Readable.from(Array(30).keys())),
  'lines of text': () => streams.text(lines),
  'JSONL, plain and compressed': () => streams.jsonl(json),
  'JSONL in another order': () => streams.jsonl(json, { shuffleFiles: 7 }),
  Parquet: () =>
    streams.parquet([path.join(fixtures, 'pairs.snappy.parquet'), path.join(fixtures, 'flat.gzip.parquet')]),
  'tar shards': async () => streams.tar(await tars),
  filter: () => numbers(60).filter((n) => n % 3 !== 0),
  flatMap: () => numbers(12).flatMap((n) => Array<number>(n % 4).fill(n)),
  shuffle: () => texts().shuffle({ buffer: 16, seed: 3 }),
  'shuffle of little': () => numbers(5).shuffle({ buffer: 100, seed: 3 }),
  'take of skip': () => texts().skip(7).take(20),
  'batches, the last short': () => numbers(31).batch(4),
  'batches, the last left out': () => numbers(31).batch(4, { dropLast: true }),
  'shards by files': () => streams.jsonl(json).shard({ rank: 1, worldSize: 2 }),
  'shards by samples': () => texts().shard({ rank: 2, worldSize: 3 }),
  repeat: () => texts().shuffle({ buffer: 10, seed: 1 }).repeat(3),
  'mix that stops': () => mixed('stop'),
  'mix that drops': () => mixed('drop'),
  'mix that repeats': () => mixed('repeat'),
  'blocks of tokens': () =>
    streams
      .tokenize(texts().shuffle({ buffer: 20, seed: 5 }), new ByteTokenizer(), { together: 3 })
      .pack({ blockSize: 13, endToken: 255 }),
  'blocks longer than texts': () =>
    streams.from(() => [[1, 2], [], [3], [4, 5, 6, 7, 8, 9], Uint16Array.of(10, 11, 12, 13)]).pack({ blockSize: 4 }),
};

const mixed = (whenOneEnds: streams.WhenOneEnds) =>
  streams.mix<unknown>(
    [
      { stream: numbers(20).shuffle({ buffer: 6, seed: 2 }), weight: 3 },
      { stream: texts(), weight: 1 },
      { stream: numbers(9).map((n) => -n), weight: 0.5 },
    ],
    { seed: 11, whenOneEnds },
  );

test.each(Object.keys(made))('%s', async (name) => {
  const stream = await made[name]!();
  const all = await read(stream);
  expect(all.length).toBeGreaterThan(2);
  const step = Math.max(1, Math.floor(all.length / 25));
  const reader = stream.open();
  for (let count = 0; count <= all.length; count++) {
    if (count % step === 0 || count >= all.length - 1) {
      const state = JSON.parse(JSON.stringify(reader.state())) as JsonValue;
      const resumed = stream.open({ state });
      expect(resumed.state()).toEqual(state);
      expect(await read(resumed)).toEqual(all.slice(count));
      // From a place that was found, another is found.
      const again = stream.open({ state });
      await read({ [Symbol.asyncIterator]: () => ({ next: () => again.next() }) }, 2);
      expect(await read(stream.open({ state: again.state() }))).toEqual(all.slice(count + 2));
    }
    const { done, value } = await reader.next();
    expect([done, value]).toEqual(count < all.length ? [false, all[count]] : [true, undefined]);
  }
});

test('a state finds the byte of a plain file, and the row group of Parquet, without what comes before', async () => {
  const reader = streams.jsonl(json).open();
  for (let n = 0; n < 60; n++) await reader.next();
  // The third file, plain: of its first line, the state knows the byte.
  expect(reader.state()).toMatchObject({ at: { file: 2, place: { byte: 0, line: 1 } } });
  const starts: number[] = [];
  const resumed = seekable(30, starts).open({ state: { stream: { kind: 'iterable' }, at: { taken: 17 } } });
  expect((await resumed.next()).value).toBe(17);
  expect(starts).toEqual([17]);
});

test('long files are resumed at a byte, not read anew', async () => {
  const file = write(
    folder,
    'long.jsonl',
    Array.from({ length: 20_000 }, (_, row) => `${JSON.stringify({ text: textOf(0, row) })}\n`).join(''),
  );
  const stream = streams.jsonl<{ text: string }>(file);
  const reader = stream.open();
  for (let n = 0; n < 15_000; n++) await reader.next();
  const state = reader.state() as { at: { place: { byte: number }; taken: number } };
  expect(state.at.place.byte).toBeGreaterThan(250_000);
  expect(state.at.taken).toBeLessThan(10_000);
  expect(await read(stream.open({ state: reader.state() }))).toEqual(
    Array.from({ length: 5000 }, (_, n) => ({ text: textOf(0, 15_000 + n) })),
  );
});

test('a state of another stream, or of files that have changed, is refused with what differs', async () => {
  const reader = texts().shuffle({ buffer: 8, seed: 1 }).open();
  for (let n = 0; n < 30; n++) await reader.next();
  const state = reader.state();
  const open = (stream: streams.SampleStream<unknown>) => () => stream.open({ state });
  expect(open(texts().shuffle({ buffer: 8, seed: 2 }))).toThrow(
    expect.objectContaining({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(/seed was 1 and is 2/) as string,
    }),
  );
  expect(open(texts())).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));
  expect(open(streams.jsonl(json.slice(1)).map(String).shuffle({ buffer: 8, seed: 1 }))).toThrow(
    /files was 4 and is 3/,
  );
  expect(() => texts().open({ state: { any: 'thing' } })).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));

  const file = write(folder, 'changes.txt', 'a\nb\nc\n');
  const changing = streams.text(file).open();
  await changing.next();
  write(folder, 'changes.txt', 'a\nb\nc\nd\n');
  await expect(streams.text(file).open({ state: changing.state() }).next()).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
  });
});
