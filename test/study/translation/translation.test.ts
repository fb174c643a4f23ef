import fs from 'node:fs';
import path from 'node:path';

import { Translator } from '../../../lib/delight';
import { corpusBleu } from '../../../lib/metrics';
import {
  comparisonText,
  evaluateRun,
  runStudy,
  trainStudy,
  type ModelResult,
  type StudyEvent,
  type TranslationComparison,
  type TranslationStudyInput,
} from '../../../lib/study';
import { temporaryFolder } from '../../train/tokens';
import { smallTranslationStudy, writePairs } from '../pairs';

let folder: string;
let cacheDir: string;
let study: TranslationStudyInput;

beforeAll(() => {
  folder = temporaryFolder();
  cacheDir = path.join(folder, 'cache');
  study = smallTranslationStudy(writePairs(folder), path.join(folder, 'runs'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
const runsMade = () => (fs.existsSync(path.join(folder, 'runs')) ? fs.readdirSync(path.join(folder, 'runs')) : []);
const lines = (file: string) => fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);

describe('a comparison', () => {
  let events: StudyEvent[];
  let result: TranslationComparison;

  beforeAll(async () => {
    events = [];
    result = await runStudy(study, { cacheDir, onEvent: (event) => events.push(event) });
  });

  test('has a row for each model, related to the first', () => {
    expect(result.rows.map(({ title, folder: name }) => [title, name])).toEqual([
      ['Transformer', 'transformer'],
      ['DeLighT', 'delight'],
    ]);
    const [first, second] = result.rows;
    expect(first).toMatchObject({
      parametersRatio: 1,
      macsRatio: 1,
      bleuDifference: 0,
      perplexityDifference: 0,
      error: null,
    });
    expect(second!.parametersRatio).toBe(second!.parameters / first!.parameters);
    expect(second!.bleuDifference).toBe(second!.bleu! - first!.bleu!);
    expect(second!.perplexityDifference).toBe(second!.perplexity! - first!.perplexity!);
    for (const row of result.rows) expect(row.trainTokensPerSecond).toBeGreaterThan(0);
  });

  test("its text has the paper's columns and says how scores were taken", () => {
    const text = comparisonText(result).split('\n');
    expect(text[0]).toMatch(
      /^Model +Parameters +MACs +BLEU +\+\/- +chrF +Perplexity +\+\/- +Training +Tokens\/s +Translation$/,
    );
    expect(text.join('\n')).toMatch(/beam search with 2 beams.*tok:13a\|smooth:exp/);
  });

  test('writes the table three times, with samples of all models', () => {
    expect(JSON.parse(fs.readFileSync(path.join(result.folder, 'comparison.json'), 'utf8'))).toEqual(result);
    expect(lines(path.join(result.folder, 'comparison.csv'))).toHaveLength(3);
    expect(result.samples[0]!.texts.map(({ title }) => title)).toEqual(['Transformer', 'DeLighT']);
    const markdown = fs.readFileSync(path.join(result.folder, 'comparison.md'), 'utf8');
    expect(markdown).toContain('## Samples');
    expect(markdown).toContain(`> ${result.samples[0]!.source}`);
  });

  test('a run holds model folders, metrics, and the test set line by line', () => {
    const run = path.join(result.folder, 'delight');
    expect(fs.readdirSync(run).sort()).toEqual([
      'all_results.json',
      'best',
      'checkpoints',
      expect.stringMatching(/^events\.out\.tfevents\./),
      'figures',
      'latest',
      'metrics.jsonl',
      'references.txt',
      'report.html',
      'run.json',
      'sources.txt',
      'study.yaml',
      'test_results.json',
      'train_results.json',
      'trainer_state.json',
      'translations.txt',
    ]);
    const [sources, references, translations] = ['sources', 'references', 'translations'].map((name) =>
      lines(path.join(run, `${name}.txt`)),
    );
    expect([sources!.length, references!.length, translations!.length]).toEqual([10, 10, 10]);
    expect(corpusBleu(translations!, references!).score).toBe(result.rows[1]!.bleu);
  });

  test('reports training and test of each model, and shows translations', () => {
    const reports = events.flatMap((event) => (event.type === 'report' ? [`${event.title} ${event.split}`] : []));
    expect(reports).toEqual(['Transformer train', 'Transformer test', 'DeLighT train', 'DeLighT test']);
    expect(events.filter(({ type }) => type === 'samples')).toHaveLength(2);
    expect(events.findLast((event) => event.type === 'translation')).toEqual({
      type: 'translation',
      done: 10,
      total: 10,
    });
  });

  test('the models learn at their own rates, from the same batches', () => {
    const rates = ['transformer', 'delight'].map((name) => {
      const state = JSON.parse(fs.readFileSync(path.join(result.folder, name, 'trainer_state.json'), 'utf8')) as {
        log_history: { learning_rate?: number }[];
        num_input_tokens_seen: number;
      };
      return [state.log_history[0]!.learning_rate!, state.num_input_tokens_seen];
    });
    expect(rates[1]![0]! / rates[0]![0]!).toBeCloseTo(5 / 3, 10);
    expect(rates[1]![1]).toBe(rates[0]![1]);
  });

  test('evaluating a run anew gives its numbers again', async () => {
    const { title, split, metrics } = await evaluateRun(path.join(result.folder, 'delight'), { cacheDir });
    expect([title, split]).toEqual(['DeLighT', 'test']);
    expect(metrics.test_bleu).toBe(result.rows[1]!.bleu);
    expect(metrics.test_perplexity).toBeCloseTo(result.rows[1]!.perplexity!, 10);
  });

  test('evaluating it on other data is refused', async () => {
    const other = path.join(folder, 'other.tsv');
    const pairs = Array.from({ length: 60 }, (_, index) => `a ${index} yacht\teine ${index} Jacht\n`);
    fs.writeFileSync(other, pairs.join(''));
    const work = evaluateRun(path.join(result.folder, 'delight'), { cacheDir, overrides: [`data.corpus=${other}`] });
    await expect(work).rejects.toThrow(refusedWith('ERR_DATA', /another vocabulary than .*best was trained with/));
  });

  test('the best model translates as the run did', async () => {
    using translator = await Translator.load(path.join(result.folder, 'delight/best'));
    const texts: string[] = [];
    for await (const { text } of translator.translate(
      result.samples.map(({ source }) => source),
      { beams: 2, maxLengthB: 20 },
    ))
      texts.push(text);
    expect(texts).toEqual(result.samples.map(({ texts }) => texts[1]!.text));
  });

  test('a run repeats from its saved configuration, to the bit', async () => {
    const again = (await trainStudy(path.join(result.folder, 'delight/study.yaml'), {
      cacheDir,
      out: path.join(folder, 'again'),
    })) as ModelResult;
    expect(again.title).toBe('DeLighT');
    expect(again.scores.test_perplexity).toBe(result.rows[1]!.perplexity);
    expect(again.scores.test_bleu).toBe(result.rows[1]!.bleu);
  });
});

test('train takes the model that is named, and averages the last checkpoints where it is asked to', async () => {
  const out = path.join(folder, 'averaged');
  const train = { ...study.train, averageLast: 2 };
  const result = await trainStudy({ ...study, train }, { cacheDir, out, model: 'delight' });
  expect(result.title).toBe('DeLighT');
  expect(fs.readdirSync(path.join(out, 'averaged'))).toEqual(
    expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
  );
  const { model, metrics } = await evaluateRun(out, { cacheDir });
  expect(model).toBe(path.join(out, 'averaged'));
  expect(metrics.test_bleu).toBe(result.scores.test_bleu);
});

test('a comparison that is stopped keeps the models it has finished', async () => {
  const controller = new AbortController();
  const out = path.join(folder, 'stopped');
  const work = runStudy(study, {
    cacheDir,
    out,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'variant' && event.number === 2) controller.abort();
    },
  });
  await expect(work).rejects.toThrow(refusedWith('ERR_ABORTED', /What was finished is in .*stopped/));
  const { rows } = JSON.parse(fs.readFileSync(path.join(out, 'comparison.json'), 'utf8')) as {
    rows: { title: string }[];
  };
  expect(rows.map(({ title }) => title)).toEqual(['Transformer']);
});

describe('bad input is refused before a folder is made', () => {
  const delight = (change: object) => ({
    ...study,
    models: { DeLighT: { ...(study.models.DeLighT as object), ...change } },
  });
  test.each<[string, () => object, string, RegExp]>([
    ['no model', () => ({ ...study, models: {} }), 'ERR_CONFIG', /models expected at least one model/],
    [
      'a name that is none',
      () => ({ ...study, models: { 'a.b': study.models.DeLighT } }),
      'ERR_CONFIG',
      /models\.a\.b the name of a model/,
    ],
    [
      'two names of one folder',
      () => ({ ...study, models: { DeLighT: study.models.DeLighT, delight: study.models.DeLighT } }),
      'ERR_CONFIG',
      /models\.delight this name and DeLighT would have the same folder/,
    ],
    [
      'a rate of a model that is not there',
      () => ({ ...study, learningRates: { Delite: 1 } }),
      'ERR_CONFIG',
      /learningRates\.Delite there is no such model/,
    ],
    [
      'an impossible width',
      () => delight({ hiddenSize: 33 }),
      'ERR_CONFIG',
      /models\.DeLighT\.hiddenSize 33 .*nearest possible value/,
    ],
    [
      'an unknown key of a model',
      () => delight({ hidenSize: 32 }),
      'ERR_CONFIG',
      /models\.DeLighT\.hidenSize unknown key; did you mean hiddenSize/,
    ],
    [
      'a vocabulary too small',
      () => delight({ targetVocabSize: 100, shareEmbeddings: false }),
      'ERR_CONFIG',
      /models\.DeLighT\.targetVocabSize 100 is too small/,
    ],
    [
      'shared tables of two vocabularies',
      () => ({ ...study, data: { ...study.data, vocabulary: { bpe: 300, joint: false } } }),
      'ERR_CONFIG',
      /models\.Transformer\.shareEmbeddings needs one vocabulary/,
    ],
    [
      'an unknown task',
      () => ({ ...study, task: 'translate' }),
      'ERR_CONFIG',
      /task expected "translation" or "language-model"/,
    ],
    [
      'a corpus that is not there',
      () => ({ ...study, data: { ...study.data, corpus: 'nowhere.tsv' } }),
      'ERR_DATA',
      /nowhere\.tsv/,
    ],
    ['a device that is not there', () => ({ ...study, device: 'cuda:63' }), 'ERR_DEVICE', /cuda:63/],
  ])('%s', async (_name, make, code, message) => {
    const before = runsMade();
    await expect(runStudy(make() as TranslationStudyInput, { cacheDir })).rejects.toThrow(refusedWith(code, message));
    expect(runsMade()).toEqual(before);
  });

  test('a model that the study does not have', async () => {
    await expect(trainStudy(study, { cacheDir, model: 'Llama' })).rejects.toThrow(
      refusedWith('ERR_CONFIG', /no model Llama; it has Transformer, DeLighT/),
    );
  });
});
