/** Runs and comparisons that were stopped go on where they were. */
import fs from 'node:fs';
import path from 'node:path';

import { evaluateRun, runStudy, trainStudy, type StudyEvent, type StudyInput } from '../../lib/study';
import { temporaryFolder } from '../train/tokens';
import { smallStudy, writeCorpus } from './small';

jest.setTimeout(60_000);

let folder: string;
let cacheDir: string;
let study: StudyInput;
beforeAll(() => {
  folder = temporaryFolder();
  cacheDir = path.join(folder, 'cache');
  study = smallStudy(writeCorpus(folder), path.join(folder, 'runs'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) as string }) as Error;

type Watched = { signal: AbortSignal; onEvent: (event: StudyEvent) => void };

/** Stops it after so many steps of its training of this number; for no step, as that begins. */
async function stopAfter(step: number, work: (options: Watched) => Promise<unknown>, number = 1): Promise<void> {
  const controller = new AbortController();
  let at = 0;
  const onEvent = (event: StudyEvent) => {
    if (event.type === 'variant') at = event.number;
    if (at !== number) return;
    if (step === 0 || (event.type === 'step' && event.step === step)) controller.abort();
  };
  await expect(work({ signal: controller.signal, onEvent })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
}

const startsOf = (events: StudyEvent[]) => events.flatMap((event) => (event.type === 'start' ? [event.step] : []));
const titlesResumed = (events: StudyEvent[]) =>
  events.flatMap((event) => (event.type === 'resumed' ? [event.title] : []));

test('a run that was stopped ends as if it had not been; one that has ended is taken as it is', async () => {
  const out = path.join(folder, 'stopped');
  const whole = await trainStudy(study, { cacheDir, out: path.join(folder, 'whole') });
  await stopAfter(3, (options) => trainStudy(study, { cacheDir, out, ...options }));
  const events: StudyEvent[] = [];
  const options = { cacheDir, out, resume: true, onEvent: (event: StudyEvent) => void events.push(event) };
  const resumed = await trainStudy(study, options);
  expect(startsOf(events)).toEqual([3]);
  expect(resumed.eval.eval_loss).toBe(whole.eval.eval_loss);
  expect(resumed.train.train_loss).toBe(whole.train.train_loss);
  events.length = 0;
  const again = await trainStudy(study, options);
  expect(startsOf(events)).toEqual([]);
  expect(titlesResumed(events)).toEqual([again.title]);
  expect(again.eval).toEqual(resumed.eval);
});

test('a run that was stopped before its first checkpoint begins anew', async () => {
  const out = path.join(folder, 'early');
  await stopAfter(0, (options) => trainStudy(study, { cacheDir, out, ...options }));
  fs.writeFileSync(path.join(out, 'study.yaml.0a1b2c3d.tmp'), 'name: sm');
  const events: StudyEvent[] = [];
  await trainStudy(study, { cacheDir, out, resume: true, onEvent: (event) => void events.push(event) });
  expect(startsOf(events)).toEqual([0]);
});

test('another study is refused with all differences, unless they are allowed', async () => {
  const out = path.join(folder, 'changed');
  await stopAfter(3, (options) => trainStudy(study, { cacheDir, out, ...options }));
  const other = { ...study, train: { ...study.train, learningRate: 0.123 } };
  await expect(trainStudy(other, { cacheDir, out, resume: true })).rejects.toThrow(
    refused(/begun with another study:\n {2}train\.learningRate: [\d.]+ before, 0\.123 now\n.*--allow-changes/),
  );
  const events: StudyEvent[] = [];
  await trainStudy(other, {
    cacheDir,
    out,
    resume: true,
    allowChanges: true,
    onEvent: (event) => void events.push(event),
  });
  expect(startsOf(events)).toEqual([3]);
  expect(events.find(({ type }) => type === 'warning')).toMatchObject({
    message: expect.stringMatching(/train\.learningRate: [\d.]+ before, 0\.123 now/) as string,
  });
});

test('a run that has ended goes on with a study that is allowed to be longer', async () => {
  const out = path.join(folder, 'longer');
  const train = study.train!;
  await trainStudy(study, { cacheDir, out });
  const events: StudyEvent[] = [];
  const onEvent = (event: StudyEvent) => void events.push(event);
  const longer = { ...study, train: { ...train, maxSteps: train.maxSteps! + 2 } };
  const { folder: same } = await trainStudy(longer, { cacheDir, out, resume: true, allowChanges: true, onEvent });
  expect(startsOf(events)).toEqual([train.maxSteps]);
  expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
  expect(same).toBe(out);
  events.length = 0;
  await trainStudy(longer, { cacheDir, out, resume: true, onEvent });
  expect(startsOf(events)).toEqual([]);
});

test('when a run is saved, and whether it is evaluated first, may change without asking', async () => {
  const out = path.join(folder, 'saved-otherwise');
  await stopAfter(3, (options) =>
    trainStudy({ ...study, train: { ...study.train, sanity: true } }, { cacheDir, out, ...options }),
  );
  const events: StudyEvent[] = [];
  const otherwise = { ...study, train: { ...study.train, saveEvery: 1, keepLast: 3 } };
  await trainStudy(otherwise, { cacheDir, out, resume: true, onEvent: (event) => void events.push(event) });
  expect(startsOf(events)).toEqual([3]);
  expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
});

test('a run that was stopped before its first evaluation has a latest model to evaluate, no best one', async () => {
  const out = path.join(folder, 'unevaluated');
  await stopAfter(2, (options) => trainStudy(study, { cacheDir, out, ...options }));
  const best = ['train.loadBestModelAtEnd=true'];
  await expect(evaluateRun(out, { cacheDir, overrides: best })).rejects.toThrow(
    refused(/There is no .*best.*stopped before.*loadBestModelAtEnd=false/),
  );
  const latest = ['train.loadBestModelAtEnd=false'];
  expect((await evaluateRun(out, { cacheDir, overrides: latest })).metrics.eval_loss).toBeGreaterThan(0);
});

test('there must be something to resume, unless it may begin', async () => {
  const out = path.join(folder, 'nothing');
  await expect(trainStudy(study, { cacheDir, out, resume: true })).rejects.toThrow(refused(/nothing to resume in/));
  await expect(trainStudy(study, { cacheDir, resume: true })).rejects.toThrow(refused(/give the folder as `out`/));
  await trainStudy({ ...study, train: { ...study.train, maxSteps: 1 } }, { cacheDir, out, resume: 'if-there' });
  const foreign = path.join(folder, 'foreign');
  fs.mkdirSync(foreign);
  fs.writeFileSync(path.join(foreign, 'letter.txt'), 'Dear');
  await expect(trainStudy(study, { cacheDir, out: foreign, resume: 'if-there' })).rejects.toThrow(refused(/not empty/));
});

test('of a comparison, ended runs are taken as they are and the stopped one goes on', async () => {
  const out = path.join(folder, 'compared');
  const whole = await runStudy(study, { cacheDir, out: path.join(folder, 'compared-whole') });
  await stopAfter(3, (options) => runStudy(study, { cacheDir, out, ...options }), 2);
  const events: StudyEvent[] = [];
  const resumed = await runStudy(study, { cacheDir, out, resume: true, onEvent: (event) => void events.push(event) });
  expect(titlesResumed(events)).toEqual(['Baseline']);
  expect(startsOf(events)).toEqual([3]);
  expect(resumed.rows.map(({ evalLoss }) => evalLoss)).toEqual(whole.rows.map(({ evalLoss }) => evalLoss));
});
