/** Training on a stream: read ahead, bounded, ended by steps or tokens or its own end, and resumed to the bit. */
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';

import { F, nn, streams } from '../../lib';
import { ByteTokenizer } from '../../lib/data/byte-tokenizer';
import { ResidualLlama } from '../../lib/residual';
import { torch } from '../../lib/tensor';
import { Trainer, type StepEvent, type StreamTrainerOptions, type TrainEvent } from '../../lib/train';
import { writeJsonl } from '../data/streams/shards';
import { temporaryFolder, writeTokens } from './tokens';

let folder: string;
let json: string[];
beforeAll(() => {
  folder = temporaryFolder();
  json = writeJsonl(path.join(folder, 'jsonl'), { shards: 4, rows: 40 });
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

function makeModel(vocabSize = 256): ResidualLlama {
  torch.manualSeed(7);
  const sizes = { hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 1, numAttentionHeads: 2 };
  return ResidualLlama.create({ vocabSize, ...sizes, residual: '3.2' });
}

const blocks = () =>
  streams
    .tokenize(
      streams
        .jsonl<{ text: string }>(json)
        .map(({ text }) => text)
        .shuffle({ buffer: 30, seed: 1 }),
      new ByteTokenizer(),
      { together: 5 },
    )
    .pack({ blockSize: 16, endToken: 0 });

const trainerOf = (options: Partial<StreamTrainerOptions>, model = makeModel()) =>
  new Trainer(model, {
    data: { train: blocks() },
    batchSize: 3,
    schedule: 'constant',
    learningRate: 1e-2,
    logEvery: 1000,
    ...options,
  });

async function events(trainer: Trainer, most = Infinity): Promise<TrainEvent[]> {
  const seen: TrainEvent[] = [];
  for await (const event of trainer) {
    seen.push(event);
    if (event.type === 'step' && event.step >= most) break;
  }
  return seen;
}

const steps = (seen: TrainEvent[]) => seen.filter((event): event is StepEvent => event.type === 'step');
const ofType = <T extends TrainEvent['type']>(seen: TrainEvent[], type: T) =>
  seen.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);

test('stop() ends a training whose source gives nothing for now, with the last whole step', async () => {
  const source = async function* () {
    for (let block = 0; block < 6; block++) yield Array.from({ length: 16 }, (_, i) => i + block);
    await new Promise(() => {});
  };
  const trainer = trainerOf({ data: { train: streams.from(source) } });
  trainer.on('step', ({ step }) => {
    if (step === 2) setTimeout(() => void trainer.stop(), 50);
  });
  const { reason, step } = await trainer.run();
  expect([reason, step]).toEqual(['stopped', 2]);
});

test('a stream is trained on until it ends, its last batch short', async () => {
  let all = 0;
  for await (const block of blocks()) all += block.length / 16;
  const seen = await events(trainerOf({ accumulation: 2 }));
  expect(ofType(seen, 'start')[0]).toMatchObject({ totalSteps: null });
  expect(ofType(seen, 'end')[0]).toMatchObject({ reason: 'data-ended' });
  expect(steps(seen)).toHaveLength(Math.ceil(all / 6));
  expect(steps(seen).reduce((sum, { samples }) => sum + samples, 0)).toBe(all);
  expect(steps(seen).at(-1)!.loss).toBeLessThan(steps(seen)[0]!.loss);
});

test('steps and tokens limit it, and plan the learning rate; it is evaluated', async () => {
  const validation = writeTokens(folder, 'validation', 4);
  const bySteps = await events(
    trainerOf({ data: { train: blocks().repeat(), validation }, maxSteps: 9, schedule: 'linear', evalEvery: 4 }),
  );
  expect(ofType(bySteps, 'end')[0]).toMatchObject({ reason: 'steps', step: 9 });
  expect(steps(bySteps).at(-1)!.learningRate).toBeLessThan(2e-3);
  expect(ofType(bySteps, 'evaluation').map(({ step }) => step)).toEqual([4, 8, 9]);

  const byTokens = await events(
    trainerOf({ data: { train: blocks().repeat() }, maxTrainTokens: 16 * 3 * 5 - 7, schedule: 'linear' }),
  );
  expect(ofType(byTokens, 'start')[0]).toMatchObject({ totalSteps: 5 });
  expect(ofType(byTokens, 'end')[0]).toMatchObject({ reason: 'tokens', step: 5 });
});

test.each(['evalEvery', 'saveEvery'] as const)('%s by epochs, which streams do not have, is refused', (key) => {
  expect(() => trainerOf({ [key]: 'epoch', maxSteps: 4 })).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(`train.${key}`) as string }),
  );
});

