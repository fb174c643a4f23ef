import fs from 'node:fs';
import path from 'node:path';

import { nn, optim } from '../../../lib';
import { native } from '../../../lib/native';
import { ResidualLlama } from '../../../lib/residual';
import { torch } from '../../../lib/tensor';
import { Trainer, type TrainerOptions } from '../../../lib/train';
import { temporaryFolder, vocabSize, writeTokens } from '../tokens';

let folder: string;
let file: string;
let data: TrainerOptions['data'];
beforeAll(() => {
  folder = temporaryFolder();
  data = { train: writeTokens(folder, 'train', 24), validation: writeTokens(folder, 'validation', 5) };
});
beforeEach(() => {
  file = path.join(folder, 'traces', 'trace.json');
});
afterEach(() => {
  jest.restoreAllMocks();
  fs.rmSync(path.dirname(file), { recursive: true, force: true });
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

interface TraceEvent {
  ph: string;
  cat?: string;
  name: string;
  ts: number;
  dur: number;
  tid: number;
  args?: Record<string, unknown>;
}

function eventsOf(category: string, name = file): TraceEvent[] {
  const { traceEvents } = JSON.parse(fs.readFileSync(name, 'utf8')) as { traceEvents: TraceEvent[] };
  return traceEvents.filter(({ cat, ph }) => cat === category && ph === 'X');
}
const operators = (name?: string) => eventsOf('cpu_op', name);
const namesOf = (events: TraceEvent[]) => [...new Set(events.map(({ name }) => name))];

const sizes = { vocabSize, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };
const makeModel = () => ResidualLlama.create({ ...sizes, residual: '3.2' });
const options = { batchSize: 4, learningRate: 1e-2, maxSteps: 6 };

test('a trace of some steps of a native model has their forward and backward operators', async () => {
  const trainer = new Trainer(makeModel(), { ...options, data, profile: { steps: [3, 4], shapes: true, file } });
  const duration: Record<number, number> = {};
  for await (const event of trainer) {
    if (event.type !== 'step') continue;
    duration[event.step] = event.seconds;
    expect(fs.existsSync(file)).toBe(event.step >= 4);
  }
  const events = operators();
  const names = namesOf(events);
  expect(names).toContain('aten::mm');
  expect(names.filter((name) => /^autograd::engine::evaluate_function: .*LinearCrossEntropy/.test(name))).toHaveLength(
    1,
  );
  const span = Math.max(...events.map(({ ts, dur }) => ts + dur)) - Math.min(...events.map(({ ts }) => ts));
  expect(span / 1e6).toBeLessThan(duration[3]! + duration[4]! + 1);
  const backward = events.filter(({ name }) => /evaluate_function: .*LinearCrossEntropy/.test(name));
  expect(backward).toHaveLength(2);
  const product = events.find(({ name }) => name === 'aten::mm');
  const parts = eventsOf('user_annotation').sort((a, b) => a.ts - b.ts);
  const step = ['data', 'forward', 'backward', 'optimizer'];
  expect(parts.map(({ name }) => name)).toEqual([...step, ...step]);
  expect(parts.some(({ ts, dur }) => product!.ts >= ts && product!.ts + product!.dur <= ts + dur)).toBe(true);
  expect(product?.args?.['Input Dims']).toEqual(expect.arrayContaining([expect.arrayContaining([expect.any(Number)])]));
});

test('a trace of a module of TypeScript has them too', async () => {
  const net = new nn.Linear(3, 1);
  const batches = Array.from({ length: 4 }, () => torch.randn([5, 3]));
  const trainer = new Trainer(net, {
    data: { train: batches },
    loss: (module, x) => module.forward(x).square().mean(),
    optimizer: (module) => new optim.SGD(module.parameters(), { lr: 0.1 }),
    maxSteps: 3,
    profile: { steps: [2, 2], file },
  });
  await trainer.run();
  expect(namesOf(operators())).toEqual(
    expect.arrayContaining(['aten::linear', 'aten::mean', 'MeanBackward0', 'AddmmBackward0']),
  );
});

test('training is the same to the bit while it is recorded', async () => {
  const losses = async (given: Partial<TrainerOptions>) => {
    torch.manualSeed(1);
    const all: number[] = [];
    for await (const event of new Trainer(makeModel(), { ...options, data, ...given }))
      if (event.type === 'step') all.push(event.loss, event.gradNorm);
    return all;
  };
  expect(await losses({ profile: { steps: [2, 4], file } })).toEqual(await losses({}));
});

test('what was recorded is written of a training that ends early, and another can be recorded', async () => {
  for (const last of [100, 5]) {
    const trainer = new Trainer(makeModel(), { ...options, data, profile: { steps: [2, last], file } });
    for await (const event of trainer) if (event.type === 'step' && event.step === 3) break;
    expect(namesOf(operators())).toContain('aten::mm');
    fs.rmSync(file);
  }
});

test('in a run of its own the trace is beside the history', async () => {
  const out = path.dirname(file);
  await new Trainer(makeModel(), { ...options, maxSteps: 1, data, out, profile: { steps: [1, 1] } }).run();
  expect(operators(path.join(out, 'trace.json')).length).toBeGreaterThan(10);
});

test('steps that the training does not have are refused', async () => {
  const trainer = new Trainer(makeModel(), { ...options, data, profile: { steps: [7, 9], file } });
  await expect(trainer.run()).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining('step 7'),
  });
});

describe('torch.profile', () => {
  test('records what the work does, on this thread and in jobs, and nothing else', async () => {
    const x = torch.randn([4, 4]);
    x.cos();
    const result = await torch.profile(file, async () => {
      await x.mm(x).data();
      return x.sin().sum().item();
    });
    x.tan();
    expect(result).toBeCloseTo(x.sin().sum().item(), 6);
    const names = namesOf(operators());
    expect(names).toEqual(expect.arrayContaining(['aten::mm', 'aten::sin', 'aten::sum']));
    expect(names).not.toContain('aten::cos');
    expect(names).not.toContain('aten::tan');
  });

  test('writes the trace of work that fails, and throws its error', async () => {
    const failing = torch.profile(file, () => {
      torch.ones([2]).exp();
      throw new RangeError('enough');
    });
    await expect(failing).rejects.toThrow('enough');
    expect(namesOf(operators())).toContain('aten::exp');
  });

  test('one recording at a time', async () => {
    const nested = torch.profile(file, () => torch.profile(`${file}.2`, () => 1));
    await expect(nested).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining('already') });
    expect(await torch.profile(file, () => 2)).toBe(2);
  });

  test('a file that cannot be written is named, and nothing is left', async () => {
    fs.mkdirSync(file, { recursive: true });
    await expect(torch.profile(file, () => torch.ones([2]))).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining(file),
    });
    expect(fs.readdirSync(path.dirname(file))).toEqual(['trace.json']);
  });

  test('a libtorch without its profiler is told of', async () => {
    jest.spyOn(native, 'profilerExists').mockReturnValue(false);
    await expect(torch.profile(file, () => 1)).rejects.toMatchObject({
      code: 'ERR_VERSION',
      message: expect.stringMatching(/built without Kineto/),
    });
  });
});
