/** Trainings that are stopped in good order or by a signal go on as if nothing had been. */
import fs from 'node:fs';
import path from 'node:path';

import { functional } from '../../../lib/nn';
import { Trainer, type TrainEvent, type TrainerOptions } from '../../../lib/train';
import { temporaryFolder } from '../tokens';
import { bits, logOf, makeData, makeModel, read, shape, stepFolder, together, train, trainModule } from './small';

jest.setTimeout(60_000);

let folder: string;
let data: TrainerOptions['data'];
let run: string;
let count = 0;
beforeAll(() => {
  folder = temporaryFolder();
  data = makeData(folder);
});
beforeEach(() => {
  run = path.join(folder, `run-${count++}`);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
const after = (step: number) => (event: TrainEvent, trainer: Trainer) => {
  if (event.type === 'step' && event.step === step) void trainer.stop();
};

test('a training that was stopped goes on with the same losses, log and weights', async () => {
  const whole = await train({ data });
  const first = await train({ data, out: run }, after(7));
  expect(first.events.at(-1)).toMatchObject({ type: 'end', reason: 'stopped', step: 7 });
  const second = await train({ data, out: run, resume: true }, after(18));
  const third = await train({ data, out: run, resume: true });
  expect(second.events[0]).toMatchObject({ type: 'start', step: 7, resumedFrom: stepFolder(run, 7) });
  expect(bits(together(first, second, third))).toEqual(bits(whole));
  expect(logOf(third)).toEqual(logOf(whole));
  expect(third.events.at(-1)).toMatchObject({ reason: 'steps', best: (whole.events.at(-1) as { best: object }).best });
});

test('a signal in the middle of a step, of an evaluation or of nothing saves the last whole step', async () => {
  const whole = await train({ data });
  const lives = [];
  for (const [index, stopAt] of [5, 11, 17, 24].entries()) {
    const controller = new AbortController();
    const life = await train({ data, out: run, resume: 'if-there', signal: controller.signal }, (event) => {
      if (event.type === 'evaluationBatch' && index === 1) controller.abort();
      // The next step is then under way: it begins while this one's event is read.
      if (event.type === 'step' && event.step >= stopAt) setTimeout(() => controller.abort(), index);
    });
    expect(life.error).toEqual(refused('ERR_ABORTED', /It can be resumed from .*latest/));
    lives.push(life);
  }
  const last = await train({ data, out: run, resume: true });
  expect(bits(together(...lives, last))).toEqual(bits(whole));
  expect(logOf(last)).toEqual(logOf(whole));
});

test('a step of a module that is broken off leaves its buffers and the random numbers as they were', async () => {
  const whole = await trainModule({});
  const controller = new AbortController();
  let calls = 0;
  const first = await trainModule({
    out: run,
    signal: controller.signal,
    loss(net, { x, y }) {
      // In the second half of step 6: 5 steps of 2 batches, but for the last of each epoch, and 4 evaluations' batches.
      if (net.training && ++calls === 9) controller.abort();
      return functional.mseLoss(net.forward(x), y);
    },
  });
  expect(first.error).toEqual(refused('ERR_ABORTED', /stopped after step/));
  expect(first.steps.length).toBeGreaterThan(3);
  const second = await trainModule({ out: run, resume: true });
  expect(bits(together(first, second))).toEqual(bits(whole));
});

test('a learning rate that was set holds after the break', async () => {
  const set = (event: TrainEvent, trainer: Trainer) => {
    if (event.type === 'step' && event.step === 5) trainer.learningRate = 0.003;
  };
  const whole = await train({ data }, set);
  const first = await train({ data, out: run }, (event, trainer) => {
    set(event, trainer);
    after(8)(event, trainer);
  });
  const second = await train({ data, out: run, resume: true });
  expect(bits(together(first, second))).toEqual(bits(whole));
});

test('the loss scale of float16 goes on', async () => {
  const options = { data, precision: 'float16', maxSteps: 12 } as const;
  const whole = await train(options);
  const first = await train({ ...options, out: run }, after(5));
  const second = await train({ ...options, out: run, resume: true });
  expect(second.steps.map(({ scale }) => scale)).toEqual(whole.steps.slice(5).map(({ scale }) => scale));
  expect(bits(together(first, second))).toEqual(bits(whole));
});

test('limits in tokens, and the patience of early stopping, count on', async () => {
  const limited = { data, maxTrainTokens: 900, maxSteps: undefined } as const;
  const whole = await train(limited);
  expect(whole.events.at(-1)).toMatchObject({ reason: 'tokens' });
  const lives = [await train({ ...limited, out: run }, after(5)), await train({ ...limited, out: run, resume: true })];
  expect(bits(together(...lives))).toEqual(bits(whole));

  const impatient = {
    data,
    learningRate: 0.5,
    schedule: 'constant',
    earlyStopping: { patience: 3 },
    evalEvery: 2,
  } as const;
  const stopped = await train({ ...impatient, maxSteps: 60 });
  const last = stopped.steps.length;
  expect(stopped.events.at(-1)).toMatchObject({ reason: 'early-stopping' });
  const out = `${run}-early`;
  // In the middle of its patience.
  await train({ ...impatient, maxSteps: 60, out }, after(last - 3));
  const resumed = await train({ ...impatient, maxSteps: 60, out, resume: true });
  expect(resumed.events.at(-1)).toMatchObject({ reason: 'early-stopping', step: last });
  expect(resumed.weights).toEqual(stopped.weights);
  // Over is over.
  const again = await train({ ...impatient, maxSteps: 60, out, resume: true });
  expect(again.steps).toEqual([]);
  expect(again.events.at(-1)).toMatchObject({ reason: 'early-stopping', step: last });
});

test('minutes count from the first beginning', async () => {
  const first = await train({ data, out: run }, after(3));
  const before = first.steps.at(-1)!.elapsed;
  const second = await train({ data, out: run, resume: true }, after(4));
  expect(second.steps[0]!.elapsed).toBeGreaterThan(before);
});

test('a training that is over is over, and says so again', async () => {
  const first = await train({ data, out: run, loadBestModelAtEnd: true });
  const second = await train({ data, out: run, resume: true, loadBestModelAtEnd: true });
  expect(second.steps).toEqual([]);
  expect(second.evaluations).toEqual([]);
  expect(second.events.at(-1)).toMatchObject({ type: 'end', reason: 'steps', step: 30 });
  expect(second.weights).toEqual(first.weights);
});

test('the damaged newest checkpoint is named, and the one before is used', async () => {
  const whole = await train({ data });
  await train({ data, out: run, saveEvery: 5 }, after(15));
  fs.truncateSync(path.join(stepFolder(run, 15), 'model.safetensors'), 50);
  const resumed = await train({ data, out: run, resume: true, saveEvery: 5 });
  expect(resumed.events.slice(0, 2)).toMatchObject([
    { type: 'start', step: 12 },
    {
      type: 'warning',
      message: expect.stringMatching(/step-00000015 is damaged: model\.safetensors has 50 of/) as string,
    },
  ]);
  expect(resumed.weights).toEqual(whole.weights);
  expect(fs.readdirSync(path.join(run, 'checkpoints'))).not.toContain('step-00000015');
});

test('a best checkpoint that is gone is told, and one that is damaged is not gone back to', async () => {
  const options = { data, out: run, loadBestModelAtEnd: true } as const;
  const best = () => fs.realpathSync(path.join(run, 'best'));
  await train(options, after(14));
  fs.rmSync(best(), { recursive: true });
  const { events } = await train({ ...options, resume: true }, after(15));
  expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
    { message: expect.stringMatching(/^The best checkpoint so far, that of step 12 .* is no longer in/) as string },
  ]);
  const { error } = await train({ ...options, resume: true }, (event, trainer) => {
    if (event.type !== 'step') return;
    // From then on it gets worse.
    if (event.step === 20) trainer.learningRate = 3;
    if (event.step === 30) fs.truncateSync(path.join(best(), 'model.safetensors'), 9);
  });
  expect(path.basename(best())).toBe('step-00000018');
  expect(error).toEqual(
    refused('ERR_CHECKPOINT', /^The best checkpoint, .*best, is damaged: model\.safetensors has 9 of/),
  );
});

