/** Saving where there is no room, or no permission: what was saved stays, and training stops or goes on as the config says. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import type { TrainEvent, TrainerOptions } from '../../../lib/train';
import { temporaryFolder } from '../tokens';
import type { DelightLanguageModel } from '../../../lib/delight';
import { live } from './lives';
import { bits, makeData, stepFolder, train, type Outcome } from './small';

jest.setTimeout(60_000);

let folder: string;
let data: TrainerOptions['data'];
beforeAll(() => {
  folder = temporaryFolder();
  data = makeData(folder);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const checkpointsOf = (run: string) => fs.readdirSync(path.join(run, 'checkpoints')).sort();
const warningsOf = ({ events }: Outcome) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
const savedAt = (event: TrainEvent) => event.type === 'checkpoint';
const refusal = expect.objectContaining({ code: 'ERR_STORAGE' }) as Error;

/** Writes the model; from the given saving on, for so many, the disk is full. */
function failing(from: number, count: number) {
  let saves = 0;
  return (model: DelightLanguageModel) => ({
    async save(target: string) {
      await model.save(target);
      saves += 1;
      if (saves >= from && saves < from + count)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
    restore: (source: string) => model.loadWeights(source),
  });
}
const nothing = () => undefined;

test('by default training stops with an error, and goes on later from what was saved', async () => {
  const out = path.join(folder, 'stops');
  const whole = await train({ data });
  const stopped = await train({ data, out, saveEvery: 5 }, nothing, failing(2, 1));
  expect(stopped.error).toEqual(refusal);
  expect(stopped.error!.message).toMatch(/step-00000006 cannot be written: ENOSPC/);
  expect(checkpointsOf(out)).toEqual(['step-00000005']);
  const resumed = await train({ data, out, resume: true });
  expect(resumed.error).toBeUndefined();
  expect(resumed.weights).toEqual(whole.weights);
});

test('it goes on where the config says so: with a warning, and with the checkpoints there are', async () => {
  const out = path.join(folder, 'goes-on');
  const whole = await train({ data });
  const run = await train({ data, out, saveEvery: 5, onSaveFailure: 'continue' }, nothing, failing(2, 1));
  expect(run.error).toBeUndefined();
  expect(bits(run)).toEqual(bits(whole));
  expect(warningsOf(run)).toEqual([expect.stringMatching(/^No checkpoint could be written after step 6: .*ENOSPC/)]);
  const saved = run.events.filter(savedAt).map((event) => 'step' in event && event.step);
  expect(saved).not.toContain(6);
  expect(saved.slice(0, 2)).toEqual([5, 10]);
});

test('a best model that could not be saved is not the best that there is', async () => {
  const out = path.join(folder, 'best');
  // The loss falls at every evaluation; those after the first cannot be saved until the last.
  const see = (event: TrainEvent) => {
    if (event.type === 'warning') expect(fs.readlinkSync(path.join(out, 'best'))).toBe('checkpoints/step-00000006');
  };
  const run = await train({ data, out, onSaveFailure: 'continue', averageLast: 2 }, see, failing(2, 2));
  expect(warningsOf(run)).toHaveLength(2);
  const end = run.events.at(-1)!;
  expect(end).toMatchObject({ type: 'end', best: { step: 30 } });
  expect('recent' in end && end.recent).toEqual([stepFolder(out, 24), stepFolder(out, 30)]);
});

test('the last checkpoint must be written, whatever the config says', async () => {
  const out = path.join(folder, 'last');
  const run = await train(
    { data, out, evalEvery: 100, maxSteps: 4, onSaveFailure: 'continue' },
    nothing,
    failing(1, 9),
  );
  expect(run.error).toEqual(refusal);
});

test('whoever asked for a checkpoint is told that there is none', async () => {
  const out = path.join(folder, 'asked');
  let asked: Promise<unknown> | undefined;
  const options = { data, out, evalEvery: 100, maxSteps: 4, onSaveFailure: 'continue' } as const;
  const run = await train(
    options,
    (event, trainer) => {
      if (event.type === 'step' && event.step === 2) asked = trainer.checkpoint().catch((error: unknown) => error);
    },
    failing(1, 1),
  );
  expect(await asked).toEqual(refusal);
  expect(run.error).toBeUndefined();
});

const mountAt = (place: string, size: string) =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place]);
const unmount = (place: string) => execFileSync('umount', ['-l', place]);

