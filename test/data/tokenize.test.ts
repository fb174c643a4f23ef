/** A corpus that is tokenised in parallel, and in several attempts, becomes the file that it becomes in one, row by row. */
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { ByteTokenizer } from '../../lib/data/byte-tokenizer';
import { inOrder } from '../../lib/data/in-order';
import { loadTokenizer } from '../../lib/data';
import { Text } from '../../lib/data/text';
import { tokenFile } from '../../lib/data/token-file';
import type { TextTokenizer } from '../../lib/data/tokenizer';
import { temporaryFolder, write } from './temporary';

const folder = temporaryFolder();
let caches = 0;
const newCache = () => path.join(folder, `cache-${caches++}`);

const row = (n: number) => `row ${n} of whales ${'and ships '.repeat(n % 23)}\u{1f433}`;
const rows = Array.from({ length: 12_000 }, (_, n) => row(n));
const jsonl = rows.map((text, id) => JSON.stringify({ en: text, id })).join('\n');
const files = [
  write(folder, 'a.txt', `${rows.join('\n')}\n`),
  write(folder, 'b.jsonl', jsonl),
  write(folder, 'c.jsonl.gz', gzipSync(jsonl)),
  path.resolve(__dirname, '../fixtures/data/flat.gzip.parquet'),
];

/** Counts the rows it is given, and raises a signal after so many. */
function counting(
  tokenizer: TextTokenizer,
  most = Infinity,
): { tokenizer: TextTokenizer; signal: AbortSignal; rows: () => number } {
  const controller = new AbortController();
  let count = 0;
  const encodeRows = (given: readonly Buffer[]) => {
    count += given.length;
    if (count > most) controller.abort();
    return tokenizer.encodeRows(given);
  };
  const counted = Object.assign(Object.create(tokenizer) as TextTokenizer, { encodeRows });
  return { tokenizer: counted, signal: controller.signal, rows: () => count };
}

async function tokens(
  cacheDir: string,
  tokenizer: TextTokenizer,
  options: { signal?: AbortSignal; text?: Text; progress?: number[] } = {},
) {
  const { signal, text = await Text.open(files, { column: 'en' }) } = options;
  const { progress = [] } = options;
  const made = await tokenFile('the text', text, tokenizer, {
    cacheDir,
    signal,
    onProgress: (bytes) => progress.push(bytes),
  });
  const { file, ...facts } = made;
  return { bytes: readFileSync(file), facts, progress };
}

const partialOf = (cacheDir: string) => {
  const [name] = readdirSync(path.join(cacheDir, 'tokens')).filter((entry) => entry.endsWith('.partial'));
  return name === undefined ? undefined : path.join(cacheDir, 'tokens', name);
};

test('in parallel, the tokens are those of each row by itself', async () => {
  await new ByteTokenizer().save(path.join(folder, 'tokenizer'));
  const tokenizer = await loadTokenizer(path.join(folder, 'tokenizer'));
  const small = await Text.open([write(folder, 'small.txt', `${rows.slice(0, 3000).join('\n')}\n`)]);
  const { bytes, facts } = await tokens(newCache(), tokenizer, { text: small });
  const serial: number[] = [];
  for (const one of rows.slice(0, 3000)) serial.push(...(await tokenizer.encode(`${one}\n`)));
  expect(facts.tokens).toBe(serial.length);
  expect(Buffer.from(Uint16Array.from(serial).buffer).equals(bytes)).toBe(true);
});

test.each([16_000, 20_000, 33_000])('broken off after %d rows, it goes on, and gives the same file', async (most) => {
  const whole = await tokens(newCache(), new ByteTokenizer());
  const cacheDir = newCache();
  const first = counting(new ByteTokenizer(), most);
  const progress: number[] = [];
  await expect(tokens(cacheDir, first.tokenizer, { ...first, progress })).rejects.toMatchObject({
    code: 'ERR_ABORTED',
  });
  const second = counting(new ByteTokenizer());
  const resumed = await tokens(cacheDir, second.tokenizer);
  expect(resumed.bytes.equals(whole.bytes)).toBe(true);
  expect(resumed.facts).toEqual(whole.facts);
  // What was encoded and not written when the signal came is encoded again: a few batches of rows.
  expect(first.rows() + second.rows()).toBeLessThan(whole.facts.rows + 4 * 8000);
  expect(second.rows()).toBeLessThan(whole.facts.rows);
  expect(resumed.progress[0]).toBeGreaterThanOrEqual(progress.at(-1)!);
  expect(whole.progress).toContain(progress.at(-1));
  expect(partialOf(cacheDir)).toBeUndefined();
});