describe('where training may not go on', () => {
  test('other settings are refused with all differences, unless they are allowed', async () => {
    await train({ data, out: run }, after(4));
    const changed = { data, out: run, resume: true, learningRate: 0.02, warmupSteps: undefined, keepLast: 5 } as const;
    const { error, steps } = await train(changed);
    expect(error).toEqual(
      refused(
        'ERR_ARGUMENT',
        /\n {2}train\.learningRate: 0\.01 before, 0\.02 now\n {2}train\.warmupSteps: 4 before, not set now\n/,
      ),
    );
    expect(steps).toEqual([]);
    const allowed = await train({ ...changed, allowChanges: true });
    expect(allowed.events[1]).toMatchObject({
      type: 'warning',
      message: expect.stringMatching(/learningRate: 0\.01 before, 0\.02 now/) as string,
    });
    expect(allowed.events.at(-1)).toMatchObject({ reason: 'steps', step: 30 });
  });

  test('a training that is already longer than it is to be ends where it is', async () => {
    await train({ data, out: run }, after(8));
    const { events, steps } = await train({
      data,
      out: run,
      resume: true,
      allowChanges: true,
      epochs: 1,
      maxSteps: undefined,
    });
    expect(steps).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'epochs', step: 8 });
  });

  test('what is only about saving may change', async () => {
    await train({ data, out: run }, after(4));
    const { error } = await train({
      data,
      out: run,
      resume: true,
      saveEvery: 3,
      keepLast: 1,
      onSaveFailure: 'continue',
    });
    expect(error).toBeUndefined();
  });

  test('another number of processes is refused', async () => {
    await train({ data, out: run }, after(2));
    process.env.WORLD_SIZE = '2';
    try {
      const { error } = await train({ data, out: run, resume: true });
      expect(error).toEqual(refused('ERR_ARGUMENT', /worldSize: 1 before, 2 now/));
    } finally {
      delete process.env.WORLD_SIZE;
    }
  });

  test('other data are refused', async () => {
    await train({ data, out: run }, after(2));
    const other = { ...data, train: { ...data.train, offsets: data.train.offsets.slice(2) } };
    const { error } = await train({ data: other, out: run, resume: true });
    expect(error).toEqual(refused('ERR_ARGUMENT', /data\.samples: 26 before, 24 now/));
  });

  test('a folder with a training is not begun anew, and one without is not resumed', async () => {
    expect((await train({ data, out: run, resume: true })).error).toEqual(
      refused('ERR_ARGUMENT', /no checkpoint in .* to resume/),
    );
    await train({ data, out: run }, after(2));
    expect((await train({ data, out: run })).error).toEqual(refused('ERR_ARGUMENT', /There is a training in .*resume/));
    expect(() => new Trainer(makeModel(), { ...shape, data, resume: true })).toThrow(
      refused('ERR_ARGUMENT', /give a Trainer `out`/),
    );
  });

  test('two trainings never share a folder', async () => {
    using model = makeModel();
    const { error } = await train({ data, out: run }, async (event) => {
      if (event.type !== 'step' || event.step !== 2) return;
      const other = await read(new Trainer(model, { ...shape, data, out: run, resume: 'if-there' }), model);
      expect(other.error).toEqual(refused('ERR_ARGUMENT', /Another training is going on in/));
      throw new Error('seen');
    });
    expect(error).toEqual(new Error('seen'));
  });
});

