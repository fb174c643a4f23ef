/** Sweeps that train, two processes at a time: their tables, and what becomes of them when something ends early. */
import fs from 'node:fs';
import path from 'node:path';

import { ArgumentError } from '../../../lib/errors';
import {
  readStudy,
  reportRuns,
  runSweep,
  trainStudy,
  type SweepEvent,
  type SweepOptions,
  type SweepResult,
} from '../../../lib/study';
import { temporaryFolder } from '../../train/tokens';
import { smallTranslationStudy, writePairs } from '../pairs';
import { smallStudy, writeCorpus } from '../small';

jest.setTimeout(120_000);
let folder: string;
let cacheDir: string;
let study: ReturnType<typeof smallStudy>;

beforeAll(() => {
  folder = temporaryFolder();
  cacheDir = path.join(folder, 'cache');
  study = smallStudy(writeCorpus(folder), path.join(folder, 'runs'));
  // Trials run from the sources, as this test does.
  process.env['NODE_OPTIONS'] = `-r ${path.resolve(__dirname, '../../../scripts/register.cjs')}`;
});
afterAll(() => {
  delete process.env['NODE_OPTIONS'];
  fs.rmSync(folder, { recursive: true });
});

const read = (...parts: string[]) => fs.readFileSync(path.join(folder, ...parts), 'utf8');
const sweep = (out: string, options: SweepOptions = {}) =>
  runSweep(study, { cacheDir, processes: 2, out: path.join(folder, out), ...options });

/** The score of each training, and how far it came. */
const outcomes = ({ runs }: SweepResult) =>
  Object.fromEntries(runs.map(({ folder: name, score, numbers }) => [name, [score, numbers['bestStep']]]));

describe('a grid with two seeds, in two processes', () => {
  const events: SweepEvent[] = [];
  let result: SweepResult;
  beforeAll(async () => {
    result = await sweep('grid', {
      grid: { 'train.learningRate': [1e-4, 1e-2] },
      overrides: ['seeds=2', 'train.schedule=constant'],
      list: [{ 'model.hiddenSize': 16 }, { 'model.hiddenSize': 24, 'model.numHiddenLayers': 3 }],
      onEvent: (event) => events.push(event),
    });
  });

  test('has a row for each combination, the best first, with mean and spread', () => {
    expect(result).toMatchObject({
      study: 'small',
      task: 'residual',
      score: { key: 'evalLoss', better: 'lower' },
      keys: ['model.hiddenSize', 'model.numHiddenLayers', 'train.learningRate'],
    });
    expect(result.rows).toHaveLength(4);
    expect(result.runs).toHaveLength(8);
    const scores = result.rows.map(({ score }) => score!);
    expect(scores).toEqual([...scores].sort((a, b) => a - b));
    expect(result.best).toEqual(result.rows[0]);
    for (const row of result.rows) {
      const own = result.runs.filter(({ trial }) => trial === row.trial);
      expect(own.map(({ seed }) => seed)).toEqual([5, 6]);
      const losses = own.map(({ score }) => score!);
      expect(row.score).toBeCloseTo((losses[0]! + losses[1]!) / 2, 12);
      expect(row.spread).toMatchObject({ count: 2, least: Math.min(...losses), most: Math.max(...losses) });
    }
    expect(result.findings.join(' ')).toMatch(/from the best, .* for all 6 pairs/);
  });

  test('each training is the one that `train` makes of the same settings, to the bit', async () => {
    const { folder: name, score, settings } = result.runs.find(({ trial }) => trial === 3)!;
    expect(settings).toEqual({
      'model.hiddenSize': 24,
      'model.numHiddenLayers': 3,
      'train.learningRate': 1e-4,
    });
    const alone = await trainStudy(path.join(folder, 'grid', name, 'study.yaml'), {
      cacheDir,
      out: path.join(folder, 'alone'),
    });
    expect('eval' in alone && alone.eval['eval_loss']).toBe(score);
  });

  test('the files say the same', () => {
    expect(JSON.parse(read('grid/sweep.json'))).toEqual(JSON.parse(JSON.stringify({ ...result, text: undefined })));
    const csv = read('grid/sweep.csv').trim().split('\n');
    expect(csv[0]).toMatch(
      /^trial,folder,seed,model\.hiddenSize,model\.numHiddenLayers,train\.learningRate,parameters,.*evalLoss.*,error$/,
    );
    expect(csv[0]).not.toMatch(/lossToBaseline/);
    expect(csv).toHaveLength(9);
    expect(csv[1]).toContain(String(result.runs[0]!.score));
    expect(read('grid/sweep.md')).toMatch(
      /^\| Trial \| hiddenSize \| numHiddenLayers \| learningRate \| +Loss \| +SD \|/m,
    );
    expect(result.text).toMatch(/^Trial +hiddenSize +numHiddenLayers +learningRate +Loss +SD +Range +Runs +Perplexity/);
    expect(result.text.split('\n')[2]).toMatch(new RegExp(`^${result.best!.trial} \\*  `));
    expect(result.text).toMatch(/^The star marks the lowest evaluation loss/m);
    // A trial that leaves a key out has none to show.
    expect(result.text).toMatch(/^\d +16 +- +0\.01 /m);
  });

  test('the page draws the score against each number that is swept, rates by their logarithm', () => {
    const page = read('grid/report.html');
    expect(page).toContain('4 trials, 2 seeds (5, 6)');
    expect(page).toContain('Score against each setting');
    const figures = fs.readdirSync(path.join(folder, 'grid/figures'));
    expect(figures).toEqual(
      expect.arrayContaining(['score-model.hiddenSize.svg', 'score-train.learningRate.svg', 'evaluation-loss.svg']),
    );
    const figure = read('grid/figures/score-train.learningRate.svg');
    expect(figure.match(/<g class="curve">/g)).toHaveLength(2);
    for (const tick of ['0.0001', '0.001', '0.01']) expect(figure).toContain(`>${tick}</text>`);
  });

  test('`report` makes the same page anew', async () => {
    const out = path.join(folder, 'anew.html');
    expect(await reportRuns([path.join(folder, 'grid')], out)).toBe(out);
    expect(read('anew.html')).toBe(read('grid/report.html'));
  });

  test('its events tell which training they are about', () => {
    expect(events.find(({ type }) => type === 'sweep')).toMatchObject({ runs: 8, processes: 2 });
    const ends = events.filter((event) => event.type === 'trialEnd');
    expect(ends.map(({ ended }) => ended)).toEqual(Array.from({ length: 8 }, (_, index) => index + 1));
    expect(new Set(ends.map(({ trial }) => trial.folder)).size).toBe(8);
    const steps = events.filter((event) => event.type === 'trial' && event.event.type === 'step');
    expect(steps.length).toBeGreaterThanOrEqual(8);
    // Two at a time: the second begins before the first has ended.
    const firstEnd = events.findIndex(({ type }) => type === 'trialEnd');
    const begun = events.slice(0, firstEnd).flatMap((event) => (event.type === 'trial' ? [event.trial.folder] : []));
    expect(new Set(begun).size).toBe(2);
  });

  test('the folder is not written into again', async () => {
    await expect(sweep('grid', { grid: { 'train.beta1': [0.8, 0.9] } })).rejects.toThrow(/is not empty/);
  });
});

