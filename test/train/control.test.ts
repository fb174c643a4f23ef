/** A training that is watched and steered while it runs: from its reader, from observers and listeners, and from elsewhere in the process. */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { StorageError, nn, optim, torch, type Tensor } from '../../lib';
import {
  Trainer,
  type EndEvent,
  type ModuleTrainerOptions,
  type TrainEvent,
  type TrainObserver,
  type Training,
} from '../../lib/train';
import { temporaryFolder } from './tokens';

interface Pairs {
  x: Tensor;
  y: Tensor;
}
type Options = ModuleTrainerOptions<nn.Linear, Pairs>;

let folder: string;
let runs = 0;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));
const newRun = () => path.join(folder, `run-${++runs}`);

function makeTrainer(options: Partial<Options> = {}): Trainer<nn.Linear, Pairs> {
  torch.manualSeed(1);
  const x = torch.randn([8, 3]);
  const batch = { x, y: x.sum({ dim: 1, keepdim: true }) };
  return new Trainer(new nn.Linear(3, 1), {
    data: { train: [batch, batch, batch, batch], validation: [batch] },
    loss: (net, { x: input, y }) => nn.functional.mseLoss(net.forward(input), y),
    optimizer: (net) => new optim.SGD(net.parameters(), { lr: 0.1 }),
    schedule: 'constant',
    maxSteps: 12,
    evalEvery: 5,
    ...options,
  });
}

/** A training that goes on by itself. */
function running(options: Partial<Options> = {}) {
  const events: TrainEvent[] = [];
  const trainer = makeTrainer({ maxSteps: 1_000_000, evalEvery: 1_000_000, ...options });
  trainer.on('event', (event) => void events.push(event));
  const end = trainer.run();
  end.catch(() => undefined);
  return { trainer, events, end };
}

const argumentError = { code: 'ERR_ARGUMENT' };

describe('from elsewhere in the process', () => {
  test('it rests between two steps, saves meanwhile, and goes on', async () => {
    const { trainer, events, end } = running({ out: newRun() });
    await once(trainer, 'step');
    await trainer.pause();
    expect(trainer.isPaused).toBe(true);
    const { globalStep } = trainer.state;
    const { elapsed } = trainer;
    await sleep(60);
    expect(trainer.state.globalStep).toBe(globalStep);
    expect(trainer.elapsed).toBe(elapsed);
    const saved = await trainer.checkpoint();
    expect(fs.existsSync(path.join(saved, 'model.safetensors'))).toBe(true);
    expect(trainer.state.globalStep).toBe(globalStep);

    trainer.continue();
    await once(trainer, 'step');
    expect(trainer.isPaused).toBe(false);
    expect(trainer.state.globalStep).toBe(globalStep + 1);
    const stopped = await trainer.stop();
    expect(await end).toBe(stopped);
    expect(stopped).toMatchObject({ type: 'end', reason: 'stopped', step: trainer.state.globalStep, error: null });
    expect(await trainer.stop()).toBe(stopped);
    const told = events.filter(({ type }) => type === 'paused' || type === 'continued' || type === 'checkpoint');
    expect(
      told.map((event) => [event.type, event.type === 'checkpoint' ? event.reason : 'step' in event && event.step]),
    ).toEqual([
      ['paused', globalStep],
      ['checkpoint', 'asked'],
      ['continued', globalStep],
      ['checkpoint', 'stopped'],
    ]);
  });

  test('many ask for much at once, and all are answered', async () => {
    const { trainer, end } = running({ out: newRun() });
    await once(trainer, 'step');
    const folders = await Promise.all([trainer.checkpoint(), trainer.checkpoint(), trainer.checkpoint()]);
    expect(new Set(folders).size).toBeLessThanOrEqual(2);
    await Promise.all([trainer.pause(), trainer.pause(), trainer.checkpoint()]);
    await trainer.pause(); // it rests already
    const pausing = trainer.pause();
    trainer.continue();
    await pausing;
    await trainer.pause();
    trainer.continue();
    await trainer.pause(); // it has not gone on in between
    await Promise.all([trainer.stop(), trainer.stop(), trainer.checkpoint().catch((error: unknown) => error)]);
    await end;
  });

  test('nobody can make a training rest that is to stop', async () => {
    const { trainer } = running();
    await once(trainer, 'step');
    const stopped = trainer.stop();
    await expect(trainer.pause()).rejects.toMatchObject(argumentError);
    expect(await stopped).toMatchObject({ reason: 'stopped' });
    expect(trainer.isPaused).toBe(false);
  });

  test('stopping ends a pause, and so does a raised signal', async () => {
    const stopped = running();
    await once(stopped.trainer, 'step');
    await stopped.trainer.pause();
    await stopped.trainer.stop();
    expect(await stopped.end).toMatchObject({ reason: 'stopped' });

    const controller = new AbortController();
    const aborted = running({ signal: controller.signal, out: newRun() });
    await once(aborted.trainer, 'step');
    await aborted.trainer.pause();
    controller.abort();
    await expect(aborted.end).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(aborted.events.at(-1)).toMatchObject({ type: 'end', reason: 'stopped', error: null });
    expect(aborted.events.at(-2)).toMatchObject({ type: 'checkpoint', reason: 'stopped' });
  });

  test('the learning rate can be changed, and is that of the next step', async () => {
    const rates: number[] = [];
    const trainer = makeTrainer({ schedule: 'linear', maxSteps: 4, evalEvery: 100 });
    trainer.on('step', ({ learningRate, step }) => {
      rates.push(learningRate);
      if (step === 2) trainer.learningRate = 1;
    });
    await trainer.run();
    expect(rates).toEqual([0.1, 0.1 * 0.75, 0.5, 0.25]);
    for (const rate of [-1, NaN, Infinity, '1' as never])
      expect(() => (trainer.learningRate = rate)).toThrow(expect.objectContaining(argumentError));
    expect(trainer.learningRate).toBe(1);
  });

  test('what cannot be done is refused', async () => {
    const trainer = makeTrainer();
    for (const ask of [() => trainer.pause(), () => trainer.checkpoint(), () => trainer.stop()])
      await expect(ask()).rejects.toMatchObject(argumentError);
    const reading = trainer[Symbol.asyncIterator]();
    await reading.next();
    await expect(trainer.checkpoint()).rejects.toMatchObject(argumentError); // there is no `out`
    const end = await trainer.stop();
    expect(end).toMatchObject({ step: 0, reason: 'stopped', metrics: {} });
    await expect(trainer.pause()).rejects.toMatchObject(argumentError);
    await expect(trainer.run()).rejects.toMatchObject(argumentError);
  });

  test('who waits when the training fails is told', async () => {
    let fail = false;
    const broken = new Error('broken');
    const loss: Options['loss'] = (net, { x, y }) => {
      if (fail) throw broken;
      return nn.functional.mseLoss(net.forward(x), y);
    };
    const { trainer, events, end } = running({ loss });
    await once(trainer, 'step');
    fail = true;
    await expect(trainer.stop().then((event) => event.reason)).resolves.toBe('stopped'); // no step came between
    await end;

    const failing = running({
      loss: (net, batch) => (failing.trainer.state.globalStep < 2 ? loss(net, batch) : loss(net, {} as Pairs)),
    });
    fail = false;
    const error: unknown = await failing.end.catch((caught: unknown) => caught);
    expect(failing.events.at(-1)).toMatchObject({ type: 'end', reason: 'failed', error: (error as Error).message });
    await expect(failing.trainer.stop()).rejects.toMatchObject(argumentError);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'stopped' });
  });
});

