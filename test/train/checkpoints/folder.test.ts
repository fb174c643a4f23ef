import fs from 'node:fs';
import path from 'node:path';

import * as nn from '../../../lib/nn';
import * as optim from '../../../lib/optim';
import { clearLeftovers, findResumable, type ModelFiles } from '../../../lib/train/checkpoints';
import { CheckpointKeeper, describeDifferences, differencesOf } from '../../../lib/train/checkpoints';
import { factsAt, filesOf, keeperOf, makeNet, partsOf, temporaryFolder } from './room';

let run: string;
let net: nn.Sequential;
let optimizer: optim.SGD;
beforeEach(() => {
  run = temporaryFolder();
  net = makeNet();
  optimizer = new optim.SGD(net.parameters());
});
afterEach(() => {
  optimizer.dispose();
  fs.rmSync(run, { recursive: true, force: true });
});

const save = (step: number, best: number | null = null, recent: number[] = [], keepLast = 2) =>
  keeperOf(run, net, keepLast).save(factsAt(step), partsOf(optimizer), { best, recent });
const held = () => fs.readdirSync(path.join(run, 'checkpoints')).sort();
const stepFound = async () => (await findResumable(run))?.saved.step;
const linked = (name: string) => fs.readlinkSync(path.join(run, name));

test('a checkpoint is a model folder with what a training goes on from, and a manifest of both', async () => {
  const folder = await save(7);
  expect(folder).toBe(path.join(run, 'checkpoints', 'step-00000007'));
  expect(fs.readdirSync(folder).sort()).toEqual(['manifest.json', 'model.safetensors', 'training']);
  const { files, step } = JSON.parse(fs.readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as {
    step: number;
    files: Record<string, { bytes: number; sha256: string }>;
  };
  expect(step).toBe(7);
  expect(Object.keys(files)).toEqual([
    'model.safetensors',
    'training/optimizer.safetensors',
    'training/random.safetensors',
    'training/state.json',
  ]);
  expect(files['model.safetensors']!.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(linked('latest')).toBe('checkpoints/step-00000007');
});

test('the newest stay, those that are linked, and those that a kept one needs', async () => {
  await save(1, 1);
  await save(2, 1);
  await save(3, 1);
  expect(held()).toEqual(['step-00000001', 'step-00000002', 'step-00000003']);
  // Now the fourth is the best; but the third, still there to fall back on, has the first as its best.
  await save(4, 4);
  expect(held()).toEqual(['step-00000001', 'step-00000003', 'step-00000004']);
  expect(linked('best')).toBe('checkpoints/step-00000004');
  await save(5, 4);
  expect(held()).toEqual(['step-00000004', 'step-00000005']);
  await save(6, 4, [5, 6], 1);
  await save(7, 4, [6, 7], 1);
  expect(held()).toEqual(['step-00000004', 'step-00000006', 'step-00000007']);
});

test('a run without checkpoints has none to go on from', async () => {
  expect(await findResumable(run)).toBeUndefined();
  expect(await findResumable(path.join(run, 'nowhere'))).toBeUndefined();
});

const damages: [string, (folder: string) => void, RegExp][] = [
  [
    'shorter',
    (folder) => fs.truncateSync(path.join(folder, 'model.safetensors'), 100),
    /model\.safetensors has 100 of \d+ bytes/,
  ],
  [
    'changed',
    (folder) => {
      const file = path.join(folder, 'training/optimizer.safetensors');
      const bytes = fs.readFileSync(file);
      bytes[bytes.length - 1]! ^= 1;
      fs.writeFileSync(file, bytes);
    },
    /training\/optimizer\.safetensors has changed since it was written/,
  ],
  ['gone', (folder) => fs.rmSync(path.join(folder, 'training/state.json')), /training\/state\.json is missing/],
  [
    'no file',
    (folder) => {
      fs.rmSync(path.join(folder, 'model.safetensors'));
      fs.mkdirSync(path.join(folder, 'model.safetensors'));
    },
    /model\.safetensors is not a file/,
  ],
  [
    'never finished',
    (folder) => fs.rmSync(path.join(folder, 'manifest.json')),
    /manifest\.json is missing: it was never finished/,
  ],
  [
    'of no manifest',
    (folder) => fs.writeFileSync(path.join(folder, 'manifest.json'), '{"step":'),
    /manifest\.json cannot be read/,
  ],
];

test.each(damages)('where the newest is %s, it is named and the one before is used', async (_name, damage, words) => {
  await save(1);
  const newest = await save(2);
  damage(newest);
  const found = (await findResumable(run))!;
  expect(found.saved.step).toBe(1);
  expect(found.warnings).toEqual([expect.stringMatching(words)]);
  expect(found.warnings[0]).toContain(newest);
  // Training comes by there again.
  await save(2);
  expect(await stepFound()).toBe(2);
});

test('where every checkpoint is damaged, training does not begin anew without a word', async () => {
  for (const step of [1, 2]) fs.rmSync(path.join(await save(step), 'manifest.json'));
  await expect(findResumable(run)).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/step-00000002.*step-00000001/) as string,
  });
});

