import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { crc32c, maskedCrc32c } from '../../../lib/train/record/tensorboard/crc32c';
import { TensorBoardFile } from '../../../lib/train/record/tensorboard/event-file';
import { restartEvent, scalarsEvent, textsEvent, versionEvent } from '../../../lib/train/record/tensorboard/events';
import { integer } from '../../../lib/train/record/tensorboard/protobuf';
import { evaluationEvent, startEvent, stepEvent } from './events';
import { readEvents } from './read-events';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tensorboard-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const fail = (error: Error) => {
  throw error;
};

const eventFiles = () =>
  fs
    .readdirSync(folder)
    .filter((name) => name.startsWith('events.out.tfevents.'))
    .sort()
    .map((name) => path.join(folder, name));

test('checksums are those of the standard', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(maskedCrc32c(Buffer.from('123456789'))).toBe((((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0);
});

test('whole numbers of any size are written seven bits a byte', () => {
  expect([...integer(2, 0)]).toEqual([0x10, 0]);
  expect([...integer(2, 300)]).toEqual([0x10, 0xac, 2]);
  expect([...integer(2, 2 ** 40)]).toEqual([0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
});

test('events are read back as they were written', () => {
  const file = path.join(folder, 'events');
  const moment = { time: 1.5e9 + 0.25, step: 2 ** 33 };
  const long = 'ü'.repeat(100_000);
  const events = [
    versionEvent(moment.time),
    scalarsEvent(moment, [
      ['a', 0.5],
      ['b', NaN],
      ['c', -Infinity],
    ]),
    textsEvent(moment, [['t', long]]),
    restartEvent({ ...moment, step: 7 }),
  ];
  fs.writeFileSync(file, Buffer.concat(events));
  expect(readEvents(file)).toEqual([
    { time: moment.time, step: 0, version: 'brain.Event:2', scalars: {}, texts: {} },
    { ...moment, scalars: { a: 0.5, b: NaN, c: -Infinity }, texts: {} },
    { ...moment, scalars: {}, texts: { t: long } },
    { ...moment, step: 7, starts: true, scalars: {}, texts: {} },
  ]);
});

async function record(events: Parameters<TensorBoardFile['onEvent']>[0][]): Promise<void> {
  const file = new TensorBoardFile(folder, fail);
  for (const event of events) await file.onEvent(event);
  await file.close();
}

test("a training's file has its numbers by Hugging Face's tags, its config and its samples", async () => {
  await record([
    startEvent({ step: 0 }),
    stepEvent({ step: 1, loss: 2.5, nll: 2.25, mfu: 0.5, metrics: { accuracy: 0.75 } }),
    evaluationEvent({ step: 1, metrics: { eval_loss: 2, epoch: 0.1 } }),
    { type: 'sample', step: 1, samples: [{ source: 'from', reference: null, text: 'to\n# there' }] },
    { type: 'warning', step: 1, message: 'careful' },
  ]);
  const [version, config, step, evaluation, sample, warning] = readEvents(eventFiles()[0]!);
  expect(version!.version).toBe('brain.Event:2');
  expect(config!.texts.config).toContain('"seed": 42');
  expect(step!.step).toBe(1);
  expect(Math.abs(step!.time - Date.now() / 1000)).toBeLessThan(60);
  expect(step!.scalars).toEqual({
    'train/loss': 2.5,
    'train/nll': 2.25,
    'train/grad_norm': 1,
    'train/learning_rate': Math.fround(1e-3),
    'train/epoch': 0.25,
    'train/accuracy': 0.75,
    'speed/tokens_per_second': 640,
    'speed/mfu': 0.5,
    'time/step': Math.fround(0.1),
    'time/data': 0,
    'time/forward': 0.03125,
    'time/backward': 0.0625,
    'time/optimizer': 0.00390625,
    'memory/resident': 2 ** 20,
    'memory/peak': 2 ** 21,
  });
  expect(evaluation!.scalars).toEqual({ 'eval/loss': 2 });
  expect(sample!.texts).toEqual({ 'samples/1': '**Given**\n\n    from\n\n**Model**\n\n    to\n    # there' });
  expect(warning!.texts).toEqual({ warnings: 'careful' });
});

const hasTensorBoard = () =>
  spawnSync('python3', ['-c', 'import tensorboard.backend.event_processing.event_accumulator']).status === 0;

test('a training that is resumed begins another file, which voids what the first has too much', async () => {
  await record([startEvent({ step: 0 }), ...[1, 2, 3].map((step) => stepEvent({ step, loss: 9 }))]);
  await record([startEvent({ step: 2 }), ...[3, 4].map((step) => stepEvent({ step, loss: 1 }))]);
  const [first, second] = eventFiles();
  expect(path.basename(first!)).not.toBe(path.basename(second!));
  expect(readEvents(second!)[1]).toMatchObject({ starts: true, step: 3 });
  if (!hasTensorBoard()) return;
  const program = [
    'import sys, json',
    'from tensorboard.backend.event_processing.event_accumulator import EventAccumulator',
    'events = EventAccumulator(sys.argv[1]); events.Reload()',
    "print(json.dumps([(event.step, event.value) for event in events.Scalars('train/loss')]))",
  ];
  const { stdout, stderr } = spawnSync('python3', ['-c', program.join('\n'), folder], { encoding: 'utf8' });
  expect({ read: JSON.parse(stdout || 'null') as unknown, stderr }).toMatchObject({
    read: [
      [1, 9],
      [2, 9],
      [3, 1],
      [4, 1],
    ],
  });
}, 30_000);
