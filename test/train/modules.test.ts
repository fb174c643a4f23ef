/** Modules of users' own, with their own loss: the numbers are those of a loop written by hand, and what cannot be learned from is refused. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { DataLoader, F, NonFiniteError, nn, optim, torch, type Tensor } from '../../lib';
import { ResidualLlama } from '../../lib/residual';
import {
  Trainer,
  type EvaluationEvent,
  type ModuleTrainerOptions,
  type StepEvent,
  type TrainEvent,
} from '../../lib/train';

interface Pairs {
  x: Tensor;
  y: Tensor;
}

class Mlp extends nn.Module {
  readonly inner = new nn.Linear(4, 8);
  readonly outer = new nn.Linear(8, 1);

  override forward(x: Tensor): Tensor {
    return this.outer.forward(F.dropout(this.inner.forward(x).tanh(), 0.1, this.training));
  }
}

const loss = (net: Mlp, { x, y }: Pairs) => F.mseLoss(net.forward(x), y);

function makeNet(): Mlp {
  torch.manualSeed(3);
  return new Mlp();
}

/** Batches of y = sum of x; sizes of each. */
function makeBatches(sizes: readonly number[] = [8, 8, 8, 8], seed = 5): Pairs[] {
  torch.manualSeed(seed);
  return sizes.map((size) => {
    const x = torch.randn([size, 4]);
    return { x, y: x.sum({ dim: 1, keepdim: true }) };
  });
}

const weightsOf = (net: nn.Module) => [...net.parameters()].map((parameter) => parameter.toArray());

async function collect(trainer: Trainer<Mlp, Pairs> | Trainer): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of trainer) events.push(event);
  return events;
}

const stepsOf = (events: TrainEvent[]) => events.filter((event): event is StepEvent => event.type === 'step');
const evaluationsOf = (events: TrainEvent[]) =>
  events.filter((event): event is EvaluationEvent => event.type === 'evaluation');

async function train(options: Partial<ModuleTrainerOptions<Mlp, Pairs>> = {}, net = makeNet()) {
  const data = { train: makeBatches() };
  const trainer = new Trainer(net, { data, loss, epochs: 2, seed: 11, ...options });
  const events = await collect(trainer);
  return { net, trainer, events, steps: stepsOf(events) };
}

describe('the numbers are those of a loop written by hand, to the bit', () => {
  /** The loop that everybody writes. */
  function byHand(
    steps: number,
    make: (net: Mlp) => { optimizer: optim.Optimizer; scheduler?: optim.schedulers.StepScheduler },
    { maxGradNorm = 1 }: { maxGradNorm?: number | null } = {},
  ) {
    const batches = makeBatches();
    const net = makeNet();
    const { optimizer, scheduler } = make(net);
    torch.manualSeed(11);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      torch.scope(() => {
        const value = loss(net, batches[step % batches.length]!);
        optimizer.zeroGrad();
        value.backward();
        if (maxGradNorm !== null) optim.clipGradNorm(net.parameters(), maxGradNorm);
        optimizer.step();
        scheduler?.step();
        losses.push(value.item());
      });
    }
    return { net, losses };
  }

  test('with the optimiser of the config', async () => {
    const { net, steps } = await train({ learningRate: 1e-2, schedule: 'constant', weightDecay: 0.1 });
    const hand = byHand(8, (own) => ({ optimizer: new optim.AdamW(optim.decayGroups(own, 0.1), { lr: 1e-2 }) }));
    expect(steps.map((step) => step.loss)).toEqual(hand.losses);
    expect(weightsOf(net)).toEqual(weightsOf(hand.net));
  });

  test('with an optimiser of ones own', async () => {
    const sgd = (own: Mlp) => new optim.SGD(own.parameters(), { lr: 0.05, momentum: 0.9 });
    const { net, steps } = await train({ optimizer: sgd, schedule: 'constant', maxGradNorm: null });
    const hand = byHand(8, (own) => ({ optimizer: sgd(own) }), { maxGradNorm: null });
    expect(steps.map((step) => step.loss)).toEqual(hand.losses);
    expect(weightsOf(net)).toEqual(weightsOf(hand.net));
    expect(new Set(steps.map(({ learningRate }) => learningRate))).toEqual(new Set([0.05]));
  });

  test('with a scheduler of ones own', async () => {
    const sgd = (own: Mlp) => new optim.SGD(own.parameters(), { lr: 0.05 });
    const halving = (optimizer: optim.Optimizer) => new optim.schedulers.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
    const { net, steps } = await train({ optimizer: sgd, scheduler: halving });
    const hand = byHand(8, (own) => {
      const optimizer = sgd(own);
      return { optimizer, scheduler: halving(optimizer) };
    });
    expect(weightsOf(net)).toEqual(weightsOf(hand.net));
    const rates = [0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125, 0.00625, 0.00625];
    expect(steps.map(({ learningRate }) => learningRate)).toEqual(rates);
  });
});