test('one that diverges is noted, and the others go on', async () => {
  const result = await sweep('wild', {
    grid: { 'train.learningRate': [1e38, 1e-2] },
    overrides: ['train.schedule=constant', 'train.maxGradNorm=null', 'train.maxSteps=6'],
  });
  expect(result.best).toMatchObject({ trial: 2, error: null });
  expect(result.rows[1]).toMatchObject({ trial: 1, score: null, error: expect.stringMatching(/not finite/) });
  expect(result.text).toMatch(/^learningRate 1e\+38 failed: /m);
});

test('models of a study by their names, each with its own keys', async () => {
  const translation = smallTranslationStudy(writePairs(folder), path.join(folder, 'runs'));
  const result = await runSweep(translation, {
    cacheDir,
    processes: 2,
    out: path.join(folder, 'models'),
    overrides: ['train.maxSteps=3'],
    list: [{ model: 'Transformer' }, { model: 'DeLighT', 'models.DeLighT.embeddingSize': 32 }],
  });
  expect(result).toMatchObject({ task: 'translation', score: { key: 'bleu', better: 'higher' } });
  const [first, second] = result.rows.map(({ score }) => score!);
  expect(first).toBeGreaterThanOrEqual(second!);
  const [light] = result.runs.filter(({ settings }) => settings['model'] === 'DeLighT');
  expect(readStudy(path.join(folder, 'models', light!.folder, 'study.yaml'))).toMatchObject({
    models: { DeLighT: { embeddingSize: 32 } },
    train: { learningRate: 5e-3, maxSteps: 3 },
  });
  expect(result.text).toMatch(/^Trial +model +embeddingSize +Parameters/);
});

/** Long enough to be stopped in the middle, with a checkpoint every few steps. */
const longer = (grid: SweepOptions['grid'] = { 'train.learningRate': [1e-3, 3e-3, 1e-2] }): SweepOptions => ({
  grid: grid,
  overrides: ['train.maxSteps=300', 'train.evalEvery=50'],
});

/** Ids of the processes in which trials run, by what they were started with. */
function trialProcesses(): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = /\) \S (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
        return (
          Number(parent) === process.pid && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('trial-process')
        );
      } catch {
        return false; // it has just ended
      }
    })
    .map(Number);
}