test('what a killed process wrote behind the journal is dropped; without a journal all is made anew', async () => {
  const whole = await tokens(newCache(), new ByteTokenizer());
  for (const damage of ['more', 'less', 'no journal'] as const) {
    const cacheDir = newCache();
    const first = counting(new ByteTokenizer(), 15_000);
    await expect(tokens(cacheDir, first.tokenizer, first)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const partial = partialOf(cacheDir)!;
    const file = path.join(partial, 'tokens.bin');
    if (damage === 'more') appendFileSync(file, Buffer.alloc(1001, 7));
    if (damage === 'less') truncateSync(file, statSync(file).size - 2);
    if (damage === 'no journal') writeFileSync(path.join(partial, 'journal.json'), '{"counts":');
    const second = counting(new ByteTokenizer());
    const resumed = await tokens(cacheDir, second.tokenizer);
    expect(resumed.bytes.equals(whole.bytes)).toBe(true);
    expect(resumed.facts).toEqual(whole.facts);
    expect(second.rows() < whole.facts.rows).toBe(damage === 'more');
  }
});

test('the parts of a split go on, too', async () => {
  const split = async () => (await Text.open([files[1]!], { column: 'en' })).split(0.3);
  const { first: text } = await split();
  const whole = await tokens(newCache(), new ByteTokenizer(), { text });
  for (const side of ['first', 'rest'] as const) {
    const cacheDir = newCache();
    const attempt = counting(new ByteTokenizer(), 1000);
    await expect(
      tokens(cacheDir, attempt.tokenizer, { ...attempt, text: (await split())[side] }),
    ).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const resumed = await tokens(cacheDir, new ByteTokenizer(), { text: (await split())[side] });
    expect(resumed.facts.rows).toBe(side === 'first' ? 3600 : 8400);
    expect(resumed.bytes.equals(whole.bytes)).toBe(side === 'first');
  }
});

test('two at once do not get in each other’s way', async () => {
  const cacheDir = newCache();
  const [one, other] = await Promise.all([
    tokens(cacheDir, new ByteTokenizer()),
    tokens(cacheDir, new ByteTokenizer()),
  ]);
  expect(one.bytes.equals(other.bytes)).toBe(true);
  expect(partialOf(cacheDir)).toBeUndefined();
});

test('of a text that cannot be read, nothing is kept', async () => {
  const cacheDir = newCache();
  const text = await Text.open([files[1]!, write(folder, 'bad.jsonl', '{"en": "a"}\nnot json\n')], { column: 'en' });
  await expect(tokens(cacheDir, new ByteTokenizer(), { text })).rejects.toMatchObject({ code: 'ERR_DATA' });
  expect(partialOf(cacheDir)).toBeUndefined();
});

test('inOrder works on several at a time, gives them in order, and takes no more than it may', async () => {
  let [taken, running, most] = [0, 0, 0];
  async function* inputs() {
    for (; taken < 20; taken++) yield await Promise.resolve(taken);
  }
  const given: number[] = [];
  for await (const value of inOrder(inputs(), 4, async (input) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, input % 3));
    running--;
    return input;
  })) {
    given.push(value);
    expect(taken - given.length).toBeLessThanOrEqual(4);
  }
  expect(given).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(most).toBe(4);
  const failing = inOrder(inputs(), 2, () => Promise.resolve());
  taken = 0;
  const broken = inOrder(inputs(), 3, (n) => (n === 5 ? Promise.reject(new RangeError('five')) : Promise.resolve(n)));
  const before: number[] = [];
  await expect(
    (async () => {
      for await (const value of broken) before.push(value);
    })(),
  ).rejects.toThrow('five');
  expect(before).toEqual([0, 1, 2, 3, 4]);
  await failing.return(undefined);
});