test('the gradients of accumulated batches are a mean over all targets, however unequal the batches', async () => {
  const [large] = makeBatches([12]);
  const parts = [0, 3, 4, 12].slice(1).map((end, index, ends) => {
    const start = index === 0 ? 0 : ends[index - 1]!;
    return { x: large!.x.narrow(0, start, end - start), y: large!.y.narrow(0, start, end - start) };
  });
  const plain = { epochs: 3, learningRate: 1e-2, schedule: 'constant' as const, precision: 'float32' as const };
  const eval0 = (net: Mlp) => {
    net.outer.eval();
    return net;
  };
  // Without dropout, which draws other numbers for other shapes.
  const lossOf = (net: Mlp, { x, y }: Pairs) => F.mseLoss(net.outer.forward(net.inner.forward(x).tanh()), y);
  const whole = await train({ ...plain, data: { train: [large!] }, loss: lossOf }, eval0(makeNet()));
  const split = await train({ ...plain, data: { train: parts }, loss: lossOf, accumulation: 3 });
  expect(split.steps).toHaveLength(3);
  split.steps.forEach((step, index) => {
    expect(step.loss).toBeCloseTo(whole.steps[index]!.loss, 5);
    expect(step.gradNorm).toBeCloseTo(whole.steps[index]!.gradNorm, 5);
    expect(step.samples).toBe(12);
  });
});

test('targets that the loss tells weigh its batches, and a batch without any changes nothing', async () => {
  const ids = (text: string) => torch.tensor([...text].map(Number), { dtype: 'int64' });
  const batches = [ids('012'), ids('99'), ids('21')].map((y) => ({ x: torch.ones([y.numel, 4]), y }));
  const net = () => {
    torch.manualSeed(1);
    return new nn.Linear(4, 3);
  };
  const lossOf = (linear: nn.Linear, { x, y }: Pairs) => {
    const targets = y.ne(9).sum().item();
    const mean = F.crossEntropy(linear.forward(x), y, { ignoreIndex: 9 });
    return {
      loss: mean,
      targets,
      metrics: {
        correct: linear
          .forward(x)
          .argmax(1)
          .eq(y)
          .double()
          .sum()
          .div(targets || 1),
      },
    };
  };
  const options = {
    loss: lossOf,
    epochs: 1,
    optimizer: (own: nn.Linear) => new optim.SGD(own.parameters(), { lr: 1 }),
  };
  const [step] = stepsOf(await collect(new Trainer(net(), { ...options, data: { train: batches }, accumulation: 3 })));
  const joined = { x: torch.ones([5, 4]), y: ids('01221') };
  const [whole] = stepsOf(await collect(new Trainer(net(), { ...options, data: { train: [joined] } })));
  expect(step).toMatchObject({ targets: 5, tokens: 5, samples: 7, metrics: { correct: expect.any(Number) } });
  expect(step!.loss).toBeCloseTo(whole!.loss, 6);
  expect(step!.gradNorm).toBeCloseTo(whole!.gradNorm, 6);
  expect(step!.metrics!.correct).toBeCloseTo(whole!.metrics!.correct!, 12);

  const alone = net();
  const before = weightsOf(alone);
  const [nothing] = stepsOf(await collect(new Trainer(alone, { ...options, data: { train: [batches[1]!] } })));
  expect(nothing).toMatchObject({ targets: 0, loss: 0, gradNorm: 0 });
  expect(weightsOf(alone)).toEqual(before);
});