test('links lead back when a training goes back', async () => {
  await save(1, 1);
  const newest = await save(2, 2);
  fs.rmSync(path.join(newest, 'manifest.json'));
  await keeperOf(run, net).goBackTo(1, 1);
  expect([linked('latest'), linked('best')]).toEqual(['checkpoints/step-00000001', 'checkpoints/step-00000001']);
});

test('a model that cannot be written leaves the checkpoints as they were', async () => {
  await save(1, 1);
  const failing: ModelFiles = {
    async save(folder) {
      await filesOf(net).save(folder);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
    restore: () => Promise.resolve(),
  };
  const keeper = new CheckpointKeeper(run, failing, 2);
  const saving = keeper.save(factsAt(2), partsOf(optimizer), { best: 2, recent: [] });
  await expect(saving).rejects.toMatchObject({ code: 'ERR_STORAGE' });
  expect(held()).toEqual(['step-00000001']);
  expect([linked('latest'), linked('best'), await stepFound()]).toEqual([
    'checkpoints/step-00000001',
    'checkpoints/step-00000001',
    1,
  ]);
});

test('what a killed process left half-written goes, and a whole one whose renaming was cut off gets its name', async () => {
  const whole = await save(2);
  fs.renameSync(whole, `${whole}.0a1b2c3d.tmp`);
  fs.mkdirSync(path.join(run, 'checkpoints/step-00000003.0a1b2c3d.tmp/training'), { recursive: true });
  fs.writeFileSync(path.join(run, 'trainer_state.json.0a1b2c3d.tmp'), '{');
  fs.writeFileSync(path.join(run, 'mine.tmp'), 'mine');
  await clearLeftovers(run);
  expect(held()).toEqual(['step-00000002']);
  expect(fs.readdirSync(run).sort()).toEqual(['checkpoints', 'latest', 'mine.tmp']);
  expect(await stepFound()).toBe(2);
});

test('a link is not put in the place of something else', async () => {
  fs.mkdirSync(path.join(run, 'latest'));
  await expect(save(1)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
});

test('differences are told key by key', () => {
  const before = { train: { learningRate: 1e-3, schedule: { type: 'linear' } }, seeds: [1, 2] };
  const now = { train: { learningRate: 2e-3, schedule: 'cosine', maxSteps: 5 }, seeds: [1, 2] };
  expect(describeDifferences(differencesOf(before, now)).split('\n')).toEqual([
    '  train.learningRate: 0.001 before, 0.002 now',
    '  train.schedule: {"type":"linear"} before, "cosine" now',
    '  train.maxSteps: not set before, 5 now',
  ]);
  expect(differencesOf(before, JSON.parse(JSON.stringify(before)))).toEqual([]);
});
