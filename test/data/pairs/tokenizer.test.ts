import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { loadPairTokenizers, PairTokenizer, savePairTokenizers } from '../../../lib/data';
import { Text } from '../../../lib/data/text';
import { temporaryFolder, write } from '../temporary';

const folder = temporaryFolder();
const text = 'The quick brown fox jumps over the lazy dog.\nDer schnelle braune Fuchs springt über den faulen Hund.\n';
const file = write(folder, 'text', text.repeat(3));

const train = async (vocabulary: Partial<{ bpe: number; lowercase: boolean; multipleOf: number }> = {}) =>
  PairTokenizer.train(
    await Text.open([file]),
    { bpe: 300, lowercase: false, multipleOf: 8, ...vocabulary },
    { cacheDir: path.join(folder, 'cache') },
  );

describe('a translation vocabulary', () => {
  let tokenizer: PairTokenizer;
  beforeAll(async () => {
    tokenizer = await train();
  });

  test('has the four special tokens first, and unused entries up to a multiple', async () => {
    expect(tokenizer.vocabSize).toBe(304);
    expect((await train({ multipleOf: 1 })).vocabSize).toBe(300);
    await tokenizer.save(path.join(folder, 'saved'));
    const json = readFileSync(path.join(folder, 'saved', 'tokenizer.json'), 'utf8');
    const { vocab } = (JSON.parse(json) as { model: { vocab: Record<string, number> } }).model;
    expect([vocab['<s>'], vocab['<pad>'], vocab['</s>'], vocab['<unk>'], vocab['<unused3>']]).toEqual([
      0, 1, 2, 3, 303,
    ]);
  });

  test('gives any sentence back, characters it never saw too', async () => {
    const sentences = [
      'The quick fox.',
      'Ünïcödé 日本語 😀',
      '<s> and </s>, <pad>, <unk>',
      "it's 5 %",
      '\u00a0 ni\u00a0cht',
      'a\0b',
    ];
    for (const sentence of sentences) {
      const ids = await tokenizer.encode(sentence);
      expect(ids.every((id) => id >= 4 && id < 300)).toBe(true);
      expect(await tokenizer.decode(ids)).toBe(sentence);
    }
    const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((string) => !/\s|\p{Cc}/u.test(string));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (words) => {
        const sentence = words.join(' ');
        expect(await tokenizer.decode(await tokenizer.encode(sentence))).toBe(sentence);
      }),
      { numRuns: 100 },
    );
  });

  test('has a word as the same tokens at the beginning and elsewhere', async () => {
    const [first, rest] = [await tokenizer.encode('quick'), await tokenizer.encode('The quick')];
    expect(rest.slice(-first.length)).toEqual(first);
  });

  test('reads white space as single blanks, and nothing as no token', async () => {
    expect(await tokenizer.encode('  The\t\nquick \u2028 fox ')).toEqual(await tokenizer.encode('The quick fox'));
    expect(await tokenizer.encode(' \n ')).toEqual([]);
    expect(await tokenizer.decode([])).toBe('');
  });

  test('leaves special and unused tokens out of the text, and refuses other ids', async () => {
    const ids = await tokenizer.encode('the dog');
    expect(await tokenizer.decode([0, ...ids, 3, 303, 2, 1, 1])).toBe('the dog');
    await expect(tokenizer.decode([304])).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: 'token id 304 is outside the vocabulary (0 to 303)',
    });
  });

  test('may be lowercase', async () => {
    const lower = await train({ lowercase: true });
    expect(await lower.decode(await lower.encode('The ÜBER Dog'))).toBe('the über dog');
  });

  test('larger than the text gives is an error that names the largest', async () => {
    await expect(train({ bpe: 5000 })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /BPE of 5000 entries cannot be learned from this text: it gives \d+ at most \(from 260 to 30000 .*data\.vocabulary\.bpe/,
      ) as string,
    });
  });
});

describe('beside a model', () => {
  test('one for both sides is one file, which Hugging Face’s libraries read', async () => {
    const tokenizer = await train();
    const saved = path.join(folder, 'joint');
    await savePairTokenizers(saved, { source: tokenizer, target: tokenizer });
    const loaded = await loadPairTokenizers(saved);
    expect(loaded.source).toBe(loaded.target);
    expect(loaded.source.fingerprint).toBe(tokenizer.fingerprint);
    expect(JSON.parse(readFileSync(path.join(saved, 'tokenizer_config.json'), 'utf8'))).toMatchObject({
      eos_token: '</s>',
    });
  });

  test('two are two files', async () => {
    const [source, target] = [await train(), await train({ bpe: 280 })];
    const saved = path.join(folder, 'separate');
    await savePairTokenizers(saved, { source, target });
    expect(existsSync(path.join(saved, 'tokenizer.json'))).toBe(false);
    const loaded = await loadPairTokenizers(saved);
    expect([loaded.source.vocabSize, loaded.target.vocabSize]).toEqual([304, 280]);
    expect(await loaded.target.encode('the dog')).toEqual(await target.encode('the dog'));
  });

  test('what is missing, damaged or of another kind is an error', async () => {
    await expect(loadPairTokenizers(path.join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/there is no translation tokenizer .*tokenizer\.json/) as string,
    });
    writeFileSync(path.join(folder, 'tokenizer.json'), '{"model":');
    await expect(loadPairTokenizers(folder)).rejects.toMatchObject({ code: 'ERR_DATA' });
    const other = JSON.parse(readFileSync(path.join(folder, 'joint', 'tokenizer.json'), 'utf8')) as {
      model: { vocab: Record<string, number> };
    };
    Object.assign(other.model.vocab, { '<s>': 1, '<pad>': 0 });
    writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(other));
    await expect(loadPairTokenizers(folder)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/is not a translation tokenizer: it has no <s> as number 0/) as string,
    });
  });
});
