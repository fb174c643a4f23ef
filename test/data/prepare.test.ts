import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { prepareData, type DataInput, type DataProgress, type PreparedData, type TokenBlocks } from '../../lib/data';
import { temporaryFolder, write } from './temporary';

const folder = temporaryFolder();
let caches = 0;
const newCache = () => path.join(folder, `cache${caches++}`);

const lines = (count: number, text = (n: number) => `line ${n}\n`) =>
  Array.from({ length: count }, (_, n) => text(n)).join('');

function idsOf({ file, dtype }: TokenBlocks): number[] {
  const bytes = readFileSync(file);
  const { buffer, byteOffset, length } = Uint8Array.from(bytes);
  return [
    ...(dtype === 'uint16'
      ? new Uint16Array(buffer, byteOffset, length / 2)
      : new Uint32Array(buffer, byteOffset, length / 4)),
  ];
}

async function prepare(input: DataInput, cacheDir: string) {
  const events: DataProgress[] = [];
  const data = await prepareData(input, { cacheDir, onProgress: (event) => events.push(event) });
  return {
    data,
    events,
    /** What had to be made. */
    stages: [
      ...new Set(
        events
          .filter(({ stage }) => stage !== 'read')
          .map((event) => ('split' in event ? `${event.stage} ${event.split}` : event.stage)),
      ),
    ],
  };
}

const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  );