describe('when a checkpoint is written', () => {
  const saves = async (options: Partial<TrainerOptions>) => {
    const { events } = await train({ data, out: run, evalEvery: 30, maxSteps: 12, ...options });
    return events.flatMap((event) => (event.type === 'checkpoint' ? [[event.step, event.reason]] : []));
  };

  test('every so many steps, and at the end', async () => {
    expect(await saves({ saveEvery: 5 })).toEqual([
      [5, 'step'],
      [10, 'step'],
      [12, 'end'],
    ]);
  });

  test('after each epoch', async () => {
    // 13 batches, 3 to a step: 5 steps.
    expect(await saves({ saveEvery: 'epoch', maxSteps: 10 })).toEqual([
      [5, 'step'],
      [10, 'step'],
      // With the evaluation that every training ends with.
      [10, 'end'],
    ]);
  });

  test('every so many minutes', async () => {
    expect(await saves({ saveEvery: { minutes: 1e-9 }, maxSteps: 3 })).toEqual([
      [1, 'time'],
      [2, 'time'],
      [3, 'time'],
      [3, 'end'],
    ]);
  });

  test('after each evaluation, and whenever one is the best', async () => {
    expect(await saves({ evalEvery: 6 })).toEqual([
      [6, 'evaluation'],
      [12, 'evaluation'],
    ]);
    expect(fs.readlinkSync(path.join(run, 'latest'))).toBe('checkpoints/step-00000012');
  });

  test('when somebody asks', async () => {
    let folderOf: Promise<string> | undefined;
    const { events } = await train({ data, out: run, maxSteps: 4 }, (event, trainer) => {
      if (event.type === 'step' && event.step === 2) folderOf = trainer.checkpoint();
    });
    expect(await folderOf).toBe(stepFolder(run, 2));
    expect(events.filter(({ type }) => type === 'checkpoint')).toMatchObject([
      { step: 2, reason: 'asked' },
      { step: 4, reason: 'end' },
    ]);
  });
});
