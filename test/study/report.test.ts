/** Reports of real runs: what is saved, what the page shows, and building it anew. */
import fs from 'node:fs';
import path from 'node:path';

import { readHistory, recordsOf } from '../../lib/metrics';
import {
  comparisonText,
  evaluateRun,
  reportRuns,
  runStudy,
  trainStudy,
  type Comparison,
  type StudyEvent,
  type StudyInput,
} from '../../lib/study';
import { Chromium, inkOf, testInBrowser, widthOf } from '../report/browser';
import { temporaryFolder } from '../train/tokens';
import { smallStudy, writeCorpus } from './small';

jest.setTimeout(90_000);
const inBrowser = testInBrowser();
const browser = new Chromium();
let folder: string;
let cacheDir: string;
let study: StudyInput;
let comparison: Comparison;

const inRun = (...parts: string[]) => path.join(comparison.folder, ...parts);
const readJson = (file: string) => JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;

beforeAll(async () => {
  folder = temporaryFolder();
  cacheDir = path.join(folder, 'cache');
  study = {
    ...smallStudy(writeCorpus(folder), path.join(folder, 'runs')),
    variants: ['baseline', '3.2', '4.2 stored'],
    seeds: 2,
  };
  comparison = await runStudy(study, { cacheDir, out: path.join(folder, 'two-seeds') });
});
afterAll(async () => {
  await browser.close();
  fs.rmSync(folder, { recursive: true });
});

