import fs from 'node:fs';
import path from 'node:path';

import { ResidualLlama } from '../../../lib/residual';
import {
  comparisonText,
  evaluateRun,
  readStudy,
  runStudy,
  shippedStudies,
  studyVariants,
  trainStudy,
  type Comparison,
  type RunResult,
  type StudyConfig,
  type StudyEvent,
  type StudyInput,
} from '../../../lib/study';
import { temporaryFolder } from '../../train/tokens';
import { smallStudy, writeCorpus } from '../small';

let folder: string;
let study: StudyInput;
let cacheDir: string;

beforeAll(() => {
  folder = temporaryFolder();
  cacheDir = path.join(folder, 'cache');
  study = smallStudy(writeCorpus(folder), path.join(folder, 'runs'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
const runsMade = () => (fs.existsSync(path.join(folder, 'runs')) ? fs.readdirSync(path.join(folder, 'runs')) : []);

describe('shipped studies', () => {
  test.each(['demo', 'note', 'sotu'])('%s is sound and compares all seven', (name) => {
    expect(shippedStudies()).toContain(name);
    expect(studyVariants(readStudy(name) as StudyConfig).map(({ title }) => title)).toEqual([
      'Baseline',
      'Method 1',
      'Method 2',
      'Method 3.1',
      'Method 3.2',
      'Method 4.1',
      'Method 4.2',
    ]);
  });

  test("note has the note's shape and recipe", () => {
    const { model, train, data } = readStudy('note') as StudyConfig;
    expect(model).toMatchObject({
      vocabSize: 32000,
      hiddenSize: 512,
      intermediateSize: 1024,
      numHiddenLayers: 8,
      numKeyValueHeads: 4,
      maxPositionEmbeddings: 1024,
    });
    expect(data.blockSize).toBe(2048);
    expect(train).toMatchObject({
      epochs: 5,
      learningRate: 3e-4,
      schedule: 'cosine',
      warmupRatio: 0.015,
      weightDecay: 0.1,
      precision: 'bf16',
      evalEvery: 200,
      evalBatchSize: 8,
    });
  });
});

describe('variants of a study', () => {
  test('each differs from model.residual in what it says', () => {
    const variants = studyVariants(
      readStudy({
        ...study,
        model: { ...study.model, residual: { mode: 'replace' } },
        variants: [
          '1',
          { site: 'mlp', weights: 'sum', mode: 'add' },
          { site: 'attention', weights: 'mean', window: 1 },
        ],
      }),
    );
    expect(variants.map(({ title, slug }) => [title, slug])).toEqual([
      ['Method 1 (replace)', 'method-1-replace'],
      ['Method 1', 'method-1'],
      ['Method 4.1 (replace, window 1)', 'method-4.1-replace-window-1'],
    ]);
  });

  test.each([
    [['1', 'm1'], /variants\.1 is Method 1 again/],
    [['7'], /variants\.0 "7" names no residual variant/],
    [[], /variants/],
    [[{ site: 'attention', weights: 'sum', input: 'mid' }], /variants\.0\.input/],
  ])('%j is refused', (variants, message) => {
    expect(() => readStudy({ ...study, variants: variants as NonNullable<StudyInput['variants']> })).toThrow(
      refusedWith('ERR_CONFIG', message),
    );
  });
});

describe('a comparison', () => {
  let events: StudyEvent[];
  let result: Comparison;

  beforeAll(async () => {
    events = [];
    result = await runStudy(study, { cacheDir, onEvent: (event) => events.push(event) });
  });

  test('has a row for each variant, related to the baseline', () => {
    expect(result.rows.map(({ title, folder: name }) => [title, name])).toEqual([
      ['Baseline', 'baseline'],
      ['Method 3.2', 'method-3.2'],
    ]);
    const [baseline, learned] = result.rows;
    expect(baseline).toMatchObject({ lossToBaseline: 0, trainRuntimeRatio: 1, evalRuntimeRatio: 1, error: null });
    expect(learned!.lossToBaseline).toBe(learned!.evalLoss! - baseline!.evalLoss!);
    expect(learned!.perplexity).toBeCloseTo(Math.exp(learned!.evalLoss!), 10);
    // One learned weight for each of the two terms of layer 1.
    expect(learned!.parameters - baseline!.parameters).toBe(2);
  });

  test('writes the table three times, and a whole run for each variant', () => {
    expect(fs.readdirSync(result.folder).sort()).toEqual([
      'baseline',
      'comparison.csv',
      'comparison.json',
      'comparison.md',
      'figures',
      'method-3.2',
      'report.html',
      'study.yaml',
    ]);
    expect(JSON.parse(fs.readFileSync(path.join(result.folder, 'comparison.json'), 'utf8'))).toEqual(result);
    const csv = fs.readFileSync(path.join(result.folder, 'comparison.csv'), 'utf8').trim().split('\n');
    expect(csv).toHaveLength(3);
    expect(csv[1]!.split(',')[5]).toBe(String(result.rows[0]!.evalLoss));
    expect(fs.readFileSync(path.join(result.folder, 'comparison.md'), 'utf8')).toMatch(
      /^# small\n\n\| Variant +\| +Loss .*\n\| -+ \| -+: .*\n\| Baseline /,
    );
    expect(fs.readdirSync(path.join(result.folder, 'baseline')).sort()).toEqual([
      'all_results.json',
      'best',
      'checkpoints',
      'eval_results.json',
      expect.stringMatching(/^events\.out\.tfevents\./),
      'figures',
      'latest',
      'metrics.jsonl',
      'report.html',
      'run.json',
      'study.yaml',
      'train_results.json',
      'trainer_state.json',
    ]);
  });

  test('reports training and evaluation of each variant', () => {
    const reports = events.flatMap((event) => (event.type === 'report' ? [event] : []));
    expect(reports.map(({ title, split }) => `${title} ${split}`)).toEqual([
      'Baseline train',
      'Baseline eval',
      'Method 3.2 train',
      'Method 3.2 eval',
    ]);
    expect(Object.keys(reports[1]!.metrics).sort()).toEqual([
      'epoch',
      'eval_accuracy',
      'eval_loss',
      'eval_perplexity',
      'eval_runtime',
      'eval_samples',
      'eval_samples_per_second',
      'eval_steps_per_second',
    ]);
    const saved = JSON.parse(fs.readFileSync(path.join(result.folder, 'baseline/eval_results.json'), 'utf8')) as object;
    expect(saved).toEqual(reports[1]!.metrics);
  });

  test('the best model is the one that is reported, and carries its tokenizer', async () => {
    const best = path.join(result.folder, 'method-3.2/best');
    expect(fs.readdirSync(best)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    using model = await ResidualLlama.load(best);
    expect(model.config.residual).toMatchObject({ site: 'mlp', weights: 'learned' });
    const { title, metrics } = await evaluateRun(path.join(result.folder, 'method-3.2'), { cacheDir });
    expect(title).toBe('Method 3.2');
    expect(metrics.eval_loss).toBe(result.rows[1]!.evalLoss);
  });

  test('a run repeats from its saved configuration, to the bit', async () => {
    const again = (await trainStudy(path.join(result.folder, 'method-3.2/study.yaml'), {
      cacheDir,
      out: path.join(folder, 'again'),
    })) as RunResult;
    expect(again.title).toBe('Method 3.2');
    expect(again.eval.eval_loss).toBe(result.rows[1]!.evalLoss);
    expect(again.train.train_loss).toBe(
      (
        JSON.parse(fs.readFileSync(path.join(result.folder, 'method-3.2/train_results.json'), 'utf8')) as {
          train_loss: number;
        }
      ).train_loss,
    );
  });

  test('its folder is not one run to evaluate', async () => {
    await expect(evaluateRun(result.folder)).rejects.toThrow(
      refusedWith('ERR_ARGUMENT', /It is a comparison; give one of its runs: .*baseline/),
    );
  });
});

test('a variant that diverges is noted, and the others are compared', async () => {
  const events: StudyEvent[] = [];
  const wild = {
    ...study,
    train: { ...study.train, learningRate: 1e38, maxGradNorm: null, schedule: 'constant' as const },
  };
  const { rows, ...comparison } = await runStudy(wild, { cacheDir, onEvent: (event) => events.push(event) });
  expect(rows.map(({ evalLoss, error }) => [evalLoss, error])).toEqual(
    Array(2).fill([null, expect.stringMatching(/stopped at step/)]),
  );
  expect(events.filter(({ type }) => type === 'failure')).toHaveLength(2);
  expect(comparisonText({ ...comparison, rows })).toMatch(/Method 3\.2 failed: Training stopped at step/);
});

test('a comparison that is stopped keeps the variants it has finished, and is resumed with the others', async () => {
  const controller = new AbortController();
  const out = path.join(folder, 'stopped');
  const resume = (changed: StudyInput, where = out, onEvent?: (event: StudyEvent) => void) =>
    runStudy(changed, { cacheDir, out: where, resume: true, onEvent });
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
  expect(rows.map(({ title }) => title)).toEqual(['Baseline']);

  const other = { ...study, seed: 6 };
  await expect(resume(other)).rejects.toThrow(
    refusedWith('ERR_ARGUMENT', /begun with another study:\n {2}seed: 5 before, 6 now\nResume it with .*study\.yaml/),
  );
  await expect(resume(study, path.join(folder, 'nowhere'))).rejects.toThrow(
    refusedWith('ERR_ARGUMENT', /nothing to resume in .*nowhere/),
  );
  const before = fs.readFileSync(path.join(out, 'baseline/run.json'), 'utf8');
  const events: StudyEvent[] = [];
  // As its own file has it, too.
  const saved = readStudy(path.join(out, 'study.yaml')) as StudyConfig;
  const resumed = await resume(saved, out, (event) => events.push(event));
  expect(events.flatMap((event) => (event.type === 'resumed' ? [event.title] : []))).toEqual(['Baseline']);
  expect(events.flatMap((event) => (event.type === 'variant' ? [event.title] : []))).toEqual(['Method 3.2']);
  expect(fs.readFileSync(path.join(out, 'baseline/run.json'), 'utf8')).toBe(before);
  // The same numbers as those of a comparison that was never stopped.
  const losses = (comparison: Comparison) => comparison.rows.map(({ title, evalLoss }) => [title, evalLoss]);
  expect(losses(resumed)).toEqual(losses(await runStudy(study, { cacheDir, out: path.join(folder, 'whole') })));

  const record = JSON.parse(before) as { data: string };
  fs.writeFileSync(path.join(out, 'baseline/run.json'), JSON.stringify({ ...record, data: 'another text.' }));
  await expect(resume(study)).rejects.toThrow(refusedWith('ERR_ARGUMENT', /The data have changed.*another text\./));
});

describe('bad input is refused before a folder is made', () => {
  const model = (change: object) => ({ ...study, model: { ...study.model, ...change } });
  const data = (change: object) => ({ ...study, data: { ...study.data, ...change } });
  test.each<[string, () => StudyInput, string, RegExp]>([
    [
      'heads that do not divide',
      () => model({ numAttentionHeads: 3 }),
      'ERR_CONFIG',
      /3 heads do not divide hiddenSize 16/,
    ],
    [
      'a vocabulary too small',
      () => model({ vocabSize: 100 }),
      'ERR_CONFIG',
      /model\.vocabSize 100 is too small: the tokenizer gives ids up to 255/,
    ],
    ['a block longer than the text', () => data({ blockSize: 100_000 }), 'ERR_DATA', /no block of 100000 tokens/],
    [
      'a corpus that is not there',
      () => data({ corpus: path.join(folder, 'nowhere.txt') }),
      'ERR_DATA',
      /nowhere\.txt/,
    ],
    [
      'a tokenizer that is not one',
      () => data({ tokenizer: path.join(folder, 'corpus.txt') }),
      'ERR_DATA',
      /corpus\.txt/,
    ],
    [
      'an unknown key',
      () => ({ ...study, varaints: [] }) as StudyInput,
      'ERR_CONFIG',
      /varaints unknown key; did you mean variants/,
    ],
    [
      'sizes beyond all memory',
      () => model({ hiddenSize: 2 ** 30 }),
      'ERR_OUT_OF_MEMORY',
      /Baseline needs .* a smaller model/,
    ],
    ['a device that is not there', () => ({ ...study, device: 'cuda:63' }), 'ERR_DEVICE', /cuda:63/],
    ['a wrong device', () => ({ ...study, device: 'tpu' }), 'ERR_CONFIG', /device must be "cpu"/],
  ])('%s', async (_name, make, code, message) => {
    const before = runsMade();
    await expect(runStudy(make(), { cacheDir })).rejects.toThrow(refusedWith(code, message));
    await expect(trainStudy(make(), { cacheDir })).rejects.toThrow(refusedWith(code, message));
    expect(runsMade()).toEqual(before);
  });
});

test('a folder that holds anything is never written into', async () => {
  const out = path.join(folder, 'taken');
  fs.mkdirSync(out);
  fs.writeFileSync(path.join(out, 'thesis.txt'), 'months of work');
  await expect(trainStudy(study, { cacheDir, out })).rejects.toThrow(refusedWith('ERR_ARGUMENT', /taken is not empty/));
  expect(fs.readdirSync(out)).toEqual(['thesis.txt']);
});

test('a folder that is not a run says so', async () => {
  await expect(evaluateRun(path.join(folder, 'nowhere'))).rejects.toThrow(
    refusedWith('ERR_ARGUMENT', /is not the folder of a run/),
  );
});
