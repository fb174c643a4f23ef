/** What streams give: samples of all sources, orders, shares, blocks. */
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import * as streams from '../../../lib/data/streams';
import { temporaryFolder, write } from '../temporary';
import { read, textOf, writeJsonl, writeTar } from './shards';

const folder = temporaryFolder();
const json = writeJsonl(path.join(folder, 'jsonl'));
const numbers = (count: number) => streams.from(() => Array(count).keys());
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('sources', () => {
  test('folders stand for their files of the kind, sorted', async () => {
    const rows = await read(streams.jsonl<{ text: string }>(path.join(folder, 'jsonl')));
    expect(rows.map(({ text }) => text)).toEqual(
      [0, 1, 2, 3].flatMap((shard) => range(25).map((row) => textOf(shard, row))),
    );
  });

  test('lines of text, without breaks and byte order mark', async () => {
    const file = write(folder, 'lines.txt', '\ufeffone\r\n\ntwo');
    expect(await read(streams.text([file, file]))).toEqual(['one', '', 'two', 'one', '', 'two']);
  });

  test('rows of Parquet, of some columns', async () => {
    const file = path.resolve(__dirname, '../../fixtures/data/flat.gzip.parquet');
    const rows = await read(streams.parquet(file));
    expect(Object.keys(rows[0]!).sort()).toEqual(['de', 'en', 'id']);
    expect(await read(streams.parquet(file, { columns: ['en'] }))).toEqual(rows.map(({ en }) => ({ en })));
    await expect(read(streams.parquet(file, { columns: ['text'] }))).rejects.toMatchObject({ code: 'ERR_DATA' });
  });

  test('samples of tar shards: neighbours of one name, whatever the archive writes before them', async () => {
    const files = await writeTar(path.join(folder, 'tar'));
    const samples = await read(streams.tar(files));
    expect(samples.map(({ files: parts }) => parts.txt?.toString())).toEqual(
      [0, 1, 2].flatMap((shard) => range(8).map((row) => textOf(shard, row))),
    );
    expect(samples[9]!.key).toBe('part/short/0001');
    expect(samples[8]!.key).toBe(`part/${'long'.repeat(60)}/0000`);
    expect([...samples[9]!.files['seg.bin']!]).toEqual([1, 1]);
  });

  test('lines of a Node stream of bytes, cut anywhere', async () => {
    const bytes = Buffer.from('erste Zeile\nzweite: \u{1f433}\nletzte');
    const chunks = () =>
      Readable.from(
        range(bytes.length).map((at) => bytes.subarray(at, at + 1)),
        { objectMode: false },
      );
    expect(await read(streams.from(() => streams.linesOf(chunks())))).toEqual([
      'erste Zeile',
      'zweite: \u{1f433}',
      'letzte',
    ]);
  });

  test('a Node stream is asked for no more than is taken and its own buffer, and is destroyed when it is left', async () => {
    let made = 0;
    const readable = new Readable({
      objectMode: true,
      highWaterMark: 3,
      read() {
        this.push(made++);
      },
    });
    let taken = 0;
    for await (const _ of streams
      .from<number>(() => readable)
      .filter((n) => n % 2 === 0)
      .map((n) => n)) {
      taken++;
      expect(made).toBeLessThanOrEqual(2 * taken + 3 + 1);
      await new Promise(setImmediate);
      if (taken === 50) break;
    }
    expect(readable.destroyed).toBe(true);
  });

  test('what a source or a function throws comes through', async () => {
    const broken = streams.from(() =>
      Readable.from(
        (function* () {
          yield 1;
          throw new RangeError('no more');
        })(),
      ),
    );
    await expect(read(broken)).rejects.toThrow('no more');
    const map = numbers(3).map((n) => {
      if (n === 1) throw new TypeError('one');
      return n;
    });
    const reader = map.open();
    expect((await reader.next()).value).toBe(0);
    await expect(reader.next()).rejects.toThrow('one');
  });

  test.each([
    ['no files', () => streams.jsonl([])],
    ['an iterable in place of a function', () => streams.from([1, 2] as never)],
    ['a rank that is not there', () => numbers(3).shard({ rank: 3, worldSize: 3 })],
    ['a buffer of one', () => numbers(3).shuffle({ buffer: 1, seed: 0 })],
    ['a weight of nothing', () => streams.mix([{ stream: numbers(3), weight: 0 }], { seed: 1 })],
    ['blocks of nothing', () => streams.from(() => [[1]]).pack({ blockSize: 0 })],
  ])('%s: an ArgumentError', (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });

  test('one sample is asked for at a time', async () => {
    const reader = streams.from(() => Readable.from([1, 2])).open();
    const first = reader.next();
    await expect(reader.next()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    expect((await first).value).toBe(1);
  });

  test('a signal ends reading', async () => {
    const controller = new AbortController();
    const reader = streams.jsonl(json).open({ signal: controller.signal });
    await reader.next();
    controller.abort();
    await expect(reader.next()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});

describe('orders', () => {
  test('a shuffle gives each sample once, far from its place, differently for each seed and epoch', async () => {
    const shuffled = (seed: number, epoch = 0) => read(numbers(2000).shuffle({ buffer: 200, seed }).open({ epoch }));
    const order = await shuffled(1);
    expect(sorted(order)).toEqual(range(2000));
    expect(await shuffled(1)).toEqual(order);
    expect(await shuffled(2)).not.toEqual(order);
    expect(await shuffled(1, 1)).not.toEqual(order);
    const moved = order.map((sample, index) => sample - index);
    const mean = moved.reduce((sum, by) => sum + Math.abs(by), 0) / 2000;
    // Of two samples at random places of a buffer, the mean distance is a third of it.
    expect(mean).toBeGreaterThan(200 / 5);
    expect(Math.max(...moved.map(Math.abs))).toBeLessThanOrEqual(200);
    // There is no border that samples do not cross.
    for (let border = 100; border < 1900; border += 20)
      expect(order.slice(0, border).some((sample) => sample >= border)).toBe(true);
  });

  test('repeated passes are of other epochs', async () => {
    const stream = numbers(40).shuffle({ buffer: 100, seed: 1 });
    const [first, second] = [await read(stream.open({ epoch: 0 })), await read(stream.open({ epoch: 1 }))];
    expect(await read(stream.repeat(2))).toEqual([...first, ...second]);
  });

  test('files in a drawn order, another in each pass', async () => {
    const of = async (epoch: number) =>
      (await read(streams.jsonl<{ text: string }>(json, { shuffleFiles: 1 }).open({ epoch }))).map(({ text }) => text);
    const epochs = await Promise.all(range(6).map(of));
    expect(new Set(epochs.map((texts) => texts.join())).size).toBeGreaterThan(2);
    for (const texts of epochs) expect([...texts].sort()).toEqual([...epochs[0]!].sort());
  });

  test('mixed by weights', async () => {
    const part = (name: string) =>
      streams.from(function* () {
        for (;;) yield name;
      });
    const mixed = streams.mix(
      [
        { stream: part('a'), weight: 6 },
        { stream: part('b'), weight: 3 },
        { stream: part('c'), weight: 1 },
      ],
      { seed: 5 },
    );
    const names = await read(mixed, 5000);
    for (const [name, share] of [
      ['a', 0.6],
      ['b', 0.3],
      ['c', 0.1],
    ] as const)
      expect(Math.abs(names.filter((each) => each === name).length / 5000 - share)).toBeLessThan(0.03);
  });

  test('when one of the mixed ends: all end, the others go on, or it begins anew', async () => {
    const mixed = (whenOneEnds: streams.WhenOneEnds) =>
      read(
        streams.mix(
          [
            { stream: numbers(5), weight: 1 },
            { stream: numbers(50).map((n) => n + 100), weight: 1 },
          ],
          { seed: 3, whenOneEnds },
        ),
      );
    const stopped = await mixed('stop');
    expect(stopped.filter((n) => n < 100)).toEqual(range(5));
    expect(stopped.length).toBeLessThan(40);
    expect(sorted(await mixed('drop'))).toEqual([...range(5), ...range(50).map((n) => n + 100)]);
    const repeated = await mixed('repeat');
    expect(repeated.filter((n) => n >= 100)).toEqual(range(50).map((n) => n + 100));
    expect(repeated.filter((n) => n < 100).slice(0, 12)).toEqual([...range(5), ...range(5), 0, 1]);
  });

  test('an empty stream is not repeated for ever', async () => {
    await expect(read(numbers(0).repeat())).rejects.toMatchObject({ code: 'ERR_DATA' });
    const empty = streams.mix([{ stream: numbers(0), weight: 1 }], { seed: 1, whenOneEnds: 'repeat' });
    await expect(read(empty)).rejects.toMatchObject({ code: 'ERR_DATA' });
  });
});

describe('shares', () => {
  test('of files where each rank can have as many, else of samples, equally many', async () => {
    const texts = async (worldSize: number) =>
      Promise.all(
        range(worldSize).map(async (rank) =>
          (await read(streams.jsonl<{ text: string }>(json).shard({ rank, worldSize }))).map(({ text }) => text),
        ),
      );
    const byFile = await texts(2);
    expect(byFile.map((part) => new Set(part.map((text) => text.split(' ')[1])).size)).toEqual([2, 2]);
    const bySample = await texts(3);
    expect(bySample.map(({ length }) => length)).toEqual([33, 33, 33]);
    for (const parts of [byFile, bySample]) expect(new Set(parts.flat()).size).toBe(parts.flat().length);
  });
});

describe('packing', () => {
  test('texts are put behind each other with an end mark, without padding', async () => {
    const texts = streams.from(() => [[1, 2, 3], Uint8Array.of(4), [], [5, 6, 7, 8, 9]]);
    const blocks = async (options: { blockSize: number; endToken?: number }) =>
      (await read(texts.pack(options))).map((block) => [...block]);
    expect(await blocks({ blockSize: 4, endToken: 0 })).toEqual([
      [1, 2, 3, 0],
      [4, 0, 0, 5],
      [6, 7, 8, 9],
    ]);
    expect(await blocks({ blockSize: 3 })).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
  });

  test.each([[[1, -1]], [[0.5]], [[NaN]], [[2 ** 32]], [['1']], [[undefined]]])('%j are no tokens', async (tokens) => {
    await expect(read(streams.from(() => [tokens as number[]]).pack({ blockSize: 1 }))).rejects.toMatchObject({
      code: 'ERR_DATA',
    });
  });
});

test('blocks are kept as a token file', async () => {
  const blocks = streams.from(() => range(5).map((n) => Uint16Array.of(n, 70_000 % 65_536, 2)));
  const file = path.join(folder, 'blocks', 'validation.bin');
  const written = await streams.writeBlocks(blocks.take(3), file);
  expect(written).toEqual({ file, dtype: 'uint32', blockSize: 3, offsets: Float64Array.of(0, 3, 6), tokens: 9 });
  const ids = new Uint32Array(new Uint8Array(fs.readFileSync(file)).buffer);
  expect([...ids]).toEqual([0, 4464, 2, 1, 4464, 2, 2, 4464, 2]);
  await expect(streams.writeBlocks(blocks.take(0), file)).rejects.toMatchObject({ code: 'ERR_DATA' });
  const uneven = streams.from(() => [[1, 2], [1]]);
  await expect(streams.writeBlocks(uneven, file)).rejects.toMatchObject({ code: 'ERR_DATA' });
  expect(fs.statSync(file).size).toBe(36); // what stood there stays
});

test('samples that come without waiting leave the event loop its turns', async () => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  await read(
    numbers(400_000)
      .shuffle({ buffer: 20_000, seed: 1 })
      .filter((n) => n % 1000 === 0),
  );
  clearInterval(timer);
  delay.disable();
  expect(turns).toBeGreaterThan(5);
});
