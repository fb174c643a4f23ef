import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { openPairFiles } from '../../../lib/data/pairs/read';
import type { PairFiles } from '../../../lib/data/pairs/schema';
import { temporaryFolder, write } from '../temporary';

const folder = temporaryFolder();
const fixtures = path.join(__dirname, '../../fixtures/data');
const languages = { sourceLanguage: 'en', targetLanguage: 'de', fields: undefined };

interface Reading {
  sourceLanguage: string;
  targetLanguage: string;
  fields: { source: string | number; target: string | number } | undefined;
}

async function read(files: PairFiles, reading: Reading = languages): Promise<string[][]> {
  const pairs: string[][] = [];
  const text = await openPairFiles('text', files, reading);
  for await (const { sources, targets } of text.read()) {
    expect(targets).toHaveLength(sources.length);
    for (const [index, source] of sources.entries()) pairs.push([source, targets[index] ?? '']);
  }
  return pairs;
}

const messageOf = (run: Promise<unknown>) =>
  run.then(
    () => '',
    ({ code, message }: { code: string; message: string }) => `${code} ${message.replaceAll(folder, '')}`,
  );

describe('two line-aligned files', () => {
  test('go together line by line, however long the lines are', async () => {
    const lines = Array.from({ length: 5000 }, (_, n) => `line ${n} ${'x'.repeat((n * 37) % 301)}`);
    const source = write(folder, 'long.en', lines.map((line) => `${line}\n`).join(''));
    const target = write(folder, 'long.de', lines.map((_, n) => `Zeile ${n}\r\n`).join(''));
    expect(await read({ source, target })).toEqual(lines.map((line, n) => [line, `Zeile ${n}`]));
  });

  test('may be several, compressed, begin with a byte order mark and end without a line break', async () => {
    const source = [write(folder, 'a.en', '\ufeffone\n\ntwo'), write(folder, 'b.en.gz', gzipSync('three\n'))];
    const target = [write(folder, 'a.de.gz', gzipSync('eins\nleer\nzwei')), write(folder, 'b.de', 'drei')];
    expect(await read({ source, target })).toEqual([
      ['one', 'eins'],
      ['', 'leer'],
      ['two', 'zwei'],
      ['three', 'drei'],
    ]);
  });

  test('of different lengths are an error that names both counts', async () => {
    const long = 'a line of some length\n'.repeat(40_000);
    const source = write(folder, 'more.en', long);
    const target = write(folder, 'fewer.de', 'x\n'.repeat(12));
    expect(await messageOf(read({ source, target }))).toMatch(
      /^ERR_DATA \/more\.en has 40000 lines and \/fewer\.de has 12: /,
    );
    expect(await messageOf(read({ source: target, target: source }))).toMatch(
      /^ERR_DATA \/fewer\.de has 12 lines and \/more\.en has 40000: /,
    );
  });

  test('that are not UTF-8 are an error that names the byte, counted uncompressed', async () => {
    const bytes = Buffer.from('good\nb\xe4d\n', 'latin1');
    const source = write(folder, 'good.en', 'a\nb\n');
    expect(await messageOf(read({ source, target: write(folder, 'bad.de', bytes) }))).toMatch(
      /^ERR_DATA \/bad\.de is not UTF-8 text: byte 6 \(0xe4\) does not fit/,
    );
    expect(await messageOf(read({ source, target: write(folder, 'bad.de.gz', gzipSync(bytes)) }))).toMatch(
      /^ERR_DATA \/bad\.de\.gz is not UTF-8 text: byte 6 /,
    );
  });

  test('that are missing, empty or cut off are errors', async () => {
    const source = write(folder, 'x.en', 'x\n');
    const target = write(folder, 'cut.de.gz', gzipSync('x\n'.repeat(1000)).subarray(0, 20));
    expect(await messageOf(read({ source, target }))).toMatch(
      /^ERR_DATA cannot read the text \/cut\.de\.gz: unexpected end/,
    );
    expect(await messageOf(read({ source, target: write(folder, 'e.de', '') }))).toMatch(
      /^ERR_DATA the text \/e\.de is empty/,
    );
    expect(await messageOf(read({ source, target: path.join(folder, 'none') }))).toMatch(/there is no such file/);
  });
});