test('groups keep their proportion under the schedule', async () => {
  const seen: number[][] = [];
  const optimizer = (net: Mlp) => {
    const made = new optim.SGD(
      [
        { params: net.inner.parameters(), lr: 0.1 },
        { params: net.outer.parameters(), lr: 0.4 },
      ],
      { lr: 1 },
    );
    const step = made.step.bind(made);
    made.step = (...args: []) => {
      seen.push(made.groups.map(({ lr }) => lr));
      step(...args);
    };
    return made;
  };
  const { trainer, steps } = await train({ optimizer, schedule: 'linear', epochs: 1 });
  expect(trainer.learningRate).toBe(0.4);
  expect(steps.map(({ learningRate }) => learningRate)).toEqual(
    [0.4, 0.3, 0.2, 0.1].map((rate) => expect.closeTo(rate, 12) as number),
  );
  for (const [inner, outer] of seen) expect(outer! / inner!).toBeCloseTo(4, 12);
});

test('a rate that is set while training scales the scheduler too', async () => {
  const sgd = (own: Mlp) => new optim.SGD(own.parameters(), { lr: 0.08 });
  const halving = (optimizer: optim.Optimizer) => new optim.schedulers.StepLR(optimizer, { stepSize: 1, gamma: 0.5 });
  const trainer = new Trainer(makeNet(), {
    data: { train: makeBatches() },
    loss,
    epochs: 1,
    optimizer: sgd,
    scheduler: halving,
  });
  const rates: number[] = [];
  for await (const event of trainer) {
    if (event.type !== 'step') continue;
    rates.push(event.learningRate);
    if (event.step === 2) trainer.learningRate = 0.16;
  }
  expect(rates).toEqual([0.08, 0.04, 0.04, 0.02]);
});

test('a scheduler that goes by a metric is stepped by evaluations', async () => {
  const sgd = (own: Mlp) => new optim.SGD(own.parameters(), { lr: 0.5 });
  const plateau = (optimizer: optim.Optimizer) =>
    new optim.schedulers.ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5, threshold: 0.9 });
  const data = { train: makeBatches(), validation: makeBatches([4], 6) };
  const { steps } = await train({ data, optimizer: sgd, scheduler: plateau, evalEvery: 2, maxGradNorm: 1e-9 });
  expect(steps.map(({ learningRate }) => learningRate)).toEqual([0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
});

describe('evaluation', () => {
  const validation = () => makeBatches([3, 5], 9);

  test('gives the mean loss over all targets and metrics of ones own, without gradients and in evaluation mode', async () => {
    const modes: boolean[] = [];
    const { net, events } = await train({
      data: { train: makeBatches(), validation: validation() },
      epochs: 1,
      evalEvery: 3,
      loss(own, batch) {
        modes.push(own.training);
        const error = loss(own, batch);
        expect(error.requiresGrad).toBe(own.training);
        return { loss: error, metrics: { rmse: error.sqrt() } };
      },
      metrics: async (own, batches) => {
        expect(own.training).toBe(false);
        let count = 0;
        for await (const { x } of batches) count += own.forward(x).numel;
        return { predictions: count, eval_constant: 7 };
      },
    });
    expect(modes).toEqual([true, true, true, false, false, true, false, false]);
    const evaluations = evaluationsOf(events);
    expect(evaluations.map(({ step }) => step)).toEqual([3, 4]);
    const { metrics } = evaluations.at(-1)!;
    net.eval();
    const errors = torch.noGrad(() => validation().map((batch) => loss(net, batch).item()));
    expect(metrics.eval_loss).toBeCloseTo((errors[0]! * 3 + errors[1]! * 5) / 8, 10);
    expect(metrics).toMatchObject({ epoch: 1, eval_samples: 8, eval_predictions: 8, eval_constant: 7 });
    expect(metrics.eval_rmse).toBeCloseTo((Math.sqrt(errors[0]!) * 3 + Math.sqrt(errors[1]!) * 5) / 8, 6);
    const batchEvents = events.filter((event) => event.type === 'evaluationBatch');
    expect(batchEvents.at(-1)).toEqual({ type: 'evaluationBatch', batch: 2, batches: 2 });
  });

  test('of fewer samples than a batch of the training is an evaluation', async () => {
    const { events } = await train({ data: { train: makeBatches(), validation: makeBatches([1]) } });
    expect(evaluationsOf(events).at(-1)!.metrics.eval_samples).toBe(1);
  });
});

