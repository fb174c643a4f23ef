import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { prepareData, type DataInput, type PreparedData } from '../../lib/data';
import { Text } from '../../lib/data/text';
import { temporaryFolder, write } from './temporary';

const folder = temporaryFolder();
const fixtures = path.join(__dirname, '../fixtures/data');
let folders = 0;
function newFolder(): string {
  const made = path.join(folder, `folder${folders++}`);
  mkdirSync(made);
  return made;
}

async function rowsOf(paths: string | string[], column?: string): Promise<string[]> {
  const batches: string[][] = [];
  for await (const { rows } of (await Text.open([paths].flat(), { column })).read()) batches.push(rows.map(String));
  return batches.flat();
}

const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error & { code: string }) => `${error.code} ${error.message.replaceAll(folder, '')}`,
  );

const jsonl = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A zstd frame that stores its content as it is, in blocks of so many bytes. */
function zstdStored(content: Buffer, blockBytes = 1000): Buffer {
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  for (let start = 0; start < content.length; start += blockBytes) {
    const block = content.subarray(start, start + blockBytes);
    const isLast = start + blockBytes >= content.length;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (isLast ? 1 : 0), 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}

const text = 'one\n\ntwo ä\nthree';
const lines = ['one\n', '\n', 'two ä\n', 'three'];

describe('compressed text', () => {
  test('is the same text', async () => {
    expect(await rowsOf(write(folder, 'a.txt.gz', gzipSync(text)))).toEqual(lines);
    expect(await rowsOf(write(folder, 'a.txt.zst', zstdStored(Buffer.from(text), 5)))).toEqual(lines);
    expect(await rowsOf(write(folder, 'a.raw.zst', zstdStored(Buffer.from(text))))).toEqual(lines);
  });

  test('may have several members and frames, and be far larger than its file', async () => {
    const [first, second] = ['x\n'.repeat(400_000), 'y\n'.repeat(10)].map((part) => Buffer.from(part)) as [
      Buffer,
      Buffer,
    ];
    const expected = [...Array<string>(400_000).fill('x\n'), ...Array<string>(10).fill('y\n')];
    const gz = write(folder, 'members.txt.gz', Buffer.concat([gzipSync(first), gzipSync(second)]));
    expect(await rowsOf(gz)).toEqual(expected);
    const frames = Buffer.concat([zstdStored(first, 100_000), zstdStored(second, 7)]);
    expect(await rowsOf(write(folder, 'frames.txt.zst', frames))).toEqual(expected);
  });

  test.each([
    ['cut.txt.gz', gzipSync(text).subarray(0, 25), /^ERR_DATA cannot read the text \/cut\.txt\.gz: unexpected end/],
    ['no.txt.gz', Buffer.from(text), /^ERR_DATA cannot read the text \/no\.txt\.gz: incorrect header/],
    [
      'cut.txt.zst',
      zstdStored(Buffer.from(text)).subarray(0, 20),
      /^ERR_DATA cannot read the text \/cut\.txt\.zst: unexpected EOF/,
    ],
    ['no.txt.zst', Buffer.from(text), /^ERR_DATA cannot read the text \/no\.txt\.zst: invalid zstd data/],
  ])('that is damaged is an error: %s', async (name, content, message) => {
    expect(await messageOf(rowsOf(write(folder, name, content)))).toMatch(message);
  });
});

describe('JSONL', () => {
  const rows = Array.from({ length: 40 }, (_, i) => `row ${i} äöü\nsecond line`);

  test('has the text under `text`, or another name, nested too', async () => {
    const file = path.join(fixtures, 'rows.jsonl.zst');
    expect(await rowsOf(file)).toEqual(rows);
    expect(await rowsOf(file, 'meta.body')).toEqual(rows.map((_, i) => `body ${i}`));
  });

  test('may begin with a byte order mark and have blank lines', async () => {
    const content = `\ufeff${jsonl([{ text: 'a' }])}\n  \r\n${jsonl([{ text: '' }, { text: 'b\n' }])}`;
    expect(await rowsOf(write(folder, 'bom.jsonl', content))).toEqual(['a', '', 'b\n']);
    expect(await rowsOf(write(folder, 'bom.jsonl.gz', gzipSync(content)))).toEqual(['a', '', 'b\n']);
  });

  test.each([
    ['broken JSON', '{"text": "a"}\n\n{"text": \n', /^ERR_DATA \/bad\.jsonl:3 is not JSON: /],
    ['a line that is no object', '{"text": "a"}\n["a"]\n', /^ERR_DATA \/bad\.jsonl:2 is not a JSON object/],
    [
      'a missing column',
      jsonl([{ text: 'a' }, { body: 'b', id: 1 }]),
      /^ERR_DATA \/bad\.jsonl:2 has no column text \(there: body, id\); name the one with the text as data\.text/,
    ],
    ['a number', jsonl([{ text: 5 }]), /^ERR_DATA \/bad\.jsonl:1: text is not a text but of type number/],
    ['null', jsonl([{ text: null }]), /^ERR_DATA \/bad\.jsonl:1: text is not a text but null/],
    ['a list', jsonl([{ text: ['a'] }]), /^ERR_DATA \/bad\.jsonl:1: text is not a text but a list/],
    ['half a character', '{"text": "\\ud800"}\n', /^ERR_DATA \/bad\.jsonl:1: text is not valid Unicode/],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"text": "caf\xe9"}\n', 'latin1'),
      /^ERR_DATA \/bad\.jsonl is not UTF-8 text: byte 13 \(0xe9\)/,
    ],
  ])('%s is told with its place', async (_, content, message) => {
    expect(await messageOf(rowsOf(write(folder, 'bad.jsonl', content)))).toMatch(message);
  });
});