describe('a comparison over two seeds', () => {
  test('has a run for each variant and seed, all variants with a seed before the next', () => {
    expect(comparison.runs.map(({ title, seed, folder: name }) => `${title} ${seed} ${name}`)).toEqual([
      'Baseline 5 baseline-seed-5',
      'Method 3.2 5 method-3.2-seed-5',
      'Method 4.2 (stored) 5 method-4.2-stored-seed-5',
      'Baseline 6 baseline-seed-6',
      'Method 3.2 6 method-3.2-seed-6',
      'Method 4.2 (stored) 6 method-4.2-stored-seed-6',
    ]);
    expect(new Set(comparison.runs.map(({ evalLoss }) => evalLoss)).size).toBe(6);
  });

  test('its rows are means, with their spread and relation to the baseline', () => {
    for (const row of comparison.rows) {
      const losses = comparison.runs.filter(({ title }) => title === row.title).map(({ evalLoss }) => evalLoss!);
      expect(row.evalLoss).toBeCloseTo((losses[0]! + losses[1]!) / 2, 12);
      expect(row.spread!.evalLoss).toMatchObject({ count: 2, least: Math.min(...losses), most: Math.max(...losses) });
      expect(row.lossToBaseline).toBeCloseTo(row.evalLoss! - comparison.rows[0]!.evalLoss!, 12);
    }
    // Single runs are related to the baseline with their own seed.
    expect(comparison.runs[4]!.lossToBaseline).toBe(comparison.runs[4]!.evalLoss! - comparison.runs[3]!.evalLoss!);
  });

  test('its table shows the spread, and says what can be claimed', () => {
    const text = comparisonText(comparison);
    expect(text).toMatch(/^Variant +Loss +SD +Range +Runs +vs baseline/);
    expect(text).toMatch(
      /Differences of mean evaluation loss from Baseline, with Welch's 95 % t intervals, together for all 2:/,
    );
    expect(fs.readFileSync(inRun('comparison.csv'), 'utf8').trim().split('\n')).toHaveLength(7);
    expect(readJson(inRun('comparison.json'))).toEqual(JSON.parse(JSON.stringify(comparison)));
  });

  test('each run repeats by itself, to the bit', async () => {
    const run = comparison.runs[4]!;
    const again = await trainStudy(inRun(run.folder, 'study.yaml'), { cacheDir, out: path.join(folder, 'again') });
    expect('eval' in again && again.eval.eval_loss).toBe(run.evalLoss);
  });

  test('a run keeps its course: every step, every evaluation, learned weights', async () => {
    const records = await readHistory(inRun('method-3.2-seed-5'));
    const steps = recordsOf(records, 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(steps[0]).toMatchObject({
      loss: expect.any(Number),
      gradNorm: expect.any(Number),
      learningRate: expect.any(Number),
    });
    const evaluations = recordsOf(records, 'evaluation');
    expect(evaluations.map(({ step }) => step)).toEqual([5, 10, 12]);
    for (const { layerWeights } of evaluations) {
      const [mix, ...others] = layerWeights as { layer: number; first: number; weights: [number, number] }[];
      expect(others).toEqual([]);
      expect(mix).toMatchObject({ layer: 1, first: 0 });
      expect(mix!.weights[0] + mix!.weights[1]).toBeCloseTo(1, 6);
    }
  });

  test('a run keeps what it came from', () => {
    expect(readJson(inRun('baseline-seed-5/run.json'))).toMatchObject({
      task: 'residual',
      study: 'small',
      title: 'Baseline',
      seed: 5,
      device: 'cpu',
      error: null,
      outcome: { scores: { eval_loss: comparison.runs[0]!.evalLoss } },
      versions: { torchwright: expect.any(String), libtorch: expect.any(String), node: process.versions.node },
    });
  });

  test('figures are saved', () => {
    expect(fs.readdirSync(inRun('figures')).sort()).toEqual([
      'evaluation-accuracy.svg',
      'evaluation-loss.svg',
      'gradient-norm.svg',
      'layer-weights-method-3.2.svg',
      'layer-weights-method-4.2-stored.svg',
      'learning-rate.svg',
      'quality-cost.svg',
      'quality-seconds.svg',
      'tokens-per-second.svg',
      'training-loss.svg',
    ]);
  });

  inBrowser("the page's numbers are the comparison's", async () => {
    const { page, problems } = await browser.open(inRun('report.html'), { width: 390, colorScheme: 'light' });
    const table = page.locator('.results');
    const rows = (readJson(inRun('comparison.json')) as unknown as Comparison).rows;
    expect(await table.locator('tbody th').allTextContents()).toEqual(rows.map(({ title }) => title));
    const cells = (key: string) => table.locator(`td[data-key="${key}"]`).allTextContents();
    expect(await cells('evalLoss')).toEqual(rows.map(({ evalLoss }) => evalLoss!.toFixed(4)));
    expect(await cells('perplexity')).toEqual(rows.map(({ perplexity }) => perplexity!.toFixed(4)));
    expect(await cells('parameters')).toEqual(rows.map(({ parameters }) => parameters.toLocaleString('en-US')));
    expect(await page.locator('.heat-maps figure').count()).toBe(2);
    for (const ink of await inkOf(page)) expect(ink).toBeGreaterThan(1000);
    expect(await widthOf(page)).toBe(390);
    expect(problems).toEqual([]);
    await page.close();
  });
});

describe('building a report anew', () => {
  test('gives the page that the comparison has', async () => {
    const out = path.join(folder, 'anew', 'page.html');
    expect(await reportRuns([comparison.folder], out)).toBe(out);
    expect(fs.readFileSync(out, 'utf8')).toBe(fs.readFileSync(inRun('report.html'), 'utf8'));
  });

  test('takes runs of several comparisons: seeds together, others apart', async () => {
    const longer = { ...study, variants: ['3.2'], seeds: 1, train: { ...study.train, maxSteps: 6 } };
    const other = await runStudy(longer, { cacheDir, out: path.join(folder, 'longer') });
    const titlesOf = async (runs: string[]) => {
      const out = path.join(folder, 'both', 'report.html');
      await reportRuns(runs, out);
      const [results] = fs.readFileSync(out, 'utf8').split('<h2>Learning</h2>');
      const rows = results!.matchAll(/<th scope="row">.*?<\/span>(.*?)<\/th>/g);
      return [...rows].map(([, title]) => title);
    };
    expect(
      await titlesOf([inRun('baseline-seed-5'), inRun('baseline-seed-6'), inRun('method-3.2-seed-5'), other.folder]),
    ).toEqual(['Baseline', 'Method 3.2 (two-seeds/method-3.2-seed-5)', 'Method 3.2 (longer/method-3.2)']);

    // Seeds stay together also beside another thing of their name.
    expect(await titlesOf([comparison.folder, other.folder])).toEqual([
      'Baseline',
      'Method 3.2 (two-seeds)',
      'Method 4.2 (stored)',
      'Method 3.2 (longer/method-3.2)',
    ]);
    // Folders of the same names do not make two things one.
    const namesake = path.join(folder, 'elsewhere', 'two-seeds');
    fs.cpSync(comparison.folder, namesake, { recursive: true });
    const both = await titlesOf([comparison.folder, namesake]);
    expect(both).toHaveLength(2 * comparison.rows.length);
    for (const copy of [comparison.folder, namesake])
      expect(both).toContain(`Baseline (${path.join(copy, 'baseline-seed-5')})`);
  });

  test('the same run given twice is one', async () => {
    const out = path.join(folder, 'once.html');
    await reportRuns([inRun('baseline-seed-5'), inRun('baseline-seed-5')], out);
    expect(
      fs
        .readFileSync(out, 'utf8')
        .split('<h2>Learning</h2>')[0]!
        .match(/<th scope="row">/g),
    ).toHaveLength(1);
  });

  test.each<[string, () => string[], string, RegExp]>([
    ['nothing', () => [], 'ERR_ARGUMENT', /Give the folders/],
    ['a folder that is not there', () => [path.join(folder, 'nowhere')], 'ERR_ARGUMENT', /nowhere is not the folder/],
    ['a folder without runs', () => [inRun('figures')], 'ERR_ARGUMENT', /holds no run/],
    ['a damaged record', () => [damaged('run.json', '{"task": "residual"')], 'ERR_DATA', /run\.json cannot be read/],
    [
      'a record of something else',
      () => [damaged('run.json', '{"task": "chess"}')],
      'ERR_DATA',
      /is not the record of a run/,
    ],
    [
      'a damaged history',
      () => [damaged('metrics.jsonl', '{"step": 1}\n')],
      'ERR_DATA',
      /metrics\.jsonl:1 is not a record/,
    ],
  ])('%s is refused', async (_name, make, code, message) => {
    await expect(reportRuns(make(), path.join(folder, 'refused.html'))).rejects.toThrow(refusedWith(code, message));
    expect(fs.existsSync(path.join(folder, 'refused.html'))).toBe(false);
  });

  function damaged(file: string, text: string): string {
    const copy = fs.mkdtempSync(path.join(folder, 'damaged-'));
    for (const name of ['run.json', 'metrics.jsonl'])
      fs.copyFileSync(inRun('baseline-seed-5', name), path.join(copy, name));
    fs.writeFileSync(path.join(copy, file), text);
    return copy;
  }

  test('a history that was cut off in a line is read up to it', async () => {
    const text = fs.readFileSync(inRun('baseline-seed-5/metrics.jsonl'), 'utf8');
    await expect(
      reportRuns([damaged('metrics.jsonl', text.slice(0, -7))], path.join(folder, 'cut.html')),
    ).resolves.toMatch(/cut\.html$/);
  });
});

test('a run that has not ended is reported as far as it came', async () => {
  const out = path.join(folder, 'unfinished');
  const stop = new AbortController();
  const onEvent = ({ type }: StudyEvent) => type === 'evaluation' && stop.abort();
  await expect(trainStudy(study, { cacheDir, out, signal: stop.signal, onEvent })).rejects.toMatchObject({
    code: 'ERR_ABORTED',
  });
  const page = path.join(folder, 'unfinished.html');
  await reportRuns([out, inRun('baseline-seed-5')], page);
  const html = fs.readFileSync(page, 'utf8').replaceAll(/<script.*?<\/script>/gs, '');
  expect(html).toContain('was stopped after step 5');
  expect(html).toContain('Speed and memory');
  expect(html).toContain('Evaluation accuracy');
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});

test('a run that diverges has its record and its page', async () => {
  const out = path.join(folder, 'wild');
  const train = { ...study.train, learningRate: 1e38, maxGradNorm: null, schedule: 'constant' as const };
  await expect(trainStudy({ ...study, train }, { cacheDir, out })).rejects.toThrow(
    refusedWith('ERR_NON_FINITE', /not finite/),
  );
  expect(readJson(path.join(out, 'run.json'))).toMatchObject({
    outcome: null,
    error: expect.stringMatching(/stopped at step/),
  });
  expect(fs.readFileSync(path.join(out, 'report.html'), 'utf8')).toMatch(/Baseline failed: Training stopped at step/);
});

test('a run that does not go back to its best model is evaluated as it ended', async () => {
  const out = path.join(folder, 'as-it-ended');
  // So high a rate at the end that the best evaluation is not the last one.
  const train = {
    ...study.train,
    maxSteps: 20,
    learningRate: 0.3,
    schedule: 'constant' as const,
    loadBestModelAtEnd: false,
  };
  const result = await trainStudy({ ...study, train }, { cacheDir, out });
  const { model, metrics } = await evaluateRun(out, { cacheDir });
  expect(model).toBe(path.join(out, 'latest'));
  expect('eval' in result && result.eval.eval_loss).toBe(metrics.eval_loss);
});

test.each([
  [0, /seeds/],
  [[1, 1], /seeds the same seed twice/],
  [[], /seeds/],
])('seeds %j are refused', async (seeds, message) => {
  await expect(runStudy({ ...study, seeds }, { cacheDir })).rejects.toThrow(refusedWith('ERR_CONFIG', message));
});
