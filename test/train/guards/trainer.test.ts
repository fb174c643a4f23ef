/** What guards a training: limits, checks before it, and stops before the weights are spoilt. */
import fs from 'node:fs';

import { nn, torch } from '../../../lib';
import { Trainer, type EndEvent, type TrainEvent, type TrainerOptions } from '../../../lib/train';
import { EarlyStopping } from '../../../lib/train/guards/early-stopping';
import { reversedPairs, writePairs } from '../pairs';
import { temporaryFolder, writeTokens } from '../tokens';
import {
  collect,
  makeAdder,
  makeDecoder,
  makeSums,
  makeTranslator,
  ofType,
  weightsOf,
  type Adder,
  type Sums,
} from './trainings';

let folder: string;
let data: TrainerOptions['data'];
let pairs: ReturnType<typeof writePairs>;
beforeAll(() => {
  folder = temporaryFolder();
  data = { train: writeTokens(folder, 'train', 24), validation: writeTokens(folder, 'validation', 3) };
  pairs = writePairs(folder, 'pairs', reversedPairs(30));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Blocks of 8 tokens, 4 a step. */
async function train(options: Partial<TrainerOptions>, model = makeDecoder()) {
  const trainer = new Trainer(model, { data, batchSize: 4, learningRate: 1e-2, ...options });
  const events = await collect(trainer);
  return { trainer, events, model, steps: ofType(events, 'step'), end: ofType(events, 'end')[0]! };
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as unknown }) as Error;

const squaredError = (net: Adder, { x, y }: Sums) => nn.functional.mseLoss(net.forward(x), y);

describe('training ends with the first limit that is reached', () => {
  test.each<[Partial<TrainerOptions>, number, EndEvent['reason']]>([
    [{ maxSteps: 3, epochs: 1 }, 3, 'steps'],
    [{ maxSteps: 9, epochs: 1 }, 6, 'epochs'],
    [{ maxSteps: 9, maxTrainTokens: 70 }, 3, 'tokens'],
    [{ maxTrainTokens: 24 * 8 + 1 }, 7, 'tokens'],
    [{ maxSteps: 9, maxMinutes: 1e-9 }, 0, 'minutes'],
  ])('%j', async (limits, steps, reason) => {
    const { end, trainer } = await train(limits);
    expect([end.step, end.reason]).toEqual([steps, reason]);
    // The learning rate comes down to the end that is known before.
    if (reason !== 'minutes') expect(trainer.plan.totalSteps).toBe(steps);
  });

  test('minutes are those of training', async () => {
    const start = performance.now();
    const { end, events } = await train({ maxSteps: 1e6, maxMinutes: 0.5 / 60 });
    expect(end.reason).toBe('minutes');
    expect(end.step).toBeGreaterThan(0);
    expect(ofType(events, 'step').at(-1)!.elapsed).toBeLessThan((performance.now() - start) / 1000);
    expect((performance.now() - start) / 1000).toBeGreaterThanOrEqual(0.5);
  });

  test('tokens of pairs are counted without padding, and planned for', async () => {
    const options = { maxTokens: 14, learningRate: 1e-3, data: { train: pairs, validation: pairs } };
    const counts = new Trainer(makeTranslator(), { ...options, epochs: 2 });
    const steps = ofType(await collect(counts), 'step');
    let read = 0;
    const [wanted] = [steps.slice(0, 13).reduce((sum, { tokens }) => sum + tokens, 0) - 1];
    const needed = steps.findIndex(({ tokens }) => (read += tokens) >= wanted) + 1;
    const trainer = new Trainer(makeTranslator(), { ...options, maxTrainTokens: wanted });
    const end = await trainer.run();
    expect([end.step, end.reason, trainer.plan.totalSteps]).toEqual([needed, 'tokens', needed]);
  });

  test("tokens of a module's own data are its targets; how many steps that is nobody knows before", async () => {
    const options = { data: { train: makeSums([3, 3, 3]) }, loss: squaredError, maxTrainTokens: 5 };
    expect(() => new Trainer<Adder, Sums>(makeAdder(), options)).toThrow(refusal('ERR_CONFIG', /schedule/));
    const end = await new Trainer<Adder, Sums>(makeAdder(), { ...options, schedule: 'constant' }).run();
    expect(end.reason).toBe('tokens');
  });
});

describe('early stopping', () => {
  test('ends a training after so many evaluations that are no better', async () => {
    const { end, events } = await train({
      learningRate: 0,
      maxSteps: 100,
      evalEvery: 2,
      earlyStopping: { patience: 3, minDelta: 0 },
    });
    expect([end.step, end.reason]).toEqual([8, 'early-stopping']);
    expect(ofType(events, 'evaluation').map(({ best }) => best)).toEqual([true, false, false, false]);
  });

  test('lets a training go on that gets better', async () => {
    const { end } = await train({ maxSteps: 12, evalEvery: 2, schedule: 'constant', earlyStopping: { patience: 1 } });
    expect(end.reason).toBe('steps');
  });

  test('counts only falls of at least the smallest difference, from the lowest that counted', () => {
    const stopping = new EarlyStopping({ patience: 2, minDelta: 0.1 });
    const states = [3, 2.95, 2.85, NaN, 2.8].map((loss) => {
      stopping.add(loss);
      return [stopping.state.lowest, stopping.state.since, stopping.isOver];
    });
    expect(states).toEqual([
      [3, 0, false],
      [3, 1, false],
      [2.85, 0, false],
      [2.85, 1, false],
      [2.85, 2, true],
    ]);
  });

  test('goes on counting where a checkpoint was', async () => {
    const options: Partial<TrainerOptions> = {
      out: `${folder}/early`,
      learningRate: 0,
      maxSteps: 100,
      evalEvery: 2,
      earlyStopping: { patience: 3, minDelta: 0 },
    };
    const first = new Trainer(makeDecoder(), { data, batchSize: 4, ...options });
    for await (const event of first) if (event.type === 'step' && event.step === 5) break;
    const { end, steps } = await train({ ...options, resume: true });
    expect(steps[0]!.step).toBe(6);
    expect([end.step, end.reason]).toEqual([8, 'early-stopping']);
  });

  test('needs validation data', () => {
    const train = makeSums([3]);
    expect(
      () => new Trainer<Adder, Sums>(makeAdder(), { data: { train }, loss: squaredError, earlyStopping: {} }),
    ).toThrow(refusal('ERR_CONFIG', /earlyStopping.*validation/));
  });
});

describe('sanity', () => {
  test('evaluates before the first step, which changes nothing of what follows', async () => {
    const [plain, sane] = [await train({ maxSteps: 3 }), await train({ maxSteps: 3, sanity: true })];
    const [first] = ofType(sane.events, 'evaluation');
    expect(first).toMatchObject({ step: 0, best: false, metrics: { eval_samples: 3 } });
    expect(sane.events.indexOf(first!)).toBeLessThan(sane.events.indexOf(sane.steps[0]!));
    // A model that knows nothing.
    expect(first!.metrics.eval_loss).toBeCloseTo(Math.log(17), 0);
    expect(weightsOf(sane.model)).toEqual(weightsOf(plain.model));
    expect(sane.end.best!.step).toBe(3);
  });

  test('stops before any step where the model gives no number', async () => {
    const model = makeDecoder();
    torch.noGrad(() => [...model.parameters()][0]!.fill_(NaN));
    const trainer = new Trainer(model, { data, sanity: true });
    await expect(collect(trainer)).rejects.toThrow(
      refusal('ERR_NON_FINITE', /^Before training: The evaluation gave a loss of NaN/),
    );
    expect(trainer.state.globalStep).toBe(0);
  });
});

describe('overfitting a few batches', () => {
  test('trains on the same ones, and passes when they are learned by heart', async () => {
    const { end, steps, events, trainer } = await train({
      overfit: { batches: 2, steps: 60, fall: 0.9 },
      schedule: 'cosine',
      warmupSteps: 10_000,
      evalEvery: 1,
    });
    expect([end.step, end.reason, end.error]).toEqual([60, 'steps', null]);
    expect(trainer.plan).toMatchObject({ stepsPerEpoch: 2 });
    expect(new Set(steps.map(({ learningRate }) => learningRate))).toEqual(new Set([1e-2]));
    expect(ofType(events, 'evaluation')).toEqual([]);
    expect(end.metrics.overfit_last_loss).toBeLessThan(end.metrics.overfit_first_loss! / 10);
    expect(end.metrics.overfit_first_loss).toBeCloseTo((steps[0]!.loss + steps[1]!.loss) / 2, 12);
  });

  test('fails with what to do when they are not', async () => {
    const trainer = new Trainer(makeDecoder(), { data, batchSize: 4, learningRate: 1e-7, overfit: { steps: 5 } });
    await expect(collect(trainer)).rejects.toThrow(
      refusal('ERR_NOT_LEARNING', /the same batch.*went from 2\.\d+ to 2\.\d+.*50 %.*learningRate/s),
    );
  });

  test('of pairs', async () => {
    const options = { maxTokens: 40, learningRate: 1e-2, overfit: { batches: 1, steps: 80, fall: 0.5 } };
    const trainer = new Trainer(makeTranslator(), { data: { train: pairs, validation: pairs }, ...options });
    const steps = ofType(await collect(trainer), 'step');
    expect(new Set(steps.map(({ tokens, samples }) => `${tokens} ${samples}`)).size).toBe(1);
  });

  test("of a module's own data, however short the loader's batches live", async () => {
    const seen: unknown[] = [];
    const train = {
      *[Symbol.iterator]() {
        yield* makeSums([4, 4, 4]);
      },
    };
    const loss = (net: Adder, batch: Sums) => {
      seen.push(batch);
      return squaredError(net, batch);
    };
    const options = { learningRate: 0.05, overfit: { batches: 2, steps: 100 } };
    await new Trainer<Adder, Sums>(makeAdder(), { data: { train }, loss, ...options }).run();
    expect([seen.length, new Set(seen).size]).toEqual([100, 2]);
  });
});

describe('numbers that are not finite', () => {
  test('stop the training before the update: what, where, and the weights as they were', async () => {
    const model = makeDecoder();
    const trainer = new Trainer(model, { data, batchSize: 4, maxSteps: 10, learningRate: 1e-3 });
    let before: unknown;
    const run = (async () => {
      for await (const event of trainer) {
        if (event.type !== 'step' || event.step !== 4) continue;
        const weight = new Map(model.namedParameters()).get('model.layers.1.mlp.down_proj.weight')!;
        torch.noGrad(() => weight.select(0, 0).fill_(Infinity));
        before = weightsOf(model);
      }
    })();
    await expect(run).rejects.toThrow(
      refusal(
        'ERR_NON_FINITE',
        /step 5, before its update: the parameter model\.layers\.1\.mlp\.down_proj\.weight .*learning rate/s,
      ),
    );
    expect(trainer.state.globalStep).toBe(4);
    expect(weightsOf(model)).toEqual(before);
  });

  test('in the data of a module are told with their place', async () => {
    const train = makeSums([4, 4, 4]);
    torch.noGrad(() => train[2]!.x.select(0, 1).fill_(NaN));
    const net = makeAdder();
    const trainer = new Trainer<Adder, Sums>(net, { data: { train }, loss: squaredError, epochs: 1 });
    await expect(collect(trainer)).rejects.toThrow(refusal('ERR_NON_FINITE', /step 3.*batch\.x.*Clean the data/s));
    expect(
      weightsOf(net)
        .flat(3)
        .every((value) => Number.isFinite(value)),
    ).toBe(true);
  });

  test('are told of batches that lead back to themselves, too', async () => {
    const batch: { parts: unknown[]; whole?: unknown } = { parts: ['a', { x: torch.ones([3, 2]) }] };
    batch.whole = batch;
    const scale = [1, NaN];
    const trained = new Trainer(new nn.Linear(2, 1), {
      data: { train: [batch] },
      loss: (net: nn.Linear) =>
        net
          .forward(torch.ones([3, 2]))
          .mean()
          .mul(scale.shift()!),
      schedule: 'constant',
      maxSteps: 2,
    });
    const samples: number[] = [];
    trained.on('step', (event) => void samples.push(event.samples));
    await expect(trained.run()).rejects.toMatchObject({ code: 'ERR_NON_FINITE' });
    expect(samples).toEqual([3]);
  });

  test('in an evaluation are a warning, and no best one', async () => {
    const [train, validation] = [makeSums([4]), makeSums([4])];
    torch.noGrad(() => validation[0]!.y.fill_(NaN));
    const options = { data: { train, validation }, loss: squaredError, maxSteps: 2, evalEvery: 2 };
    const events = await collect(new Trainer<Adder, Sums>(makeAdder(), options));
    expect(ofType(events, 'warning')).toMatchObject([
      { step: 2, message: expect.stringMatching(/loss of NaN.*validation data/) as string },
    ]);
    expect(ofType(events, 'end')[0]).toMatchObject({ reason: 'steps', best: null });
  });

  test('a gradient alone, of a module', async () => {
    const train = makeSums([4]);
    const net = makeAdder();
    // The root has no slope at 0, where it is a number.
    const loss = (module: Adder, { x }: Sums) =>
      module.forward(x.mul(0)).mul(0).add(module.inner.bias!.mul(0).sum().sqrt()).sum();
    const trainer = new Trainer<Adder, Sums>(net, { data: { train }, loss });
    await expect(collect(trainer)).rejects.toThrow(
      refusal('ERR_NON_FINITE', /the loss is finite, but gradients are not: that of inner\.bias is the first/),
    );
  });
});

describe('float16', () => {
  test('trains weights that stay float32', async () => {
    const { steps, model } = await train({ maxSteps: 40, precision: 'float16', schedule: 'constant' });
    expect(steps[0]!.scale).toBe(65_536);
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss / 2);
    expect(new Set([...model.parameters()].map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
  });

  test('leaves out steps whose gradients leave its range, with a lower scale from then on', async () => {
    const net = makeAdder();
    const before = weightsOf(net);
    const changed: boolean[] = [];
    const observers = [
      ({ type }: TrainEvent) =>
        void (type === 'step' && changed.push(JSON.stringify(weightsOf(net)) !== JSON.stringify(before))),
    ];
    // One sample's gradient is not divided by a number of samples.
    const options = { data: { train: makeSums([1]) }, loss: squaredError, precision: 'float16', maxSteps: 6 } as const;
    const trainer = new Trainer<Adder, Sums>(net, { ...options, observers, learningRate: 1e-3, schedule: 'constant' });
    const steps = ofType(await collect(trainer), 'step');
    const leftOut = steps.filter(({ gradNorm }) => !Number.isFinite(gradNorm)).length;
    expect(leftOut).toBeGreaterThan(0);
    expect(steps.map(({ scale }) => scale)).toEqual(steps.map((_, index) => 65_536 / 2 ** Math.min(index, leftOut)));
    expect(changed).toEqual(steps.map((_, index) => index >= leftOut));
  });
});

describe('little data', () => {
  test('an evaluation set smaller than a batch is evaluated whole', async () => {
    const { events } = await train({ maxSteps: 1, evalBatchSize: 64 });
    expect(ofType(events, 'evaluation')[0]!.metrics).toMatchObject({ eval_samples: 3 });
    const batches = ofType(events, 'evaluationBatch');
    expect(batches.map(({ batch, batches: count }) => [batch, count])).toEqual([[1, 1]]);
  });

  test('a training set smaller than a batch is a batch', async () => {
    const { end } = await train({ epochs: 2, batchSize: 64 });
    expect([end.step, end.metrics.train_samples]).toEqual([2, 24]);
  });

  test('no data at all are refused at once, on either side', () => {
    const none = { ...writeTokens(folder, 'none', 1), offsets: new Float64Array(0) };
    for (const splits of [
      { ...data, train: none },
      { ...data, validation: none },
    ]) {
      expect(() => new Trainer(makeDecoder(), { data: splits })).toThrow(refusal('ERR_DATA', /holds no block/));
    }
    const empty = writePairs(folder, 'empty', []);
    for (const splits of [
      { train: empty, validation: pairs },
      { train: pairs, validation: empty },
    ]) {
      expect(() => new Trainer(makeTranslator(), { data: splits })).toThrow(refusal('ERR_DATA', /no pair/));
    }
  });
});

test('deterministic trainings of native models come to the same, to the bit', async () => {
  const options = { maxSteps: 3, precision: 'bf16' } as const;
  const decoders = [await train(options), await train({ ...options, deterministic: true })];
  expect(weightsOf(decoders[1]!.model)).toEqual(weightsOf(decoders[0]!.model));
  const translate = async (deterministic: boolean) => {
    const model = makeTranslator({ type: 'transformer', dropout: 0.1 });
    await new Trainer(model, { ...options, data: { train: pairs, validation: pairs }, deterministic }).run();
    return weightsOf(model);
  };
  expect(await translate(true)).toEqual(await translate(false));
});

test('deterministic holds while training runs, however it ends', async () => {
  const during: boolean[] = [];
  const observers = [() => void during.push(torch.areDeterministicAlgorithmsEnabled())];
  await train({ maxSteps: 2, deterministic: true, observers });
  expect(new Set(during)).toEqual(new Set([true]));
  expect(torch.areDeterministicAlgorithmsEnabled()).toBe(false);
  const loss = (net: Adder, { x, y }: Sums) =>
    nn.functional.mseLoss(net.forward(x.clone().put_(torch.tensor([0], { dtype: 'int64' }), torch.ones([1]))), y);
  const options = { data: { train: makeSums([4]) }, loss, deterministic: true };
  await expect(new Trainer<Adder, Sums>(makeAdder(), options).run()).rejects.toThrow(
    refusal('ERR_NONDETERMINISTIC', /^put_ has no deterministic version/),
  );
  expect(torch.areDeterministicAlgorithmsEnabled()).toBe(false);
  const { end } = await train({ maxSteps: 1 });
  expect(end.step).toBe(1);
});