test.each(['bf16', 'float16'] as const)('%s trains too, with weights that stay float32', async (precision) => {
  const { net, steps } = await train({ precision, epochs: 15, learningRate: 2e-2, schedule: 'constant' });
  expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss / 2);
  expect(new Set([...net.parameters()].map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
  const scales = steps.map(({ scale }) => scale);
  expect(scales[0]).toBe(precision === 'float16' ? 2 ** 16 : undefined);
});

test('a native model is trained on a loss of ones own', async () => {
  torch.manualSeed(1);
  const sizes = { vocabSize: 17, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };
  const model = ResidualLlama.create({ ...sizes, residual: '3.2' });
  const ids = torch.arange(34, { dtype: 'int64' }).remainder(17).reshape([2, 17]);
  const trainer = new Trainer(model, {
    data: { train: [ids] },
    epochs: 30,
    learningRate: 1e-2,
    loss: (llama, batch) => {
      const logits = llama.forward(batch.narrow(1, 0, 16));
      return F.crossEntropy(logits.reshape([-1, 17]), batch.narrow(1, 1, 16).reshape([-1]));
    },
  });
  const steps = stepsOf(await collect(trainer));
  expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss / 2);
});

describe('a loader that shuffles, for evaluation', () => {
  const samples = Array.from({ length: 40 }, (_, n) => ({
    x: Float32Array.of(n, -n, 1, 2),
    y: Float32Array.of(n % 7),
  }));
  const shuffled = () => new DataLoader(samples, { batchSize: 8, shuffle: true, dropLast: true, seed: 7 }) as never;

  test('gives the same batches in the same order each time, as after a break', async () => {
    const seen: number[][] = [];
    const watched = (net: Mlp, batch: Pairs) => {
      if (!net.training) seen.push([batch.x.at(0, 0).item()]);
      return loss(net, batch);
    };
    const data = { train: makeBatches(), validation: shuffled() };
    await train({ data, loss: watched, maxSteps: 3, evalEvery: 1 });
    expect(seen).toHaveLength(15);
    expect(seen.slice(5, 10)).toEqual(seen.slice(0, 5));
    expect(seen.slice(10)).toEqual(seen.slice(0, 5));
  });

  test('is not the one that trains', async () => {
    const one = shuffled();
    await expect((async () => train({ data: { train: one, validation: one } }))()).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('make one for each') as string,
    });
  });
});

