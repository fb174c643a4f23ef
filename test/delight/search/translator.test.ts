import { Translator, type TranslateOptions, type Translation, type TranslationProgress } from '../../../lib/delight';
import { temporaryFolder } from '../../data/temporary';
import { sentences, smallModelFolder, smallTokenizers } from './folder';
import { smallTranslator } from './models';

const parent = temporaryFolder();
let translator: Translator;
let folder: string;
beforeAll(async () => {
  folder = await smallModelFolder(parent);
  translator = await Translator.load(folder);
});
afterAll(() => translator.dispose());

/** A batch of one shape or another changes the last bits; short translations keep the choice clear. */
const quick = { beams: 2, maxLengthB: 6 };

async function translate(texts: Iterable<string>, options: TranslateOptions = {}): Promise<Translation[]> {
  const found: Translation[] = [];
  for await (const translation of translator.translate(texts, { ...quick, ...options })) found.push(translation);
  return found;
}

const textsOf = (translations: Translation[]) => translations.map(({ text }) => text);

test('the order is kept, whatever the batches', async () => {
  const expected = await translate(sentences);
  expect(expected.map(({ source }) => source)).toEqual(sentences);
  expect(new Set(textsOf(expected)).size).toBeGreaterThan(2);
  for (const options of [{ batchSentences: 1 }, { batchTokens: 20 }, { window: 2 }, { window: 1 }])
    expect(textsOf(await translate(sentences, options))).toEqual(textsOf(expected));
});

test('empty texts give empty translations', async () => {
  const found = await translate(['', 'A dog barks.', '  \t ', '']);
  expect(found.map(({ hypotheses }) => hypotheses.length)).toEqual([0, 1, 0, 0]);
  expect(found.map(({ text }) => text === '')).toEqual([true, false, true, true]);
  expect(await translate([])).toEqual([]);
  expect(textsOf(await translate(['', '']))).toEqual(['', '']);
});

test('n-best lists are sorted, and the best is the text', async () => {
  for (const [found] of [
    await translate(['Quick!'], { nBest: 2 }),
    await translate(['Quick!'], { nBest: 3, sampling: {} }),
  ]) {
    const scores = found!.hypotheses.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(found!.hypotheses[0]!.text).toBe(found!.text);
  }
  await expect(translate(['a'], { nBest: 3 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
});

test('what is drawn depends on the seed and the place in the text, not on batches', async () => {
  const drawn = async (seed: number, options: TranslateOptions = {}) =>
    textsOf(await translate(sentences, { sampling: { seed, topK: 20 }, ...options }));
  const expected = await drawn(3);
  expect(await drawn(3, { window: 2, batchSentences: 2 })).toEqual(expected);
  expect(await drawn(4)).not.toEqual(expected);
  const [first, second] = await translate(['Quick!', 'Quick!'], { sampling: { seed: 3 } });
  expect(first!.hypotheses[0]!.tokens).not.toEqual(second!.hypotheses[0]!.tokens);
});

test('too long texts are an error, left out, or cut', async () => {
  const long = 'xyz '.repeat(30);
  const error = {
    code: 'ERR_DATA',
    message: expect.stringMatching(/text 2 has \d+ tokens, but the model reads at most 23/),
  };
  await expect(translate(['A', long])).rejects.toMatchObject(error);
  const [, skipped, after] = await translate(['A', long, 'Quick!'], { tooLong: 'skip' });
  expect(skipped).toMatchObject({ text: '', hypotheses: [], tooLong: true });
  expect(after!.text).toBe((await translate(['Quick!']))[0]!.text);
  const [cut] = await translate([long], { tooLong: 'cut' });
  expect(cut).toMatchObject({ tooLong: true, hypotheses: [expect.anything()] });
});

test('memory is bounded: texts are read a window at a time', async () => {
  let read = 0;
  function* endless() {
    for (;;) yield `Quick ${read++}!`;
  }
  for await (const _translation of translator.translate(endless(), { ...quick, window: 4 })) break;
  expect(read).toBe(4);
});

test('progress', async () => {
  const events: TranslationProgress[] = [];
  const onProgress = (progress: TranslationProgress) => events.push(progress);
  const found = await translate([...sentences, '', 'xyz '.repeat(30)], {
    tooLong: 'skip',
    batchSentences: 2,
    onProgress,
  });
  const tokens = found.reduce((sum, { hypotheses }) => sum + (hypotheses[0]?.tokens.length ?? 0), 0);
  expect(events.at(-1)).toMatchObject({ texts: 7, tooLong: 1, tokens });
  expect(events.at(-1)!.seconds).toBeGreaterThan(0);
  expect(events).toHaveLength(3);
});

test('a stream gives the pieces of the greedy translation', async () => {
  const pieces: string[] = [];
  for await (const piece of translator.stream(sentences[0]!, { maxLengthB: 12 })) pieces.push(piece);
  const [expected] = await translate([sentences[0]!], { sampling: { temperature: 0 }, maxLengthB: 12 });
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join('')).toBe(expected!.text);
  for await (const piece of translator.stream(' ')) throw new Error(`nothing was to come, but ${piece} did`);
});

test('a single string and what is no text are refused', async () => {
  const refused = { code: 'ERR_ARGUMENT' };
  await expect(translate('a' as never)).rejects.toMatchObject(refused);
  await expect(translate([3 as never])).rejects.toMatchObject(refused);
});

test('a raised signal stops it', async () => {
  const controller = new AbortController();
  const options = { window: 1, signal: controller.signal, onProgress: () => controller.abort() };
  await expect(translate(sentences, options)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});

test('a tokenizer of another model is an error', async () => {
  using model = smallTranslator(40);
  const tokenizers = await smallTokenizers(parent);
  expect(() => new Translator(model, tokenizers)).toThrow(expect.objectContaining({ code: 'ERR_DATA' }) as Error);
  await expect(Translator.load(parent)).rejects.toMatchObject({ code: 'ERR_DATA' });
});

test.each<TranslateOptions>([{ window: 0 }, { batchTokens: 0 }, { batchSentences: 1.5 }, { nBest: 0 }])(
  '%j is refused',
  async (options) => {
    await expect(translate(['a'], options)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  },
);