describe('Parquet', () => {
  test('has the text in a column, over several row groups', async () => {
    const rows = await rowsOf(path.join(fixtures, 'flat.gzip.parquet'), 'de');
    expect(rows).toEqual(Array.from({ length: 20 }, (_, i) => `flach ${i}`));
  });

  test('of which a part is taken', async () => {
    const whole = await Text.open([path.join(fixtures, 'flat.gzip.parquet')], { column: 'en' });
    const { first, rest } = whole.split(0.25);
    const rows: string[][] = [];
    for (const part of [first, rest]) {
      const some: string[] = [];
      for await (const batch of part.read()) some.push(...batch.rows.map(String));
      rows.push(some);
    }
    expect(rows.map((some) => [some.length, some[0]])).toEqual([
      [5, 'flat 0'],
      [15, 'flat 5'],
    ]);
  });

  test.each([
    ['flat.gzip', undefined, /flat\.gzip\.parquet has no column text \(there: en, de, id\)/],
    ['flat.gzip', 'id', /flat\.gzip\.parquet, row 1: id is not a text but of type number/],
    ['pairs.zstd', 'translation.fr', /no column translation\.fr \(there: translation\)/],
    ['pairs.zstd', 'translation.en', /pairs\.zstd\.parquet, row 8: translation\.en is not a text but null/],
    ['latin1', 'de', /latin1\.parquet, row 3: de is not UTF-8 text/],
  ])('%s, %s', async (name, column, message) => {
    expect(await messageOf(rowsOf(path.join(fixtures, `${name}.parquet`), column))).toMatch(message);
  });

  test('that is damaged is an error', async () => {
    const whole = readFileSync(path.join(fixtures, 'flat.gzip.parquet'));
    const cut = write(folder, 'cut.parquet', whole.subarray(0, 300));
    expect(await messageOf(rowsOf(cut, 'en'))).toMatch(/^ERR_DATA \/cut\.parquet cannot be read as Parquet: /);
  });
});

describe('a folder', () => {
  test('stands for the files of known endings below it, sorted by path', async () => {
    const top = newFolder();
    mkdirSync(path.join(top, 'b'));
    mkdirSync(path.join(top, '.git'));
    write(top, 'c.txt', 'c\n');
    write(path.join(top, 'b'), 'x.jsonl', jsonl([{ text: 'b/x' }]));
    write(top, 'a.txt.gz', gzipSync('a\n'));
    write(top, 'README.md', '# About\n');
    write(path.join(top, '.git'), 'hidden.txt', 'hidden\n');
    write(top, '.hidden.txt', 'hidden\n');
    symlinkSync(path.join(top, 'c.txt'), path.join(top, 'd.txt'));
    const opened = await Text.open([top]);
    expect(opened.files.map(({ file }) => path.relative(top, file))).toEqual([
      'a.txt.gz',
      'b/x.jsonl',
      'c.txt',
      'd.txt',
    ]);
    expect(opened.skipped.map((file) => path.relative(top, file))).toEqual(['README.md']);
    expect(await rowsOf([write(folder, 'before', '0\n'), top])).toEqual(['0\n', 'a\n', 'b/x', 'c\n', 'c\n']);
  });

  test('without such files is an error that says what is there', async () => {
    const top = newFolder();
    expect(await messageOf(Text.open([top]))).toMatch(/has no text: looked for \.txt, .*; it is empty$/);
    write(top, 'table.csv', 'a,b\n');
    expect(await messageOf(Text.open([top]))).toMatch(/; it has table\.csv$/);
  });

  test('gives its validation files away to the validation', async () => {
    const top = newFolder();
    write(top, 'train.txt', 'train\n'.repeat(9));
    const validation = write(top, 'valid.txt', 'valid\n'.repeat(3));
    linkSync(validation, path.join(top, 'train2.txt'));
    const { report } = await prepare({ corpus: top, validation: path.join(top, '.', 'valid.txt'), blockSize: 4 });
    expect([report.train.rows, report.validation.rows]).toEqual([12, 3]);
    expect(await messageOf(prepare({ corpus: [validation], validation, blockSize: 4 }))).toMatch(
      /^ERR_DATA .*valid\.txt is in the training text and in the validation text/,
    );
  });
});