describe('loaders', () => {
  test('are iterated anew for each epoch; epochs are counted by their length', async () => {
    let opened = 0;
    const batches = makeBatches();
    const loader = {
      length: 4,
      async *[Symbol.asyncIterator]() {
        opened++;
        for (const batch of batches) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          yield batch;
        }
      },
    };
    const { steps } = await train({ data: { train: loader }, epochs: 2.5, accumulation: 3 });
    expect(opened).toBe(3);
    // 3 and 1 batches make the steps of an epoch: none goes on into the next.
    expect(steps.map(({ samples }) => samples)).toEqual([24, 8, 24, 8, 24]);
    expect(steps.map(({ epoch }) => epoch)).toEqual([0.75, 1, 1.75, 2, 2.75]);
  });

  test('of unknown length end the training after their epochs', async () => {
    const loader = { *[Symbol.iterator]() { yield* makeBatches(); } }; // prettier-ignore
    const { events, steps } = await train({
      data: { train: loader },
      epochs: 2,
      schedule: 'constant',
      accumulation: 3,
    });
    expect(steps.map(({ samples }) => samples)).toEqual([24, 8, 24, 8]);
    expect(steps[0]!.totalSteps).toBeNull();
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'epochs', step: 4, metrics: { epoch: 2 } });
  });

  test('that can be read only once are told so', async () => {
    const once = (function* () { yield* makeBatches(); })(); // prettier-ignore
    await expect(train({ data: { train: once }, schedule: 'constant' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/epoch 1, counted from 0\. A generator can be read only once/) as string,
    });
  });

  test('of unknown length need a schedule that does not end, and steps between evaluations', () => {
    const train = { *[Symbol.iterator]() { yield* makeBatches(); } }; // prettier-ignore
    const refused = (options: object) => () => new Trainer(makeNet(), { data: { train }, loss, ...options });
    expect(refused({})).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining('maxSteps') }),
    );
    expect(refused({ schedule: 'constant', evalEvery: 'epoch' })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG' }),
    );
    expect(refused({ schedule: 'constant', warmupRatio: 0.1 })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG' }),
    );
    expect(refused({ maxSteps: 10 })).not.toThrow();
  });

  test('of unknown length end with the epochs, also with those that nobody asked for', async () => {
    const train = { *[Symbol.iterator]() { yield* makeBatches(); } }; // prettier-ignore
    const options = { data: { train }, loss, schedule: 'constant' as const, evalEvery: 1000 };
    const asked = await new Trainer(makeNet(), { ...options, epochs: 1 }).run();
    const usual = await new Trainer(makeNet(), options).run();
    expect([asked.reason, usual.reason, usual.step]).toEqual(['epochs', 'epochs', 3 * asked.step]);
  });

  test('that give nothing, or another number than they say, are refused', async () => {
    expect(() => new Trainer(makeNet(), { data: { train: [] }, loss })).toThrow(
      expect.objectContaining({ code: 'ERR_DATA' }),
    );
    expect(() => new Trainer(makeNet(), { data: { train: makeBatches(), validation: [] }, loss })).toThrow(
      expect.objectContaining({ code: 'ERR_DATA' }),
    );
    const none = { *[Symbol.iterator](): Generator<Pairs> {} }; // prettier-ignore
    await expect(train({ data: { train: none }, schedule: 'constant' })).rejects.toMatchObject({ code: 'ERR_DATA' });
    for (const length of [3, 5]) {
      const wrong = { length, [Symbol.iterator]: () => makeBatches()[Symbol.iterator]() };
      await expect(train({ data: { train: wrong } })).rejects.toMatchObject({ code: 'ERR_DATA' });
    }
    for (const length of [2.5, -1, '4', () => 4]) {
      const odd = { length, [Symbol.iterator]: () => makeBatches()[Symbol.iterator]() };
      await expect((async () => train({ data: { train: odd as never } }))()).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
      });
    }
    // A generator is one epoch.
    const once = makeBatches()[Symbol.iterator]() as Iterable<Pairs> & Iterator<Pairs>;
    await expect(train({ data: { train: once }, epochs: 2, schedule: 'constant' })).rejects.toMatchObject({
      code: 'ERR_DATA',
    });
  });

  test('an error of a loader stops the training with it', async () => {
    const broken = new Error('the shelf fell down');
    const loader = { *[Symbol.iterator]() { yield makeBatches()[0]!; throw broken; } }; // prettier-ignore
    await expect(train({ data: { train: loader }, schedule: 'constant' })).rejects.toBe(broken);
  });
});