describe('from the reader of the events', () => {
  test('pausing, saving and stopping can be awaited in the loop', async () => {
    const trainer = makeTrainer({ out: newRun(), maxSteps: 1000 });
    const types: string[] = [];
    for await (const event of trainer) {
      types.push(event.type);
      if (event.type !== 'step') continue;
      if (event.step === 2) expect(await trainer.checkpoint()).toMatch(/step-0*2$/);
      if (event.step === 3) {
        await trainer.pause();
        setTimeout(() => trainer.continue(), 20);
      }
      if (event.step === 4) expect(await trainer.stop()).toMatchObject({ step: 4, reason: 'stopped' });
    }
    expect(types).toEqual([
      ...['start', 'step', 'step', 'checkpoint', 'step', 'paused', 'continued', 'step', 'checkpoint', 'end'],
    ]);
  });

  test('leaving it ends the training in good order, as observers see', async () => {
    const told: TrainEvent[] = [];
    let closed = 0;
    const observer = { onEvent: (event: TrainEvent) => void told.push(event), close: () => void closed++ };
    for await (const event of makeTrainer({ observers: [observer] })) if (event.type === 'step') break;
    expect(told.at(-1)).toMatchObject({ type: 'end', reason: 'stopped', step: 1 });
    expect(closed).toBe(1);
  });
});

