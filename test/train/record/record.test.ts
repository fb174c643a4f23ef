import fs from 'node:fs';
import path from 'node:path';

import { readHistory, recordsOf, type HistoryRecord } from '../../../lib/metrics';
import { ResidualLlama } from '../../../lib/residual';
import { torch } from '../../../lib/tensor';
import { Trainer, type TrainEvent, type TrainerOptions } from '../../../lib/train';
import { temporaryFolder, vocabSize, writeTokens } from '../tokens';

let folder: string;
let out: string;
let data: TrainerOptions['data'];

beforeAll(() => {
  folder = temporaryFolder();
  data = { train: writeTokens(folder, 'train', 24), validation: writeTokens(folder, 'validation', 5) };
});
beforeEach(() => {
  out = path.join(folder, 'run');
});
afterEach(() => {
  jest.restoreAllMocks();
  fs.rmSync(out, { recursive: true, force: true });
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const sizes = { vocabSize, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };

function trainer(options: Partial<TrainerOptions> = {}): Trainer {
  torch.manualSeed(7);
  const model = ResidualLlama.create({ ...sizes, residual: '3.2' });
  return new Trainer(model, { data, batchSize: 4, learningRate: 1e-2, maxSteps: 8, evalEvery: 4, out, ...options });
}

async function eventsOf(trained: Trainer): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of trained) events.push(event);
  return events;
}

const ofTime = /^(seconds|time|split|tokensPerSecond|mfu|memory|peakMemory|eval_runtime|eval_\w+_per_second)$/;

function timesAside(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(timesAside);
  const kept = Object.entries(value).filter(([key]) => !ofTime.test(key));
  return Object.fromEntries(kept.map(([key, part]) => [key, timesAside(part)]));
}