test.each([
  ['t.json', /\.jsonl, an object a line/],
  ['t.csv', /tables of text are read from \.jsonl and \.parquet/],
  ['t.tar.gz', /must be unpacked/],
  ['t.txt.xz', /must be unpacked, or be compressed by gzip or zstd/],
  ['t.parquet.gz', /Parquet is compressed inside/],
])('%s is refused', async (name, message) => {
  expect(await messageOf(Text.open([write(folder, name, 'x\n')]))).toMatch(message);
});

async function prepare(input: DataInput, cacheDir = newFolder()): Promise<PreparedData> {
  return prepareData(input, { cacheDir });
}
const idsOf = ({ file }: { file: string }) => readFileSync(file).filter((_, index) => index % 2 === 0);

describe('prepared', () => {
  const rows = Array.from({ length: 2500 }, (_, n) => ({ body: { text: `row ${n}` } }));

  test('from JSONL, the column is taken, rows are as they stand, and a part is held out', async () => {
    const corpus = write(folder, 'corpus.jsonl.gz', gzipSync(jsonl(rows)));
    const { train, validation, report } = await prepare({ corpus, text: 'body.text', validation: 0.1, blockSize: 16 });
    const all = rows.map(({ body }) => body.text);
    expect(idsOf(validation).toString()).toBe(all.slice(0, 250).join(''));
    expect(idsOf(train).toString()).toBe(all.slice(250).join(''));
    const groups = [all.slice(250, 1250), all.slice(1250, 2250), all.slice(2250)].map((group) => group.join('').length);
    expect(report.train).toEqual({
      rows: 2250,
      emptyRows: 0,
      tokens: all.slice(250).join('').length,
      blocks: groups.reduce((sum, length) => sum + Math.floor(length / 16), 0),
      dropped: groups.reduce((sum, length) => sum + (length % 16), 0),
    });
  });

  test('with the whole corpus as one group, only its end is dropped, and tokens come from the same cache', async () => {
    const corpus = write(folder, 'grouped.txt', 'x\n'.repeat(2300));
    const cache = newFolder();
    const input = { corpus, validation: write(folder, 'held.txt', '\n\r\nabc'), blockSize: 3 };
    const byThousands = await prepare(input, cache);
    const whole = await prepare({ ...input, grouping: 'corpus' }, cache);
    expect(whole.train.file).toBe(byThousands.train.file);
    expect(byThousands.report.train).toMatchObject({ blocks: 666 + 666 + 200, dropped: 4 });
    expect(whole.report.train).toMatchObject({ blocks: 1533, dropped: 1, tokens: 4600 });
    expect([...whole.train.offsets.slice(665, 668)]).toEqual([1995, 1998, 2001]);
    expect(whole.report.validation).toMatchObject({ rows: 3, emptyRows: 2, blocks: 2, dropped: 0 });
  });

  test('names files of folders that were passed over', async () => {
    const top = newFolder();
    write(top, 'a.txt', 'x\n'.repeat(100));
    write(top, 'LICENSE', 'free\n');
    const { report, description } = await prepare({ corpus: top, blockSize: 4 });
    expect(report.skipped).toEqual([path.join(top, 'LICENSE')]);
    expect(description).toMatch(/; passed over: LICENSE$/);
  });

  test.each<[string, () => DataInput, RegExp]>([
    [
      'a column of plain text',
      () => ({ corpus: write(folder, 'plain.txt', 'x\n'.repeat(50)), text: 'body' }),
      /^ERR_DATA data\.text names a column, but \/plain\.txt is plain text/,
    ],
    [
      'a column of a named corpus',
      () => ({ corpus: 'sotu', text: 'body' }),
      /^ERR_CONFIG data text the corpus sotu is plain/,
    ],
    [
      'nothing but blank lines',
      () => ({ corpus: write(folder, 'blank.jsonl', '\n\n'), validation: write(folder, 'v.txt', 'v\n') }),
      /^ERR_DATA the training text of blank\.jsonl has no row/,
    ],
    [
      'nothing but empty rows',
      () => ({
        corpus: write(folder, 'empty.jsonl', jsonl([{ text: '' }])),
        validation: write(folder, 'v.txt', 'v\n'),
      }),
      /^ERR_DATA the tokenizer gives no token for the training text of empty\.jsonl: its 1 rows are empty/,
    ],
  ])('%s is refused', async (_, input, message) => {
    expect(await messageOf(prepare(input()))).toMatch(message);
  });
});