/** A tokenizer that makes each word a token and puts `<s>` before each text. */
const wordTokenizer = (largestId: number) => ({
  version: '1.0',
  added_tokens: [
    { id: 1, content: '<s>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  model: { type: 'WordLevel', vocab: { '<unk>': 0, '<s>': 1, a: 2, b: largestId }, unk_token: '<unk>' },
});

describe('bytes of a text file', () => {
  let data: PreparedData;
  beforeAll(async () => {
    const corpus = write(folder, 'book.txt', lines(100));
    ({ data } = await prepare({ corpus, blockSize: 16 }, newCache()));
  });

  test('go to the token files, the first 5 % to validation', () => {
    expect(Buffer.from(idsOf(data.validation)).toString()).toBe(lines(5));
    expect(Buffer.from([...idsOf(data.validation), ...idsOf(data.train)]).toString()).toBe(lines(100));
  });

  test('are cut into blocks', () => {
    expect(data.train).toMatchObject({ dtype: 'uint16', blockSize: 16, tokens: 95 * 8 - 5 });
    expect(data.train.offsets).toHaveLength(Math.floor((95 * 8 - 5) / 16));
    expect([...data.train.offsets.slice(0, 3)]).toEqual([0, 16, 32]);
  });

  test('come with what a model has to know', () => {
    expect(data).toMatchObject({ vocabSize: 256, maxTokenId: 'n'.charCodeAt(0), bosTokenId: null, eosTokenId: null });
    expect(data.report).toEqual({
      train: { rows: 95, emptyRows: 0, tokens: 755, blocks: 47, dropped: 3 },
      validation: { rows: 5, emptyRows: 0, tokens: 35, blocks: 2, dropped: 3 },
      skipped: [],
    });
    expect(data.description).toBe(
      'book.txt, bytes (vocabulary 256), blocks of 16 tokens; training: 95 rows, 755 tokens, 47 blocks, 3 tokens (0.4 %) dropped; ' +
        'validation: 5 rows, 35 tokens, 2 blocks, 3 tokens (8.6 %) dropped',
    );
  });
});

test('every row gets the special tokens of the tokenizer, and the remainder of every 1000 rows is dropped', async () => {
  const tokenizer = write(folder, 'words.json', JSON.stringify(wordTokenizer(3)));
  const corpus = write(folder, 'rows.txt', `\n${lines(2300, () => 'a b\n')}`);
  const validation = write(folder, 'held-out.txt', 'a b c\n\nb');
  const { data } = await prepare({ corpus, validation, tokenizer, blockSize: 4 }, newCache());
  expect(idsOf(data.validation)).toEqual([1, 2, 3, 0, 1, 1, 3]);
  expect(idsOf(data.train).slice(0, 7)).toEqual([1, 1, 2, 3, 1, 2, 3]);
  // Groups of 1 + 999 * 3, 3000 and 301 * 3 tokens.
  expect(data.train.tokens).toBe(2998 + 3000 + 903);
  expect(data.train.offsets).toHaveLength(749 + 750 + 225);
  expect(data.train.offsets[749]).toBe(2998);
  expect(data.train.offsets[749 + 750]).toBe(5998);
});

test('a vocabulary beyond 65536 takes four bytes a token', async () => {
  const corpus = write(
    folder,
    'wide.txt',
    lines(40, () => 'a b\n'),
  );
  const narrow = write(folder, 'narrow.json', JSON.stringify(wordTokenizer(65_535)));
  const wide = write(folder, 'wide.json', JSON.stringify(wordTokenizer(65_536)));
  const cache = newCache();
  const [first, second] = [
    await prepare({ corpus, tokenizer: narrow, blockSize: 2 }, cache),
    await prepare({ corpus, tokenizer: wide, blockSize: 2 }, cache),
  ];
  expect([first.data.train.dtype, second.data.train.dtype]).toEqual(['uint16', 'uint32']);
  expect(idsOf(first.data.validation)).toEqual([1, 2, 65_535, 1, 2, 65_535]);
  expect(idsOf(second.data.validation)).toEqual([1, 2, 65_536, 1, 2, 65_536]);
  expect(second.data).toMatchObject({ vocabSize: 65_537, maxTokenId: 65_536 });
});

test('the tokenizer caps the block size, the model sets its default', async () => {
  const tokenizer = write(folder, 'tokenizer.json', JSON.stringify(wordTokenizer(3)));
  write(folder, 'tokenizer_config.json', JSON.stringify({ model_max_length: 8 }));
  const corpus = write(
    folder,
    'cap.txt',
    lines(400, () => 'a b\n'),
  );
  const cache = newCache();
  expect((await prepare({ corpus, tokenizer, blockSize: 100 }, cache)).data.train.blockSize).toBe(8);
  expect((await prepareData({ corpus }, { cacheDir: cache, maxPositionEmbeddings: 32 })).train.blockSize).toBe(32);
});

test('several files are one text', async () => {
  const corpus = ['one\n', 'two'].map((text, n) => write(folder, `several${n}.txt`, text));
  const { data } = await prepare({ corpus, validation: write(folder, 'v.txt', 'three'), blockSize: 2 }, newCache());
  expect(Buffer.from(idsOf(data.train)).toString()).toBe('one\ntwo');
  expect(data.description).toMatch(/^several0\.txt \+ several1\.txt, /);
});

describe('the cache', () => {
  const corpus = write(
    folder,
    'cached.txt',
    lines(500, (n) => `the ship and the sea and the wind ${n % 7}\n`),
  );
  const input = { corpus, tokenizer: { bpe: 270 }, blockSize: 16 };
  const all = ['train-tokenizer', 'tokenize train', 'tokenize validation'];

  test('makes everything once, for any block size', async () => {
    const cache = newCache();
    expect((await prepare(input, cache)).stages).toEqual(all);
    const { data, stages } = await prepare({ ...input, blockSize: 32 }, cache);
    expect(stages).toEqual([]);
    expect(data).toMatchObject({ vocabSize: 270, bosTokenId: 0, eosTokenId: 0 });
  });

  test('goes by what the text says, not by its name', async () => {
    const cache = newCache();
    await prepare(input, cache);
    const copy = write(folder, 'copy.txt', readFileSync(corpus));
    expect((await prepare({ ...input, corpus: copy }, cache)).stages).toEqual([]);
    writeFileSync(copy, `${readFileSync(corpus, 'utf8')}more\n`);
    expect((await prepare({ ...input, corpus: copy }, cache)).stages).toEqual(all);
  });

  const tokens = /^tokens.+tokens\.bin$/;
  test.each([
    ['a truncated token file', tokens, (file: string) => truncateSync(file, statSync(file).size - 2), all.slice(1)],
    ['a changed byte', tokens, (file: string) => flipByte(file, 10), all.slice(1)],
    [
      'changed facts',
      /^tokens.+manifest\.json$/,
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace(/\d(?=,"rows")/, '$&0')),
      all.slice(1),
    ],
    ['a manifest that is no JSON', /^tokens.+manifest\.json$/, (file: string) => truncateSync(file, 20), all.slice(1)],
    [
      'a manifest that says nothing',
      /^tokens.+manifest\.json$/,
      (file: string) => writeFileSync(file, 'null'),
      all.slice(1),
    ],
    ['damaged merges', /^bpe.+merges\.json$/, (file: string) => flipByte(file, 2), all.slice(0, 1)],
  ])('notices %s and makes it anew', async (_, pattern, damage, stages) => {
    const cache = newCache();
    const before = await prepare(input, cache);
    const ids = idsOf(before.data.train);
    const files = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((file) => pattern.test(file));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) damage(path.join(cache, file));
    const after = await prepare(input, cache);
    expect(after.stages).toEqual(stages);
    expect(after.data.train).toEqual(before.data.train);
    expect(idsOf(after.data.train)).toEqual(ids);
    expect((await prepare(input, cache)).stages).toEqual([]);
  });

  function flipByte(file: string, at: number): void {
    const bytes = readFileSync(file);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  }
});

