/**
 * A real training process is killed again and again, at random points and in the middle of saving; every loss, metric and weight of what goes
 * on is that of a training without a break, to the bit.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { readHistory, recordsOf } from '../../../lib/metrics';
import { live, type Life, type Line, type Place } from './lives';
import type { Kind } from './program';

// A file system in memory, where there is one: a killed process leaves there what it leaves on a disk, without the disk's delays.
const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(parent, 'torchwright-kill-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

// A minute where nothing else runs.
jest.setTimeout(600_000);

const seed = Number(process.env.TORCHWRIGHT_KILL_SEED ?? Date.now() % 2 ** 31);
/** Numbers from 0 to 1 that a failure can be repeated with. */
function randomNumbers(state: number): () => number {
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const ofType = <T extends Line['type']>(lines: Line[], type: T) =>
  lines.filter((line): line is Extract<Line, { type: T }> => line.type === type);

/** What must be equal: all but times. */
const isTime = (key: string) => /runtime|per_second|seconds/i.test(key);
const withoutTimes = (entry: object) => Object.fromEntries(Object.entries(entry).filter(([key]) => !isTime(key)));

function outcomeOf({ lines, errors }: Life) {
  const [end] = ofType(lines, 'end');
  if (end === undefined) throw new Error(`The training did not end: ${JSON.stringify(lines.at(-1))} ${errors}`);
  return { ...end, log: end.log.map(withoutTimes) };
}

async function historyOf(run: string) {
  const records = await readHistory(run);
  return {
    steps: recordsOf(records, 'step').map(({ step, epoch, loss, gradNorm, learningRate, tokens }) => [
      step,
      epoch,
      loss,
      gradNorm,
      learningRate,
      tokens,
    ]),
    evaluations: recordsOf(records, 'evaluation').map(({ step, metrics, best }) => [step, withoutTimes(metrics), best]),
  };
}

/** Kills at a random moment after the training has begun, or as soon as a checkpoint is being written. */
function killer(random: () => number, checkpoints: string) {
  let armed = false;
  return (line: Line, child: { kill(signal: 'SIGKILL'): boolean }) => {
    if (armed || line.type === 'end') return;
    armed = true;
    const kill = () => child.kill('SIGKILL');
    const delay = random();
    if (random() < 0.4) setTimeout(kill, 400 * delay ** 2);
    else {
      const begun = Date.now();
      const wait = 300 * random();
      const timer = setInterval(() => {
        if (Date.now() - begun < wait) return;
        const isSaving =
          fs.existsSync(checkpoints) && fs.readdirSync(checkpoints).some((name) => name.endsWith('.tmp'));
        if (!isSaving && Date.now() - begun < 1500) return;
        clearInterval(timer);
        setTimeout(kill, 6 * delay);
      }, 1);
    }
  };
}

/** Each chain of processes writes its own, which are the same. */
function dataOf(name: string): string {
  const made = path.join(folder, `data-${name}`);
  fs.mkdirSync(made, { recursive: true });
  return made;
}

interface Count {
  kills: number;
  /** Those that left a checkpoint half-written. */
  inSaving: number;
}

/** Trains, with so many kills, as many times as that takes; each time with the uninterrupted outcome. */
async function trainKilled(
  kind: Kind,
  kills: number,
  name: string,
  expected: { life: Life; run: string },
): Promise<Count> {
  const random = randomNumbers(seed + name.length * 7919 + kills);
  const steps = new Map(ofType(expected.life.lines, 'step').map(({ step, values }) => [step, values]));
  const evaluations = new Map(ofType(expected.life.lines, 'evaluation').map((line) => [line.step, line]));
  const count: Count = { kills: 0, inSaving: 0 };
  for (let training = 1; count.kills < kills; training++) {
    const place: Place = { kind, out: path.join(folder, `${name}-${training}`), data: dataOf(name) };
    const checkpoints = path.join(place.out, 'checkpoints');
    let saved = 0;
    for (;;) {
      const isLast = count.kills >= kills;
      const life = await live(place, isLast ? undefined : killer(random, checkpoints));
      expect(ofType(life.lines, 'warning')).toEqual([]);
      expect(ofType(life.lines, 'error')).toEqual([]);
      for (const { step, values } of ofType(life.lines, 'step'))
        expect([step, values]).toEqual([step, steps.get(step)]);
      for (const line of ofType(life.lines, 'evaluation')) expect(line).toEqual(evaluations.get(line.step));
      // No checkpoint that was told is lost.
      for (const { step } of ofType(life.lines, 'start')) expect(step).toBeGreaterThanOrEqual(saved);
      for (const { step } of ofType(life.lines, 'checkpoint')) saved = Math.max(saved, step);
      if (life.signal !== 'SIGKILL') {
        expect(outcomeOf(life)).toEqual(outcomeOf(expected.life));
        break;
      }
      count.kills += 1;
      if (fs.existsSync(checkpoints) && fs.readdirSync(checkpoints).some((entry) => entry.endsWith('.tmp')))
        count.inSaving += 1;
    }
    expect(await historyOf(place.out)).toEqual(await historyOf(expected.run));
    expect(fs.readdirSync(checkpoints).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
  }
  return count;
}

async function uninterrupted(kind: Kind): Promise<{ life: Life; run: string }> {
  const run = path.join(folder, `${kind}-whole`);
  const life = await live({ kind, out: run, data: dataOf(kind) });
  outcomeOf(life);
  return { life, run };
}

test('asked to end by the system, it saves the last whole step', async () => {
  const place: Place = { kind: 'translation', out: path.join(folder, 'ended'), data: dataOf('ended') };
  const first = await live(place, (line, child) => {
    if (line.type === 'step' && line.step === 10) child.kill('SIGTERM');
  });
  expect(first.lines.at(-1)).toMatchObject({ type: 'error', message: expect.stringMatching(/AbortError/) as string });
  const last = ofType(first.lines, 'step').at(-1)!.step;
  const second = await live(place, (line, child) => {
    if (line.type === 'step') child.kill('SIGKILL');
  });
  expect(second.lines[0]).toEqual({ type: 'start', step: last });
});

test(`killed at random points, a training comes to the same, to the bit (TORCHWRIGHT_KILL_SEED=${seed})`, async () => {
  const [language, translation, module] = await Promise.all([
    uninterrupted('language'),
    uninterrupted('translation'),
    uninterrupted('module'),
  ]);
  const chains = await Promise.all([
    trainKilled('language', 26, 'a', language),
    trainKilled('language', 26, 'b', language),
    (async () => [
      await trainKilled('translation', 6, 'c', translation),
      await trainKilled('module', 6, 'd', module),
    ])(),
  ]);
  const counts = chains.flat();
  expect(counts.slice(0, 2).reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThanOrEqual(50);
  expect(counts.reduce((sum, { inSaving }) => sum + inSaving, 0)).toBeGreaterThan(5);
});
