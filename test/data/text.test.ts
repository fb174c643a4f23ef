import { gzipSync } from 'node:zlib';

import fc from 'fast-check';

import { Text } from '../../lib/data/text';
import { temporaryFolder, write } from './temporary';

const folder = temporaryFolder();

async function rowsOf(text: Text): Promise<string[]> {
  const all: string[] = [];
  for await (const { rows } of text.read()) all.push(...rows.map(String));
  return all;
}

const linesOf = (text: string) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

describe('the rows of text files', () => {
  test('are lines with their breaks, also where files lack the last one', async () => {
    const files = [write(folder, 'a', 'one\n\ntwo\r\nthree'), write(folder, 'b', 'four\n')];
    expect(await rowsOf(await Text.open(files))).toEqual(['one\n', '\n', 'two\r\n', 'three', 'four\n']);
  });

  test('stay whole where they are longer than what is read at a time', async () => {
    const rows = ['x\n', `${'日'.repeat(300_000)}\n`, 'y\n', `${'é'.repeat(700_001)}`];
    expect(await rowsOf(await Text.open([write(folder, 'long', rows.join(''))]))).toEqual(rows);
  });

  test('are all there, whatever the text', async () => {
    const text = fc
      .array(fc.oneof(fc.constant('\n'), fc.string({ unit: 'binary' })), { minLength: 1 })
      .map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        fc.pre(content.length > 0);
        const file = write(folder, 'any', content);
        expect(await rowsOf(await Text.open([file]))).toEqual(linesOf(Buffer.from(content).toString()));
      }),
      { numRuns: 50 },
    );
  });
});

describe('text that is not UTF-8', () => {
  const errorOf = async (bytes: Buffer) => {
    const file = write(folder, 'bad', bytes);
    return rowsOf(await Text.open([file])).then(
      () => undefined,
      (error: Error & { code: string }) => [error.code, error.message.replace(file, 'F')],
    );
  };

  test('is refused with the offset of the byte that does not fit', async () => {
    expect(
      await errorOf(Buffer.concat([Buffer.from('日本\nab\ufffdé'), Buffer.of(0xe9), Buffer.from(' x\n')])),
    ).toEqual(['ERR_DATA', 'F is not UTF-8 text: byte 14 (0xe9) does not fit; convert the file to UTF-8']);
  });

  test('is found wherever it stands', async () => {
    const before = fc.string({ unit: 'binary' }).map((text) => Buffer.from(text));
    const wrong = fc.constantFrom(
      [0xff],
      [0xc3],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98],
      [0x80],
      [0xed, 0xa0, 0x80],
      [0xc0, 0xaf],
    );
    await fc.assert(
      fc.asyncProperty(before, wrong, fc.constantFrom('', 'z', '\nz\ufffd\n'), async (start, bytes, end) => {
        const problem = await errorOf(Buffer.concat([start, Buffer.from(bytes), Buffer.from(end)]));
        expect(problem?.[1]).toContain(`byte ${start.length} (`);
      }),
      { numRuns: 100 },
    );
  });

  test('is found far behind the beginning, at the right place in the file', async () => {
    const start = Buffer.from('line of text\n'.repeat(100_000) + 'é'.repeat(200_000));
    expect((await errorOf(Buffer.concat([start, Buffer.of(0xff, 0x0a)])))?.[1]).toContain(
      `byte ${start.length} (0xff)`,
    );
  });
});

describe('a split', () => {
  test.each([
    // rows, share, rows for validation: Python's round(5 * rows / 100)
    [30, 0.05, 2],
    [50, 0.05, 2],
    [70, 0.05, 4],
    [100, 0.05, 5],
    [109, 0.05, 5],
    [111, 0.05, 6],
    [4, 0.5, 2],
  ])('of %d rows at %d has %d first', async (rows, share, expected) => {
    const lines = Array.from({ length: rows }, (_, n) => `row ${n}\n`);
    const { first, rest } = (await Text.open([write(folder, 'rows', lines.join(''))])).split(share);
    expect(await rowsOf(first)).toEqual(lines.slice(0, expected));
    expect(await rowsOf(rest)).toEqual(lines.slice(expected));
  });

  test.each([
    [10, 0.05, 'validation'],
    [10, 0.95, 'training'],
  ])('of %d rows at %d leaves none for %s', async (rows, share, side) => {
    const { first, rest } = (await Text.open([write(folder, 'few', 'x\n'.repeat(rows))])).split(share);
    for (const part of [first, rest]) {
      await expect(rowsOf(part)).rejects.toMatchObject({
        code: 'ERR_DATA',
        message: expect.stringMatching(new RegExp(`${rows} rows are too few to split; ${share} .* none for ${side};`)),
      });
    }
  });

  test('counts through several files, compressed or not, with or without a last line break, and keeps every row once', async () => {
    const line = fc.constantFrom('\n', 'a\n', 'bb\n', 'é\n');
    const text = fc.tuple(fc.array(line), fc.constantFrom('', 'end')).map(([lines, end]) => lines.join('') + end);
    const texts = fc.array(
      text.filter((content) => content !== ''),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.double({ min: 0.01, max: 0.99, noNaN: true }), async (contents, share) => {
        const all = contents.flatMap(linesOf);
        const exact = share * all.length;
        fc.pre(exact > 0.5 && all.length - exact > 0.5);
        const files = contents.map((content, n) =>
          n % 2 === 0 ? write(folder, `part${n}`, content) : write(folder, `part${n}.gz`, gzipSync(content)),
        );
        const { first, rest } = (await Text.open(files)).split(share);
        const [head, tail] = [await rowsOf(first), await rowsOf(rest)];
        expect([...head, ...tail]).toEqual(all);
        expect(Math.abs(head.length - exact)).toBeLessThanOrEqual(0.5 + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  test('tells how far it is read, in bytes on disk', async () => {
    const text = await Text.open([write(folder, 'far.txt', 'some row\n'.repeat(200_000))]);
    for (const part of Object.values(text.split(0.25))) {
      const reads: number[] = [];
      for await (const { read } of part.read()) reads.push(read);
      expect(reads).toEqual([...reads].sort((a, b) => a - b));
      expect(reads.at(-1)).toBeGreaterThan(0.9 * part.bytes);
      expect(reads.at(-1)).toBeLessThanOrEqual(part.bytes);
    }
  });
});

describe('opening', () => {
  test('says what is wrong with a file', async () => {
    await expect(Text.open([`${folder}/none.txt`])).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: /there is no such file/,
    });
    await expect(Text.open([write(folder, 'empty', '')])).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: /is empty/,
    });
  });
});