describe('an abort', () => {
  test.each(['train-tokenizer', 'tokenize'])(
    'while in stage %s ends with AbortError and leaves nothing half-made but what the next run goes on with',
    async (stage) => {
      const cache = newCache();
      const corpus = write(
        folder,
        'abort.txt',
        lines(60_000, (n) => `the ship ${n} and the sea\n`),
      );
      const controller = new AbortController();
      const onProgress = (event: DataProgress) => event.stage === stage && controller.abort();
      const run = prepareData(
        { corpus, tokenizer: { bpe: 300 }, blockSize: 16 },
        { cacheDir: cache, signal: controller.signal, onProgress },
      );
      expect(await codeOf(run)).toBe('ERR_ABORTED');
      const left = readdirSync(cache, { recursive: true, encoding: 'utf8' });
      expect(left.filter((file) => /tmp$|tmp\/|tokens\.bin/.test(file) && !file.includes('.partial/'))).toEqual([]);
    },
  );

  test('before the beginning does nothing', async () => {
    const cache = newCache();
    const corpus = write(folder, 'abort0.txt', lines(50));
    expect(await codeOf(prepareData({ corpus, blockSize: 4 }, { cacheDir: cache, signal: AbortSignal.abort() }))).toBe(
      'ERR_ABORTED',
    );
    expect(existsSync(cache)).toBe(false);
  });
});

test('a cache that cannot be written is named', async () => {
  const corpus = write(folder, 'plain.txt', lines(50));
  const run = prepareData({ corpus, blockSize: 4 }, { cacheDir: path.join(corpus, 'cache') });
  await expect(run).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(/TORCHWRIGHT_CACHE/) as string,
  });
});

describe('bad input', () => {
  const corpus = write(folder, 'short.txt', lines(50));
  const run = (input: unknown) => prepareData(input as DataInput, { cacheDir: path.join(folder, 'bad') });

  test.each([
    ['an unknown key', { corpus, block_size: 5 }, /data block_size unknown key; did you mean blockSize\?/],
    [
      'a vocabulary too small for the bytes',
      { corpus, tokenizer: { bpe: 256 } },
      /tokenizer\.bpe too small: expected number to be >=257/,
    ],
    [
      'a vocabulary beyond the trainer',
      { corpus, tokenizer: { bpe: 30_001 } },
      /tokenizer\.bpe too big: expected number to be <=30000/,
    ],
    ['a block of one token', { corpus, blockSize: 1 }, /blockSize too small/],
    ['all of the text for validation', { corpus, validation: 1 }, /validation too big/],
    [
      'a split for a corpus that has its own',
      { corpus: 'sotu', validation: 0.1 },
      /validation the corpus sotu brings its own/,
    ],
    ['no corpus', {}, /corpus missing; expected a text or a list/],
    ['an empty list of files', { corpus: [] }, /corpus too small/],
  ])('%s is a ConfigError', async (_, input, message) => {
    await expect(run(input)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(message) as string,
    });
  });

  test.each([
    ['a corpus that is not there', { corpus: 'none/here.txt' }, /there is no such file$/],
    ['a corpus of unknown name', { corpus: 'mobydick' }, /the named corpora are moby-dick and sotu/],
    [
      'a block longer than the text',
      { corpus, blockSize: 4096 },
      /the training text of short\.txt gives no block of 4096 tokens/,
    ],
    [
      'a block longer than the validation text',
      { corpus, blockSize: 64 },
      /the validation text of short\.txt gives no block of 64/,
    ],
    ['too few lines to split', { corpus: write(folder, 'one.txt', 'one line\n') }, /are too few to split/],
    ['an empty validation file', { corpus, validation: write(folder, 'nothing.txt', '') }, /nothing\.txt is empty/],
    [
      'text that is not UTF-8',
      { corpus: write(folder, 'latin.txt', Buffer.from('caf\xe9\n'.repeat(50), 'latin1')) },
      /byte \d*3 \(0xe9\) does not fit/,
    ],
    ['a tokenizer that is not there', { corpus, tokenizer: 'none.json' }, /there is no tokenizer none\.json/],
    ['a vocabulary the text cannot give', { corpus, tokenizer: { bpe: 9000 } }, /it gives \d+ at most/],
  ])('%s is a DataError', async (_, input, message) => {
    await expect(run(input)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(message) as string,
    });
  });
});