describe('stopped in the middle of an epoch and resumed, it is the training that was not stopped', () => {
  /** Draws its batches in an order of its own for each epoch, and keeps its place. */
  class Shuffled {
    readonly length = 7;
    readonly #epochs = [20, 21, 22].map((seed) => makeBatches(Array<number>(7).fill(4), seed));
    #epoch = 0;
    #taken = 0;
    drawn = 0;

    state() {
      return { epoch: this.#epoch, taken: this.#taken };
    }

    restore(state: unknown): void {
      ({ epoch: this.#epoch, taken: this.#taken } = state as { epoch: number; taken: number });
    }

    async *[Symbol.asyncIterator]() {
      const batches = this.#epochs[this.#epoch]!;
      while (this.#taken < batches.length) {
        this.drawn++;
        yield await Promise.resolve(batches[this.#taken++]!);
      }
      this.#epoch++;
      this.#taken = 0;
    }
  }

  const options: Partial<ModuleTrainerOptions<Mlp, Pairs>> = {
    epochs: 3,
    accumulation: 2,
    optimizer: (net) => new optim.SGD(net.parameters(), { lr: 0.05, momentum: 0.9 }),
    scheduler: (optimizer) =>
      new optim.schedulers.SequentialLR(optimizer, {
        schedulers: [
          new optim.schedulers.LinearLR(optimizer, { startFactor: 0.1, totalIters: 3 }),
          new optim.schedulers.ExponentialLR(optimizer, { gamma: 0.9 }),
        ],
        milestones: [3],
      }),
  };
  const batchesOf = () => makeBatches(Array<number>(7).fill(4));

  test.each([
    ['an array', batchesOf],
    ['a loader that keeps its place', () => new Shuffled()],
  ])('with %s', async (_, makeLoader) => {
    const out = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-'));
    try {
      const whole = await train({ ...options, data: { train: makeLoader() } });
      const run = path.join(out, 'run');
      const first = new Trainer(makeNet(), { loss, seed: 11, ...options, data: { train: makeLoader() }, out: run });
      const losses: number[] = [];
      for await (const event of first) {
        if (event.type !== 'step') continue;
        losses.push(event.loss);
        if (event.step === 6) await first.stop();
      }
      expect(losses).toHaveLength(6);
      expect(first.position).toEqual({ epoch: 1, batch: 4 });
      const loader = makeLoader();
      const rest = await train({ ...options, data: { train: loader }, out: run, resume: true });
      expect([...losses, ...rest.steps.map((step) => step.loss)]).toEqual(whole.steps.map((step) => step.loss));
      expect(rest.steps.map(({ learningRate }) => learningRate)).toEqual(
        whole.steps.slice(6).map(({ learningRate }) => learningRate),
      );
      expect(weightsOf(rest.net)).toEqual(weightsOf(whole.net));
      if (loader instanceof Shuffled) expect(loader.drawn).toBe(10);
      const other = { ...options, data: { train: _ === 'an array' ? new Shuffled() : batchesOf() }, out: run };
      await expect(train({ ...other, resume: true })).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
    } finally {
      fs.rmSync(out, { recursive: true });
    }
  });
});

describe('mistakes are told', () => {
  test('a loss without gradients', async () => {
    const detached = (net: Mlp, batch: Pairs) => loss(net, batch).detach();
    await expect(train({ loss: detached })).rejects.toMatchObject({
      code: 'ERR_AUTOGRAD',
      message: expect.stringContaining('The loss function gave a loss without gradients') as string,
    });
  });

  test.each([
    ['a loss that is no tensor', { loss: () => 1 as never }],
    ['a loss of more than one number', { loss: (net: Mlp, { x }: Pairs) => net.forward(x) }],
    ['targets that are no number', { loss: (net: Mlp, batch: Pairs) => ({ loss: loss(net, batch), targets: NaN }) }],
    [
      'a metric of more than one number',
      { loss: (net: Mlp, batch: Pairs) => ({ loss: loss(net, batch), metrics: { x: batch.x } }) },
    ],
    ['an optimiser that is none', { optimizer: () => ({}) as never }],
    ['an optimiser in place of a function', { optimizer: new optim.SGD(makeNet().parameters(), { lr: 1 }) as never }],
    ['an optimiser of another model', { optimizer: () => new optim.SGD(makeNet().parameters(), { lr: 1 }) }],
    ['observers that are no array', { observers: (() => undefined) as never }],
    ['a signal that is none', { signal: {} as never }],
    ['another word for resuming', { resume: 'yes' as never, out: 'nowhere' }],
    [
      'settings beside an optimiser of ones own',
      { optimizer: (net: Mlp) => new optim.SGD(net.parameters(), { lr: 1 }), learningRate: 1 },
    ],
    ['a scheduler that is none', { scheduler: () => ({}) as never }],
    ['a schedule beside a scheduler', { scheduler: () => ({}) as never, schedule: 'linear' as const }],
    ['data that are no batches', { data: { train: 5 as never } }],
    ['metrics that are no function', { metrics: {} as never }],
  ])('%s', async (_, options) => {
    await expect((async () => train(options as Partial<ModuleTrainerOptions<Mlp, Pairs>>))()).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });

  test('a metric that is no number', async () => {
    const data = { train: makeBatches(), validation: makeBatches() };
    await expect(train({ data, metrics: () => ({ f1: 'high' as never }) })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });

  test('what a loss function throws stops the training, with the weights of the step before', async () => {
    const net = makeNet();
    const before = weightsOf(net);
    const mine = new Error('mine');
    const lossOf = () => Promise.reject(mine);
    await expect(train({ loss: lossOf }, net)).rejects.toBe(mine);
    expect(weightsOf(net)).toEqual(before);
  });

  test('NaN in the data stops the training before the update, and says where', async () => {
    const batches = makeBatches();
    batches[2]!.x.fill_(NaN);
    const net = makeNet();
    const error = await train({ data: { train: batches } }, net).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect((error as Error).message).toMatch(/step 3.*batch\.x/s);
    for (const weights of weightsOf(net).flat(3)) expect(Number.isFinite(weights)).toBe(true);
  });

  test('a learning rate too high stops it too, and names a parameter', async () => {
    const wild = (net: Mlp) => new optim.SGD(net.parameters(), { lr: 1e30 });
    const error = await train({ optimizer: wild, maxGradNorm: null, epochs: 20 }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'ERR_NON_FINITE',
      message: expect.stringMatching(/(inner|outer)\.(weight|bias)/),
    });
  });
});

test('a step that is broken off leaves the weights as they were', async () => {
  const controller = new AbortController();
  const net = makeNet();
  let calls = 0;
  const before: unknown[] = [];
  const lossOf = (own: Mlp, batch: Pairs) => {
    if (++calls === 7) controller.abort();
    if (calls === 5) before.push(weightsOf(own));
    return loss(own, batch);
  };
  await expect(
    train({ loss: lossOf, accumulation: 3, epochs: 5, signal: controller.signal }, net),
  ).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect([weightsOf(net)]).toEqual(before);
});

test('steps keep no tensors, and let timers run between their parts', async () => {
  const batches = makeBatches();
  let ticks = 0;
  let lived: number[] = [];
  const timer = setInterval(() => ticks++, 0);
  const data = { train: batches, validation: batches };
  const trainer = new Trainer(makeNet(), { data, loss, epochs: 40, evalEvery: 40 });
  for await (const event of trainer) {
    if (event.type === 'step' && event.step % 40 === 1) lived = [...lived, torch.memory().tensors];
  }
  clearInterval(timer);
  expect(new Set(lived.slice(1)).size).toBe(1);
  expect(ticks).toBeGreaterThan(20);
});