test('a resumed training goes on to the bit, in mid-stream and with accumulation', async () => {
  const options = { data: { train: blocks().repeat() }, accumulation: 2, maxSteps: 14, saveEvery: 3 };
  const whole = steps(await events(trainerOf(options)));
  const out = path.join(folder, 'run');
  await events(trainerOf({ ...options, out }), 8);
  const model = makeModel();
  const resumed = await events(trainerOf({ ...options, out, resume: true }, model));
  expect(ofType(resumed, 'start')[0]!.step).toBe(8);
  expect(steps(resumed).map(({ loss, gradNorm }) => [loss, gradNorm])).toEqual(
    whole.slice(8).map(({ loss, gradNorm }) => [loss, gradNorm]),
  );
});

test('a state of other data is refused', async () => {
  const out = path.join(folder, 'other');
  await events(trainerOf({ out, maxSteps: 4 }));
  const other = trainerOf({ out, resume: true, maxSteps: 4, data: { train: blocks().skip(2) } });
  await expect(events(other)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
});

test('a source that is faster than training is asked for a bounded number of samples', async () => {
  let made = 0;
  const endless = () =>
    new Readable({
      objectMode: true,
      highWaterMark: 4,
      read() {
        made++;
        this.push(Array.from({ length: 16 }, (_, n) => (n * made) % 256));
      },
    });
  const stream = streams.from<number[]>(endless);
  let most = 0;
  for await (const event of trainerOf({ data: { train: stream }, batchSize: 2, accumulation: 2, maxSteps: 30 })) {
    if (event.type === 'step') most = Math.max(most, made - event.step * 4);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  // Eight micro-batches of two wait at most, beside what the Node stream holds and what is on its way.
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(8 * 2 + 4 + 2);
});

test('a source that waits for ever is left by a signal', async () => {
  const waits = () => {
    let given = 0;
    return new Readable({
      objectMode: true,
      read() {
        if (given++ < 4) this.push(Uint8Array.from({ length: 8 }, (_, n) => n));
      },
    });
  };
  const controller = new AbortController();
  const trainer = trainerOf({
    data: { train: streams.from<Uint8Array>(waits) },
    batchSize: 2,
    maxSteps: 9,
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(), 300);
  await expect(events(trainer)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(trainer.state.globalStep).toBe(2);
});

test('a damaged shard is skipped, counted and told of; or ends the training', async () => {
  const damaged = path.join(folder, 'damaged.jsonl.gz');
  fs.writeFileSync(damaged, fs.readFileSync(json[1]!).subarray(0, 200));
  const train = (onDamage: 'stop' | 'skip') =>
    streams
      .tokenize(
        streams.jsonl<{ text: string }>([json[0]!, damaged, json[2]!], { onDamage }).map(({ text }) => text),
        new ByteTokenizer(),
      )
      .pack({ blockSize: 16 });
  const seen = await events(trainerOf({ data: { train: train('skip') } }));
  expect(ofType(seen, 'warning').map(({ message }) => message)).toEqual([
    expect.stringMatching(/damaged\.jsonl\.gz: .*The rest of the file was passed over \(1 so far\)/),
  ]);
  expect(ofType(seen, 'end')[0]).toMatchObject({ reason: 'data-ended' });
  await expect(events(trainerOf({ data: { train: train('stop') } }))).rejects.toMatchObject({ code: 'ERR_DATA' });
});

test.each<[string, () => streams.SampleStream<ArrayLike<number>>, RegExp]>([
  ['texts', () => streams.from(() => ['text']) as streams.SampleStream<never>, /tokenize/],
  [
    'blocks of different lengths',
    () =>
      streams.from(() => [
        [1, 2, 3],
        [1, 2],
      ]),
    /blocks of 3 and of 2 tokens/,
  ],
  ['blocks of one token', () => streams.from(() => [[1]]), /nothing to predict/],
  ['an id beyond the vocabulary', () => streams.from(() => [Uint16Array.of(1, 256)]), /token id 256.*256 entries/],
  [
    'ids that are bigints',
    () => streams.from(() => [BigInt64Array.of(1n, 2n)]) as streams.SampleStream<never>,
    /tokenize/,
  ],
  ['ids that are no whole numbers', () => streams.from(() => [[1, 2.5]]), /token id 2.5/],
])('%s are refused', async (_, stream, message) => {
  await expect(events(trainerOf({ data: { train: stream() } }))).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(message) as string,
  });
});

test('what a stream cannot have is refused when the trainer is made', () => {
  const refused = (options: Partial<StreamTrainerOptions>) =>
    expect(() => trainerOf(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  refused({ epochs: 2 });
  refused({ schedule: 'linear' });
  refused({ warmupRatio: 0.1 });
  refused({ evalEvery: 'epoch' });
});

test('an empty stream is an error, as empty data of other kinds are', async () => {
  const empty = events(trainerOf({ data: { train: blocks().take(0) } }));
  await expect(empty).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(/not one block/) as string,
  });
});

test('the overfitting check sees the first blocks of a stream again and again', async () => {
  const seen = await events(
    trainerOf({ data: { train: blocks().repeat() }, overfit: { batches: 2, steps: 60 }, learningRate: 3e-2 }),
  );
  expect(ofType(seen, 'end')[0]).toMatchObject({ step: 60 });
  const tokens = steps(seen).map(({ nll }) => nll);
  expect(tokens.at(-1)!).toBeLessThan(tokens[0]! / 2);
});

test('a module of one’s own learns from a stream of batches, each epoch in another order, and goes on to the bit', async () => {
  const starts: number[] = [];
  const numbers = streams.from(
    function* ({ start }) {
      starts.push(start);
      for (let n = start; n < 40; n++) yield n / 40;
    },
    { seekable: true },
  );
  const stream = numbers
    .shuffle({ buffer: 8, seed: 1 })
    .batch(4)
    .map((some) => ({ x: torch.tensor(some.map((n) => [n])), y: torch.tensor(some.map((n) => [3 * n])) }));
  const make = (options: object) => {
    torch.manualSeed(3);
    const net = new nn.Linear(1, 1);
    return new Trainer(net, {
      data: { train: stream },
      loss: (model, { x, y }) => F.mseLoss(model.forward(x), y),
      schedule: 'constant',
      learningRate: 1e-2,
      maxSteps: 25,
      saveEvery: 5,
      ...options,
    });
  };
  const whole = steps(await events(make({})));
  expect(whole.slice(0, 10).map(({ loss }) => loss)).not.toEqual(whole.slice(10, 20).map(({ loss }) => loss));
  const out = path.join(folder, 'module');
  await events(make({ out }), 17);
  starts.length = 0;
  const resumed = steps(await events(make({ out, resume: true })));
  expect(resumed.map(({ step, loss }) => [step, loss])).toEqual(whole.slice(17).map(({ step, loss }) => [step, loss]));
  expect(starts[0]).toBeGreaterThanOrEqual(20); // the second epoch's last two chunks, not its beginning
});