describe('stopping and going on', () => {
  let whole: SweepResult;
  beforeAll(async () => {
    whole = await sweep('whole', longer());
  });

  test('a signal stops all in good order; resumed, everything comes out as without it', async () => {
    const controller = new AbortController();
    const stopped = sweep('stopped', {
      ...longer(),
      signal: controller.signal,
      onEvent(event) {
        if (event.type === 'trial' && event.event.type === 'checkpoint') controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      message: expect.stringMatching(
        /of 3 trainings have ended\. .*torchwright sweep .*sweep\.yaml --out .* --resume$/,
      ),
    });
    expect(trialProcesses()).toEqual([]);

    const begun: Record<string, number[]> = {};
    const resumed = await runSweep(path.join(folder, 'stopped/sweep.yaml'), {
      cacheDir,
      processes: 2,
      out: path.join(folder, 'stopped'),
      resume: true,
      onEvent(event) {
        if (event.type !== 'trial' || event.event.type !== 'step') return;
        (begun[event.trial.number] ??= []).push(event.event.step);
      },
    });
    expect(outcomes(resumed)).toEqual(outcomes(whole));
    expect(Math.max(...Object.values(begun).map(([first]) => first!))).toBeGreaterThanOrEqual(50);
  });

  test('a process that is killed is noted, the others go on, and resuming tries it again', async () => {
    let killed = 0;
    const result = await sweep('killed', {
      ...longer(),
      onEvent(event) {
        if (killed > 0 || event.type !== 'trial' || event.event.type !== 'checkpoint') return;
        killed = trialProcesses()[0]!;
        process.kill(killed, 'SIGKILL');
      },
    });
    const failed = result.rows.filter(({ error }) => error !== null);
    expect(failed).toMatchObject([{ score: null, error: expect.stringMatching(/ended by SIGKILL.*memory/) }]);
    expect(result.rows.filter(({ score }) => score !== null)).toHaveLength(2);

    const how: string[] = [];
    const resumed = await sweep('killed', {
      ...longer(),
      resume: true,
      onEvent: (event) => event.type === 'trialEnd' && how.push(event.how),
    });
    expect(how).toEqual(['resumed', 'resumed', 'finished']);
    expect(outcomes(resumed)).toEqual(outcomes(whole));
  });

  test('a finished one is taken as it is, and trains nothing', async () => {
    const how: string[] = [];
    const again = await sweep('whole', {
      ...longer(),
      resume: true,
      onEvent: (event) => how.push(event.type === 'trialEnd' ? event.how : event.type),
    });
    expect(again.rows).toEqual(whole.rows);
    expect(how).not.toContain('trial');
    expect(how.filter((each) => each === 'resumed')).toHaveLength(3);
  });

  test('another sweep is refused, with what differs', async () => {
    const other = { ...longer({ 'train.learningRate': [5e-3, 1e-2] }), overrides: ['train.maxSteps=20'] };
    const refused = sweep('whole', { ...other, resume: true });
    await expect(refused).rejects.toThrow(ArgumentError);
    await expect(refused).rejects.toThrow(
      /train\.maxSteps: 300 before, 20 now\n.*train\.evalEvery: 50 before, 5 now\n.*learningRate/s,
    );
  });

  test('what a listener throws stops all, and is thrown', async () => {
    const thrown = sweep('thrown', {
      ...longer(),
      onEvent(event) {
        if (event.type === 'trial' && event.event.type === 'step') throw new Error('the listener is tired');
      },
    });
    await expect(thrown).rejects.toThrow('the listener is tired');
    expect(trialProcesses()).toEqual([]);
  });
});

test.each<[string, SweepOptions, string, RegExp]>([
  ['no processes', { processes: 0 }, 'ERR_ARGUMENT', /processes must be a whole number from 1 on, not 0/],
  ['half a process', { processes: 1.5 }, 'ERR_ARGUMENT', /not 1\.5/],
  ['resuming without a folder', { resume: true, out: undefined }, 'ERR_ARGUMENT', /give its folder as `out`/],
  ['resuming what was not begun', { resume: true }, 'ERR_ARGUMENT', /holds no sweep to resume/],
  [
    'a model that does not fit its data, found before any training',
    { grid: { 'model.vocabSize': [256, 200, 100] } },
    'ERR_CONFIG',
    /^model\.vocabSize 200 is too small.* \(with vocabSize 200\)\nmodel\.vocabSize 100 .*\(with vocabSize 100\)$/,
  ],
  ['a text that is not there', { overrides: ['data.corpus=nowhere.txt'] }, 'ERR_DATA', /nowhere\.txt/],
])('%s is refused', async (_, options, code, message) => {
  const out = path.join(folder, 'refused');
  const grid = { 'train.learningRate': [1e-3, 1e-2] };
  await expect(runSweep(study, { cacheDir, out, grid, ...options })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
  expect(fs.existsSync(out)).toBe(false);
});
