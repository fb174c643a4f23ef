import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import {
  preparePairs,
  type PairDataInput,
  type PairProgress,
  type PreparedPairs,
  type TokenPairs,
  type TokenSentences,
} from '../../../lib/data';
import { temporaryFolder, write } from '../temporary';

const folder = temporaryFolder();
let caches = 0;
const newCache = () => path.join(folder, `cache${caches++}`);

/** Ids of each sentence, as they are in the file. */
function sentencesOf({ file, dtype, offsets }: TokenSentences): number[][] {
  const bytes = Uint8Array.from(readFileSync(file)).buffer;
  const ids = dtype === 'uint16' ? new Uint16Array(bytes) : new Uint32Array(bytes);
  expect(offsets.at(-1)).toBe(ids.length);
  return Array.from({ length: offsets.length - 1 }, (_, n) => [...ids.subarray(offsets[n], offsets[n + 1])]);
}

async function textsOf(pairs: TokenPairs, { sourceTokenizer, targetTokenizer }: PreparedPairs): Promise<string[][]> {
  const [sources, targets] = [sentencesOf(pairs.source), sentencesOf(pairs.target)];
  expect([sources.length, targets.length]).toEqual([pairs.count, pairs.count]);
  return Promise.all(
    sources.map(async (ids, n) => [await sourceTokenizer.decode(ids), await targetTokenizer.decode(targets[n] ?? [])]),
  );
}

const numbers = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
const zahlen = ['eins', 'zwei', 'drei', 'vier', 'fünf', 'sechs', 'sieben'];
const pairOf = (n: number) => {
  const digits = [n % 7, Math.floor(n / 7) % 7, Math.floor(n / 49) % 7];
  return [digits.map((d) => numbers[d]).join(' '), digits.map((d) => zahlen[d]).join(' ')] as const;
};
const corpusOf = (count: number) => Array.from({ length: count }, (_, n) => pairOf(n));
const tsv = (pairs: readonly (readonly string[])[]) => pairs.map((pair) => `${pair.join('\t')}\n`).join('');

let files = 0;
const corpusFile = (pairs: readonly (readonly string[])[]) => write(folder, `corpus${files++}.tsv`, tsv(pairs));
const usual = { vocabulary: { bpe: 280 }, validation: 0.1, test: 0.1 } satisfies Partial<PairDataInput>;

async function failure(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => undefined,
    (cause: Error & { code: string }) => cause,
  );
  return `${error?.code} ${error?.message.replaceAll(folder, '')}`;
}