describe('the cache', () => {
  test('goes by content, form and column, never by name or date', async () => {
    const cache = newFolder();
    const content = jsonl(Array.from({ length: 50 }, (_, n) => ({ text: `a ${n}`, other: `b ${n}` })));
    const corpus = write(folder, 'one.jsonl', content);
    const { train } = await prepare({ corpus, blockSize: 4 }, cache);
    const fileOf = async (input: DataInput) => (await prepare({ blockSize: 4, ...input }, cache)).train.file;
    const copy = write(folder, 'two.jsonl', content);
    utimesSync(copy, 1, 1);
    expect(await fileOf({ corpus: copy })).toBe(train.file);
    expect(await fileOf({ corpus, text: 'other' })).not.toBe(train.file);
    expect(await fileOf({ corpus: write(folder, 'same.txt', content) })).not.toBe(train.file);
    // The same length and the same date as before, but other content.
    const changed = content.replace('a 40', 'z 40');
    writeFileSync(copy, changed);
    utimesSync(copy, 1, 1);
    expect(await fileOf({ corpus: copy })).not.toBe(train.file);
  });

  test('takes nothing of a text that changes while it is read', async () => {
    const cache = newFolder();
    const corpus = write(folder, 'moving.txt', 'row\n'.repeat(200_000));
    const onProgress = ({ stage }: { stage: string }) => {
      if (stage === 'tokenize') writeFileSync(corpus, 'more\n', { flag: 'a' });
    };
    const run = prepareData({ corpus, blockSize: 4 }, { cacheDir: cache, onProgress });
    expect(await messageOf(run)).toMatch(/^ERR_DATA the text \/moving\.txt changed while it was read/);
  });

  test('clears away what a killed process has left, once it has not changed for a day', async () => {
    const cache = newFolder();
    const corpus = write(folder, 'killed.txt', 'row\n'.repeat(500));
    const left = ['old.tmp', 'new.tmp'].map((name) => path.join(cache, 'tokens', name));
    for (const half of left) {
      mkdirSync(half, { recursive: true });
      write(half, 'tokens.bin', 'half');
    }
    const yesterday = Date.now() / 1000 - 25 * 60 * 60;
    for (const file of [path.join(left[0]!, 'tokens.bin'), left[0]!]) utimesSync(file, yesterday, yesterday);
    await prepare({ corpus, blockSize: 4 }, cache);
    expect(left.map((half) => existsSync(half))).toEqual([false, true]);
  });

  test('serves several at once: all go on with one entry', async () => {
    const cache = newFolder();
    const corpus = write(folder, 'shared.txt', 'some row\n'.repeat(20_000));
    const all = await Promise.all(Array.from({ length: 4 }, () => prepare({ corpus, blockSize: 16 }, cache)));
    expect(new Set(all.map(({ train }) => train.file)).size).toBe(1);
    expect(idsOf(all[0]!.train)).toHaveLength(19_000 * 9);
  });

  test('lets nobody clear away what another one has just begun', async () => {
    const corpus = write(folder, 'small-shared.txt', 'some row\n'.repeat(2000));
    for (let round = 0; round < 20; round++) {
      const cache = newFolder();
      const all = await Promise.all(Array.from({ length: 8 }, () => prepare({ corpus, blockSize: 16 }, cache)));
      expect(new Set(all.map(({ train }) => train.file)).size).toBe(1);
    }
  });
});