describe('TSV', () => {
  test('has the two texts in its first columns, or in others', async () => {
    const file = write(folder, 'pairs.tsv', 'one\teins\tun\n\ntwo\t\tdeux\nthree\n');
    expect(await read(file)).toEqual([
      ['one', 'eins'],
      ['', ''],
      ['two', ''],
      ['three', ''],
    ]);
    const fields = { source: 3, target: 1 };
    expect((await read([file, file], { ...languages, fields }))[6]).toEqual(['deux', 'two']);
  });

  test('has no columns by name', async () => {
    const file = write(folder, 'named.tsv', 'a\tb\n');
    const fields = { source: 'en', target: 'de' };
    expect(await messageOf(read(file, { ...languages, fields }))).toMatch(/^ERR_CONFIG data\.fields: .*by number/);
  });
});

describe('JSONL', () => {
  const rows = [{ translation: { en: 'one', de: 'eins' } }, { en: 'two\nlines', de: 'zwei' }, { en: null }, {}];
  const jsonl = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

  test('has the texts under the languages, or in named fields', async () => {
    const expected = [
      ['one', 'eins'],
      ['two\nlines', 'zwei'],
      ['', ''],
      ['', ''],
    ];
    expect(await read(write(folder, 'pairs.jsonl', jsonl))).toEqual(expected);
    expect(await read(write(folder, 'pairs.jsonl.gz', gzipSync(jsonl)))).toEqual(expected);
    const fields = { source: 'translation.de', target: 'translation.en' };
    expect((await read(path.join(folder, 'pairs.jsonl'), { ...languages, fields }))[0]).toEqual(['eins', 'one']);
  });

  test.each([
    ['{"en": "a", "de": "b"}\n{oops\n', /bad\.jsonl:2 is not JSON/],
    ['{"en": "a", "de": 5}\n', /bad\.jsonl:1: de is not a text but of type number/],
    ['{"en": "\\ud800", "de": "x"}\n', /bad\.jsonl:1: en is not valid Unicode/],
    ['{}\n[1]\n', /bad\.jsonl:2 is not a JSON object/],
    ['5\n', /bad\.jsonl:1 is not a JSON object/],
  ])('%j is an error with its line', async (content, message) => {
    expect(await messageOf(read(write(folder, 'bad.jsonl', content)))).toMatch(message);
  });
});

describe('Parquet', () => {
  test('gives structs and flat columns, nulls as nothing, over row groups and compressions', async () => {
    const pairs = await read(path.join(fixtures, 'pairs.zstd.parquet'));
    expect(pairs).toHaveLength(5000);
    expect(pairs[0]).toEqual(['line 0', 'Zeile 0 äöü']);
    expect([pairs[7], pairs[8], pairs[4999]]).toEqual([
      ['', ''],
      ['only English', ''],
      ['line 4999', 'Zeile 4999 äöü'],
    ]);
    expect(await read(path.join(fixtures, 'pairs.snappy.parquet'))).toEqual(pairs.slice(0, 20));
    expect((await read(path.join(fixtures, 'flat.gzip.parquet')))[3]).toEqual(['flat 3', 'flach 3']);
  });

  test('without the wanted columns is an error that names those it has', async () => {
    const file = path.join(fixtures, 'flat.gzip.parquet');
    expect(await messageOf(read(file, { ...languages, targetLanguage: 'fr' }))).toMatch(
      /^ERR_DATA .*flat\.gzip\.parquet has no column translation\.fr or fr \(it has en, de, id\)/,
    );
    expect(await messageOf(read(file, { ...languages, fields: { source: 'en', target: 'id' } }))).toMatch(
      /row 1: id is not a text but of type number/,
    );
  });

  test('that is damaged or not UTF-8 is an error', async () => {
    expect(await messageOf(read(write(folder, 'no.parquet', 'PAR1 not at all')))).toMatch(
      /^ERR_DATA \/no\.parquet cannot be read as Parquet/,
    );
    const plain = readFileSync(path.join(fixtures, 'latin1.parquet'));
    const file = path.join(folder, 'latin1.parquet');
    writeFileSync(file, plain);
    expect(await messageOf(read(file))).toMatch(/^ERR_DATA \/latin1\.parquet, row 3: de is not UTF-8 text/);
  });
});

test('a file of an unknown form is refused with the known ones', async () => {
  expect(await messageOf(read(write(folder, 'pairs.csv', 'a,b\n')))).toMatch(
    /^ERR_CONFIG .*cannot tell the form of \/pairs\.csv: .*\.tsv, \.jsonl .* or \.parquet/,
  );
});