describe('a corpus', () => {
  const pairs = corpusOf(343);
  let data: PreparedPairs;
  const cacheDir = newCache();
  const events: PairProgress[] = [];
  beforeAll(async () => {
    const options = { cacheDir, onProgress: (event: PairProgress) => events.push(event) };
    data = await preparePairs({ corpus: corpusFile(pairs), ...usual }, options);
  });

  test('is in three sets as tokens that give the text back, no pair lost', async () => {
    const sets = await Promise.all([data.train, data.validation, data.test].map((set) => textsOf(set, data)));
    expect(sets.flat().sort()).toEqual(pairs.map((pair) => [...pair]).sort());
    expect(sets[0]?.length).toBeGreaterThan(240);
    for (const set of sets.slice(1)) expect(set.length).toBeGreaterThan(15);
    expect(sets[1]).toEqual(data.validationText.source.map((source, n) => [source, data.validationText.target[n]]));
    expect(sets[2]).toEqual(data.testText.source.map((source, n) => [source, data.testText.target[n]]));
  });

  test('comes with what a model has to know', () => {
    expect(data).toMatchObject({
      joined: true,
      sourceVocabSize: 280,
      targetVocabSize: 280,
      padTokenId: 1,
      eosTokenId: 2,
    });
    expect(data.sourceTokenizer).toBe(data.targetTokenizer);
    expect(data.train.source.dtype).toBe('uint16');
    const { train, validation, test: heldOut } = data;
    expect(data.report.train).toEqual({
      read: train.count,
      kept: train.count,
      missing: 0,
      tooLong: 0,
      ratio: 0,
      heldOut: 0,
    });
    expect(data.description).toBe(
      `corpus0.tsv en-de, byte-level BPE (vocabulary joint, 280): ${train.count} pairs for training, ${validation.count} for ` +
        `validation, ${heldOut.count} for test`,
    );
    expect(data.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('reports what is done', () => {
    const stages = [
      ...new Set(events.map((event) => ('split' in event ? `${event.stage} ${event.split}` : event.stage))),
    ];
    expect(stages).toEqual(['read', 'train-tokenizer', 'tokenize train', 'tokenize validation', 'tokenize test']);
    expect(events).toContainEqual({
      stage: 'tokenize',
      split: 'train',
      pairs: data.train.count,
      totalPairs: data.train.count,
    });
  });

  test('is split by the source text alone: the order and the rest of the corpus do not matter', async () => {
    const reversed = await preparePairs({ corpus: corpusFile([...pairs].reverse()), ...usual }, { cacheDir });
    expect([...reversed.testText.source].sort()).toEqual([...data.testText.source].sort());
    const half = await preparePairs({ corpus: corpusFile(pairs.slice(0, 170)), ...usual }, { cacheDir });
    expect(half.testText.source).toEqual(data.testText.source.filter((text) => half.testText.source.includes(text)));
    expect(half.testText.source.length).toBeGreaterThan(5);
  });

  test('a second time comes from the cache, and a damaged entry is made again', async () => {
    const again: PairProgress[] = [];
    const prepare = () =>
      preparePairs(
        { corpus: path.join(folder, 'corpus0.tsv'), ...usual },
        { cacheDir, onProgress: (event) => again.push(event) },
      );
    const second = await prepare();
    expect(again).toEqual([]);
    expect(second.train.source.file).toBe(data.train.source.file);
    expect(second.train.source.offsets).toEqual(data.train.source.offsets);
    const whole = createHash('sha256').update(readFileSync(data.train.source.file)).digest('hex');
    writeFileSync(data.train.source.file, 'damaged');
    await prepare();
    expect(again.map(({ stage }) => stage)).toContain('tokenize');
    expect(createHash('sha256').update(readFileSync(data.train.source.file)).digest('hex')).toBe(whole);
  });
});

test('the vocabulary is trained on the training set only', async () => {
  const cacheDir = newCache();
  const heldOut = (word: string) => ({
    validation: corpusFile([[`${word} ${word}`, word]]),
    test: corpusFile([['x', word]]),
  });
  const corpus = corpusFile(corpusOf(60));
  const [first, second] = [
    await preparePairs({ corpus, ...usual, ...heldOut('hippopotamus') }, { cacheDir }),
    await preparePairs({ corpus, ...usual, ...heldOut('rhinoceros') }, { cacheDir }),
  ];
  expect(first.sourceTokenizer.fingerprint).toBe(second.sourceTokenizer.fingerprint);
  expect(first.validationText).toEqual({ source: ['hippopotamus hippopotamus'], target: ['hippopotamus'] });
  expect(first.train.count).toBe(60);
});

test('vocabularies may be separate, and lowercase with the text', async () => {
  const corpus = corpusFile(corpusOf(100).map(([source, target]) => [source.toUpperCase(), target]));
  const vocabulary = { bpe: 270, joint: false, lowercase: true };
  const data = await preparePairs({ corpus, ...usual, vocabulary }, { cacheDir: newCache() });
  expect([data.joined, data.sourceVocabSize, data.targetVocabSize]).toEqual([false, 272, 272]);
  expect(data.sourceTokenizer.fingerprint).not.toBe(data.targetTokenizer.fingerprint);
  expect(data.testText.source[0]).toMatch(/^[a-z ]+$/);
  expect((await textsOf(data.test, data))[0]).toEqual([data.testText.source[0], data.testText.target[0]]);
});

describe('the sizes of the held-out sets', () => {
  test('may be numbers of pairs, and all pairs of one source stay together', async () => {
    const pairs = corpusOf(300).flatMap(([source, target]) => [
      [source, target],
      [source, `${target} noch`],
    ]);
    const data = await preparePairs(
      { corpus: corpusFile(pairs), ...usual, validation: 20, test: 40 },
      { cacheDir: newCache() },
    );
    expect([data.validation.count, data.test.count, data.train.count]).toEqual([20, 40, 540]);
    const [train, test] = [await textsOf(data.train, data), data.testText.source];
    expect(new Set(test).size).toBe(20);
    expect(train.some(([source]) => test.includes(source ?? ''))).toBe(false);
  });

  test('may be a number and a fraction', async () => {
    const data = await preparePairs(
      { corpus: corpusFile(corpusOf(300)), ...usual, test: 25 },
      { cacheDir: newCache() },
    );
    expect(data.test.count).toBe(25);
    expect(data.validation.count).toBeGreaterThan(10);
  });

  test('that leave nothing are an error', async () => {
    const corpus = corpusFile(corpusOf(30));
    expect(await failure(preparePairs({ corpus, ...usual, test: 30 }, { cacheDir: newCache() }))).toMatch(
      /^ERR_DATA corpus\d+\.tsv leaves no pair for train and validation: 30 read, 0 without text .*data\.validation and data\.test/,
    );
  });
});

test('sources of held-out files are left out of training, and of the other set', async () => {
  const pairs = corpusOf(80);
  const [validation, heldOut] = [corpusFile(pairs.slice(0, 6)), corpusFile(pairs.slice(4, 9))];
  const data = await preparePairs(
    { corpus: corpusFile(pairs), ...usual, validation, test: heldOut },
    { cacheDir: newCache() },
  );
  expect([data.test.count, data.validation.count, data.train.count]).toEqual([5, 4, 71]);
  expect(data.report.train).toMatchObject({ read: 80, heldOut: 9, kept: 71 });
  expect(data.report.validation).toMatchObject({ read: 6, heldOut: 2, kept: 4 });
});

describe('bad pairs', () => {
  const good = corpusOf(100);

  test('without text are left out and counted, or an error with the line', async () => {
    const corpus = corpusFile([...good, ['', 'nichts'], [' \u2028 ', ''], ['nothing', '']]);
    const { report } = await preparePairs({ corpus, ...usual }, { cacheDir: newCache() });
    expect(report.train.missing).toBe(3);
    expect(report.train.kept + report.validation.kept + report.test.kept).toBe(100);
    expect(await failure(preparePairs({ corpus, ...usual, missing: 'error' }, { cacheDir: newCache() }))).toMatch(
      /^ERR_DATA \/corpus\d+\.tsv:101: there is no source text; .*data\.missing/,
    );
  });

  test('too long are left out of every set and counted, or an error with the text', async () => {
    const long = 'one '.repeat(60).trim();
    const corpus = corpusFile([...good, ...Array.from({ length: 40 }, (_, n) => [`${long} ${pairOf(n)[0]}`, 'lang'])]);
    const data = await preparePairs({ corpus, ...usual, maxLength: 50 }, { cacheDir: newCache() });
    const { train, validation, test: heldOut } = data.report;
    expect(train.tooLong + validation.tooLong + heldOut.tooLong).toBe(40);
    expect(validation.tooLong + heldOut.tooLong).toBeGreaterThan(0);
    expect(data.testText.source).toHaveLength(data.test.count);
    expect(await textsOf(data.test, data)).toEqual(
      data.testText.source.map((text, n) => [text, data.testText.target[n]]),
    );
    const strict = { corpus, ...usual, maxLength: 50, tooLong: 'error' } as const;
    expect(await failure(preparePairs(strict, { cacheDir: newCache() }))).toMatch(
      /^ERR_DATA a pair for \w+ has \d+ tokens, more than data\.maxLength 50: "one one .*data\.tooLong to skip/,
    );
    expect(await failure(preparePairs({ corpus, ...usual, maxLength: 1 }, { cacheDir: newCache() }))).toMatch(
      /^ERR_DATA no pair is left for train: \d+ are longer than data\.maxLength 1 tokens/,
    );
  });

  test('of far different lengths are left out of training only', async () => {
    const corpus = corpusFile([...good, ...good.map(([source]) => [`${source} seven`, 'eins'])]);
    const data = await preparePairs({ corpus, ...usual, maxRatio: 1.8 }, { cacheDir: newCache() });
    expect(data.report.train.ratio).toBeGreaterThan(60);
    expect(data.report.test).toMatchObject({ ratio: 0, kept: data.report.test.read });
    for (const [source = '', target = ''] of await textsOf(data.train, data)) {
      const [a, b] = [await data.sourceTokenizer.encode(source), await data.targetTokenizer.encode(target)];
      expect(Math.max(a.length, b.length)).toBeLessThanOrEqual(1.8 * Math.min(a.length, b.length));
    }
  });

  test('only, are an error that says where to look', async () => {
    const corpus = corpusFile(good);
    const fields = { source: 4, target: 5 };
    expect(await failure(preparePairs({ corpus, ...usual, fields }, { cacheDir: newCache() }))).toMatch(
      /^ERR_DATA .*leaves no pair for train and validation and test: 100 read, 100 without text on a side; look whether data\.fields/,
    );
  });
});

describe('a configuration that cannot be', () => {
  test.each([
    [{ corpus: 'x.tsv', sourceLanguage: 'de' }, /data targetLanguage must not be the source language/],
    [{ corpus: { source: ['a', 'b'], target: 'c' } }, /as many target files as source files/],
    [{ corpus: 'x.tsv', vocabulary: { bpe: 100 } }, /data vocabulary\.bpe too small/],
    [{ corpus: 'x.tsv', maxRatio: 0.5 }, /data maxRatio too small/],
    [
      { corpus: 'debian-descriptions', targetLanguage: 'xx' },
      /debian-descriptions has no xx; its languages are en, de, /,
    ],
    [{ corpus: 'bible-en-es' }, /bible-en-es has no de; its languages are en, es/],
    [{ corpus: 'x.csv' }, /cannot tell the form of x\.csv/],
  ] satisfies [PairDataInput, RegExp][])('is refused: %j', async (input, message) => {
    expect(await failure(preparePairs(input, { cacheDir: newCache() }))).toMatch(/^ERR_CONFIG/);
    expect(await failure(preparePairs(input, { cacheDir: newCache() }))).toMatch(message);
  });

  test('an unknown name is refused with the known ones', async () => {
    expect(await failure(preparePairs({ corpus: 'wmt14' }, { cacheDir: newCache() }))).toMatch(
      /^ERR_DATA wmt14 is no corpus known by name; these are debian-descriptions and bible-en-es/,
    );
  });
});

test('aborting leaves nothing half-made', async () => {
  const cacheDir = newCache();
  const controller = new AbortController();
  const corpus = corpusFile(corpusOf(343));
  const run = preparePairs(
    { corpus, ...usual },
    { cacheDir, signal: controller.signal, onProgress: ({ stage }) => stage === 'tokenize' && controller.abort() },
  );
  await expect(run).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(readdirSync(cacheDir, { recursive: true }).filter((name) => String(name).includes('.tmp'))).toEqual([]);
  const data = await preparePairs({ corpus, ...usual }, { cacheDir });
  expect(data.train.count + data.validation.count + data.test.count).toBe(343);
});