describe('observers and listeners', () => {
  test('are told every event in order before the reader, who waits for them', async () => {
    const log: string[] = [];
    const slow: TrainObserver = async (event) => {
      await sleep(1);
      log.push(`observer ${event.type}`);
    };
    const trainer = makeTrainer({ observers: [slow], maxSteps: 2 });
    trainer.on('event', (event) => void log.push(`listener ${event.type}`));
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- a Trainer waits for its listeners
    trainer.once('step', async () => {
      await sleep(1);
      log.push('first step');
    });
    const never = () => log.push('never');
    trainer.on('step', never).off('step', never);
    for await (const event of trainer) log.push(`reader ${event.type}`);
    const of = (type: string, ...more: string[]) => [`observer ${type}`, ...more, `listener ${type}`, `reader ${type}`];
    expect(log).toEqual([
      ...of('start'),
      ...of('step', 'first step'),
      ...of('step'),
      ...of('evaluationBatch'),
      ...of('evaluation'),
      ...of('end'),
    ]);
  });

  test.each(['an observer', 'a listener'])('%s may await what only the training can do', async (who) => {
    const answers: unknown[] = [];
    const ask = async (event: TrainEvent, training: Training) => {
      if (event.type !== 'step' || event.step !== 3) return;
      answers.push(path.basename(await training.checkpoint()));
      setTimeout(() => training.continue(), 20);
      await training.pause();
      answers.push('rested');
      answers.push((await training.stop()).reason);
    };
    const long = { out: newRun(), maxSteps: 100_000, evalEvery: 100_000 };
    const trainer = makeTrainer({ ...long, observers: who === 'an observer' ? [ask] : [] });
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- a Trainer waits for its listeners
    if (who === 'a listener') trainer.on('event', ask);
    expect((await trainer.run()).reason).toBe('stopped');
    expect(answers).toEqual([expect.stringMatching(/^step-0*3$/), 'rested', 'stopped']);
  });

  test('flush before each checkpoint, and close once, however it ends', async () => {
    const log: string[] = [];
    const observer: TrainObserver = {
      onEvent: (event) => void (event.type === 'checkpoint' && log.push('checkpoint')),
      flush: () => void log.push('flush'),
      close: () => void log.push('close'),
    };
    await makeTrainer({ observers: [observer], out: newRun(), maxSteps: 5 }).run();
    expect(log.filter((entry, index) => entry !== 'flush' || log[index + 1] !== 'flush')).toEqual([
      ...['flush', 'checkpoint', 'close'],
    ]);
    const failing = makeTrainer({ observers: [observer], loss: () => Promise.reject(new Error('broken')) });
    await expect(failing.run()).rejects.toThrow('broken');
    expect(log.filter((entry) => entry === 'close')).toHaveLength(2);
  });

  const broken = new Error('the pipe is closed');
  test.each<[string, (fail: () => void) => Partial<Options>, RegExp]>([
    ['an observer that throws', (fail) => ({ observers: [function bystander(event) { if (event.type === 'step') fail(); }] }), /bystander failed as it was told 'step'.*the pipe/], // prettier-ignore
    ['one that rejects', (fail) => ({ observers: [async (event) => { await sleep(1); if (event.type === 'step') fail(); }] }), /Observer 0 failed as it was told 'step'/], // prettier-ignore
    ['one whose closing fails', (fail) => ({ observers: [{ onEvent() {}, close: fail }], maxSteps: 1 }), /Observer 0 failed as it was closed/], // prettier-ignore
  ])('%s stops the training with its error', async (_, options, message) => {
    const trainer = makeTrainer({
      ...options(() => {
        throw broken;
      }),
    });
    await expect(trainer.run()).rejects.toMatchObject({
      code: 'ERR_OBSERVER',
      message: expect.stringMatching(message),
      cause: broken,
    });
  });

  test('a listener that rejects does so too; errors of this package stay what they are', async () => {
    const trainer = makeTrainer();
    trainer.on('evaluation', () => Promise.reject(broken) as never);
    await expect(trainer.run()).rejects.toMatchObject({ code: 'ERR_OBSERVER', cause: broken });
    expect(trainer.state.globalStep).toBe(5);
    const full = new StorageError('the disk is full');
    await expect(makeTrainer({ observers: [() => Promise.reject(full)] }).run()).rejects.toBe(full);
  });

  test('what is no observer is refused', () => {
    for (const observer of [5, {}, null])
      expect(() => makeTrainer({ observers: [observer as never] })).toThrow(expect.objectContaining(argumentError));
  });
});

test('a clock that is set while training changes nothing', async () => {
  const { now } = Date;
  let jumps = 0;
  // Days forward and back, as after a wrong time server.
  const jumping = jest
    .spyOn(Date, 'now')
    .mockImplementation(() => now() + (jumps++ % 2 === 0 ? 1 : -1) * 5 * 86_400_000);
  try {
    const start = performance.now();
    const events: TrainEvent[] = [];
    const trainer = makeTrainer({
      maxMinutes: 10,
      maxSteps: 30,
      out: newRun(),
      saveEvery: { minutes: 10 },
      loadBestModelAtEnd: false,
    });
    for await (const event of trainer) events.push(event);
    const seconds = (performance.now() - start) / 1000;
    const end = events.at(-1) as EndEvent;
    expect(end).toMatchObject({ reason: 'steps', step: 30 });
    expect(end.metrics.train_runtime).toBeGreaterThan(0);
    expect(end.metrics.train_runtime).toBeLessThan(seconds + 0.01);
    const elapsed = events.flatMap((event) => (event.type === 'step' ? [event.elapsed] : []));
    expect(elapsed.toSorted((a, b) => a - b)).toEqual(elapsed);
    expect(elapsed.at(-1)).toBeLessThan(seconds);
    for (const event of events) {
      if (event.type !== 'step') continue;
      expect(event.seconds).toBeGreaterThan(0);
      expect(event.seconds).toBeLessThan(seconds);
      expect(Object.values(event.split).every((part) => part >= 0)).toBe(true);
      if (event.remaining !== null) expect(event.remaining).toBeGreaterThanOrEqual(0);
    }
    expect(events.filter((event) => event.type === 'checkpoint' && event.reason === 'time')).toEqual([]);
  } finally {
    jumping.mockRestore();
  }
});