describe('metrics.jsonl', () => {
  test('stays as it is where another training is refused in its folder', async () => {
    await eventsOf(trainer());
    const before = fs.readFileSync(path.join(out, 'metrics.jsonl'), 'utf8');
    for (const options of [{}, { resume: true, learningRate: 1 }])
      await expect(trainer(options).run()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(fs.readFileSync(path.join(out, 'metrics.jsonl'), 'utf8')).toBe(before);
  });

  test('has every step, evaluation and checkpoint, as they were told', async () => {
    const layerWeights = [{ layer: 1, first: 0, weights: [0.25, 0.75] }];
    const samples = [{ source: 'a', reference: null, text: 'b' }];
    const events = await eventsOf(
      trainer({
        title: 'tiny',
        layerWeights: () => Promise.resolve(layerWeights),
        sample: () => Promise.resolve(samples),
      }),
    );
    const records = await readHistory(out);
    expect(records.map(({ type, step }) => `${type} ${step}`)).toEqual(
      events
        .filter(({ type }) => type !== 'evaluationBatch')
        .map((event) => `${event.type} ${'step' in event ? event.step : ''}`),
    );
    const [start] = recordsOf(records, 'start');
    expect(start).toMatchObject({
      title: 'tiny',
      device: 'cpu',
      totalSteps: 8,
      resumedFrom: null,
      config: { batchSize: 4 },
    });
    expect(Object.keys(start!.versions)).toEqual(['torchwright', 'libtorch', 'node']);
    const told = events.flatMap((event) => (event.type === 'step' ? [event] : []));
    for (const [index, step] of recordsOf(records, 'step').entries()) {
      const { loss, gradNorm, learningRate, tokens, split, elapsed, mfu, memory } = told[index]!;
      expect(step).toMatchObject({
        loss,
        gradNorm,
        learningRate,
        tokens,
        split,
        seconds: elapsed,
        mfu,
        memory: memory.resident,
      });
      expect(step).not.toHaveProperty('nll');
    }
    const [evaluation] = recordsOf(records, 'evaluation');
    expect(evaluation).toMatchObject({ best: true, layerWeights, epoch: 4 / 6 });
    expect(recordsOf(records, 'sample')[0]!.samples).toEqual(samples);
    expect(recordsOf(records, 'checkpoint').map((record) => record.folder)).toEqual(
      ['checkpoints/step-00000004', 'checkpoints/step-00000008'].map((name) => path.normalize(name)),
    );
    expect(recordsOf(records, 'end')).toMatchObject([{ reason: 'steps', error: null }]);
    const seconds = records.flatMap((record) => ('seconds' in record ? [record.seconds] : []));
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  });

  test('of a training that was stopped and goes on is that of one without a break', async () => {
    await eventsOf(trainer());
    const course = (records: HistoryRecord[]) => records.filter(({ type }) => type !== 'start' && type !== 'end');
    const whole = timesAside(course(await readHistory(out)));
    fs.rmSync(out, { recursive: true });
    for await (const event of trainer()) if (event.type === 'step' && event.step === 6) break;
    // Steps that no checkpoint covers are told again.
    const file = path.join(out, 'metrics.jsonl');
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    const step = lines.findLast((line) => line.includes('"type":"step"'))!;
    fs.writeFileSync(file, [...lines.slice(0, -1), step.replace('"step":6', '"step":7'), '{"type":"st'].join('\n'));
    await eventsOf(trainer({ resume: true }));
    const records = await readHistory(out);
    expect(recordsOf(records, 'start').map((record) => [record.step, record.resumedFrom])).toEqual([
      [0, null],
      [6, path.normalize('checkpoints/step-00000006')],
    ]);
    const isExtra = ({ type, step }: HistoryRecord) => type === 'checkpoint' && step === 6;
    expect(timesAside(course(records).filter((record) => !isExtra(record)))).toEqual(whole);
  });

  test('a training that fails says so at its end', async () => {
    const failing = trainer({
      observers: [
        (event) => {
          if (event.type === 'step' && event.step === 3) throw new Error('enough');
        },
      ],
    });
    await expect(eventsOf(failing)).rejects.toMatchObject({ code: 'ERR_OBSERVER' });
    const [end] = recordsOf(await readHistory(out), 'end');
    expect(end).toMatchObject({ step: 3, reason: 'failed', error: expect.stringContaining('enough') });
  });

  test('is on the disk up to a checkpoint when that is there', async () => {
    for await (const event of trainer({ saveEvery: 3 })) {
      if (event.type !== 'checkpoint') continue;
      const steps = recordsOf(await readHistory(out), 'step').map(({ step }) => step);
      expect(steps.at(-1)).toBe(event.step);
    }
  });
});

describe('where the record cannot be written', () => {
  /** Every write to the history fails. */
  function withoutRoom(): void {
    fs.mkdirSync(out);
    fs.symlinkSync('/dev/full', path.join(out, 'metrics.jsonl'));
    // A new training begins its file anew.
    jest
      .spyOn(jest.requireActual<typeof import('node:fs/promises')>('node:fs/promises'), 'rm')
      .mockResolvedValue(undefined);
  }

  test('a training stops with an error that names the file', async () => {
    withoutRoom();
    await expect(eventsOf(trainer())).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/metrics\.jsonl cannot be written: ENOSPC/),
    });
  });

  test('or goes on, if it is to, and warns', async () => {
    withoutRoom();
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const events = await eventsOf(trainer({ onSaveFailure: 'continue' }));
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'steps', step: 8 });
    expect(warn.mock.calls.map(([message]) => String(message)).filter((text) => text.includes('ENOSPC'))).toEqual([
      expect.stringMatching(/metrics\.jsonl cannot be written.*Training goes on/),
    ]);
  });
});

test('a training that is to go on does so without its trainer_state.json', async () => {
  const files = jest.requireActual<typeof import('node:fs/promises')>('node:fs/promises');
  const { rename } = files;
  jest.spyOn(files, 'rename').mockImplementation((from, to) => {
    if (!String(to).endsWith('trainer_state.json')) return rename(from, to);
    return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
  });
  await expect(eventsOf(trainer())).rejects.toMatchObject({ code: 'ERR_STORAGE' });
  fs.rmSync(out, { recursive: true });
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const events = await eventsOf(trainer({ onSaveFailure: 'continue' }));
  expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'steps', step: 8 });
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/trainer_state\.json.*ENOSPC/), 'TorchwrightWarning']]);
});

test('without a folder nothing is written', async () => {
  await eventsOf(trainer({ out: undefined }));
  expect(fs.existsSync(out)).toBe(false);
});

test('trainer_state.json is there also of a training that was stopped', async () => {
  for await (const event of trainer()) if (event.type === 'step' && event.step === 5) break;
  const state = JSON.parse(fs.readFileSync(path.join(out, 'trainer_state.json'), 'utf8')) as { global_step: number };
  expect(state.global_step).toBe(5);
});

test.each([
  ['a title that is none', { title: 3 as never }],
  ['operations that are none', { flopsPerToken: 0 }],
  ['a trace of no steps', { profile: { steps: [0, 2] as const } }],
  ['a trace of steps from last to first', { profile: { steps: [3, 2] as const } }],
  ['a trace without a place', { profile: { steps: [1, 2] as const }, out: undefined }],
])('%s is refused at once', (_, options) => {
  expect(() => trainer(options)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});