/** Whether the system lets us have file systems of our own: that takes more than being its superuser. */
const canMount = (() => {
  const place = temporaryFolder();
  const isMounted = mountAt(place, '100k').status === 0;
  if (isMounted) unmount(place);
  fs.rmdirSync(place);
  return isMounted;
})();
const testMounted = canMount ? test : test.skip;

/** A small file system in memory. */
function mount(name: string, size: string): string {
  const place = path.join(folder, name);
  fs.mkdirSync(place);
  mountAt(place, size);
  return place;
}

const canLimit = spawnSync('prlimit', ['--version']).status === 0;

(canLimit ? test : test.skip)('a process that may write no larger files', async () => {
  const out = path.join(folder, 'limited');
  const data = path.join(folder, 'limited-data');
  fs.mkdirSync(data);
  let limited = false;
  const life = await live({ kind: 'language', out, data }, (line, child) => {
    if (line.type !== 'checkpoint' || limited) return;
    limited = true;
    spawnSync('prlimit', ['--pid', String(child.pid), '--fsize=9000']);
  });
  expect(life.lines.at(-1)).toMatchObject({
    type: 'error',
    message: expect.stringMatching(/StorageError.*File too large/) as string,
  });
  expect(checkpointsOf(out).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  const resumed = await live({ kind: 'language', out, data }, (line, child) => {
    if (line.type === 'step') child.kill('SIGKILL');
  });
  expect(resumed.lines[0]).toMatchObject({ type: 'start' });
  expect((resumed.lines[0] as { step: number }).step).toBeGreaterThan(0);
});

testMounted('a disk that is really full', async () => {
  const whole = await train({ data });
  const place = mount('full', '600k');
  try {
    const out = path.join(place, 'run');
    const filler = path.join(place, 'filler');
    const run = await train({ data, out, keepLast: 1, onSaveFailure: 'continue' }, (event) => {
      if (event.type === 'checkpoint' && event.step === 6) {
        // All but a few pages.
        const { bavail, bsize } = fs.statfsSync(place);
        fs.writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 24_576)));
      }
      if (event.type === 'warning') fs.rmSync(filler, { force: true });
    });
    expect(run.error).toBeUndefined();
    expect(bits(run)).toEqual(bits(whole));
    expect(warningsOf(run)).toEqual([expect.stringMatching(/after step 12: .*(No space left|ENOSPC)/)]);
    expect(checkpointsOf(out).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  } finally {
    unmount(place);
  }
});

testMounted('a disk that takes nothing any more', async () => {
  const place = mount('read-only', '1m');
  try {
    const out = path.join(place, 'run');
    await train({ data, out, maxSteps: 30 }, (event, trainer) => {
      if (event.type === 'evaluation') void trainer.stop();
    });
    execFileSync('mount', ['-o', 'remount,ro', place]);
    const run = await train({ data, out, resume: true });
    expect(run.error).toEqual(refusal);
    expect(checkpointsOf(out)).toEqual(['step-00000006']);
    // And nothing can begin there.
    const anew = await train({ data, out: path.join(place, 'other') });
    expect(anew.error).toEqual(refusal);
  } finally {
    unmount(place);
  }
});

test('a folder that may not be written into', async () => {
  const out = path.join(folder, 'forbidden');
  fs.mkdirSync(out, { mode: 0o555 });
  const run = await train({ data, out, maxSteps: 2 });
  // The superuser may all the same.
  if (process.getuid?.() === 0) expect(run.error).toBeUndefined();
  else expect(run.error).toEqual(refusal);
});
