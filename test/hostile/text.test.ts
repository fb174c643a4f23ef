/** Texts that are damaged: their rows, as far as they can be told from sound ones, or a DataError; the process lives on in either case. */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';

import { Text } from '../../lib/data/text';
import { temporaryFolder, write } from '../data/temporary';
import { damaged, damages, outcome } from './damage';

const fixtures = path.join(__dirname, '../fixtures/data');
const folder = temporaryFolder();
const fixture = (name: string) => fs.readFileSync(path.join(fixtures, name));

const rowsOf = (file: string, column?: string) =>
  outcome(async () => {
    const rows: string[] = [];
    for await (const batch of (await Text.open([file], { column })).read()) rows.push(...batch.rows.map(String));
    return rows;
  });
const refusal = { code: 'ERR_DATA' };
const jsonl = Array.from({ length: 30 }, (_, n) => `${JSON.stringify({ text: `row ${n} é`, n })}\n`).join('');

test.each<[string, Uint8Array, string, number]>([
  ['rows.txt', Buffer.from('one\n\ntwo é\nthree'), 'text', 100],
  ['rows.txt.gz', gzipSync('one\n\ntwo é\nthree\n'.repeat(30)), 'text', 100],
  ['rows.jsonl', Buffer.from(jsonl), 'text', 200],
  ['rows.jsonl.gz', gzipSync(jsonl), 'text', 100],
  ['rows.jsonl.zst', fixture('rows.jsonl.zst'), 'text', 100],
  ['flat.parquet', fixture('flat.gzip.parquet'), 'en', 150],
  ['plain.parquet', fixture('latin1.parquet'), 'en', 150],
])(
  'whatever bytes of %s are damaged, it is read or refused',
  async (name, content, column, numRuns) => {
    const file = write(folder, name, content);
    expect(await rowsOf(file, column)).toHaveProperty('value');
    await fc.assert(
      fc.asyncProperty(damages, async (damage) => {
        const result = await rowsOf(write(folder, name, damaged(content, damage)), column);
        if ('code' in result) expect(result).toEqual(refusal);
      }),
      { numRuns },
    );
  },
  30_000,
);

test.each(['rows.txt.gz', 'rows.jsonl.zst', 'flat.gzip.parquet', 'pairs.zstd.parquet'])(
  '%s cut off anywhere is refused',
  async (name) => {
    const whole = name === 'rows.txt.gz' ? gzipSync('one\ntwo\n'.repeat(20)) : fixture(name);
    const step = Math.max(1, Math.floor(whole.length / 40));
    for (let length = 1; length < whole.length; length += step) {
      expect([length, await rowsOf(write(folder, name, whole.subarray(0, length)))]).toEqual([length, refusal]);
    }
  },
);

test.each([
  ['is no JSON', '{"text": "a"}\n{"text": }\n', /:2 is not JSON/],
  ['is a list', '["a"]\n', /:1 is not a JSON object/],
  ['has a key twice', '{"text": "a", "text": "b"}\n', /:1 is not JSON: the key "text" is given twice/],
  ['is nested without end', `{"text": ${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`, /:1/],
  ['has a prototype for its text', '{"__proto__": {"text": "a"}}\n', /:1/],
])('a line of JSONL that %s is refused by its place', async (_name, content, message) => {
  const file = write(folder, 'lines.jsonl', content);
  const read = async () => {
    for await (const { rows } of (await Text.open([file])).read()) expect(rows).toBeDefined();
  };
  await expect(read()).rejects.toMatchObject({ code: 'ERR_DATA', message: expect.stringMatching(message) as string });
});

test('every row that is written as JSONL is read', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1 }), async (texts) => {
      const file = write(folder, 'round.jsonl', texts.map((row) => JSON.stringify({ text: row })).join('\n'));
      expect(await rowsOf(file)).toEqual({ value: texts });
    }),
    { numRuns: 50 },
  );
});
