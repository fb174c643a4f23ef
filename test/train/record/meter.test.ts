import fs from 'node:fs';

import { native } from '../../../lib/native';
import { forwardFlops, ResidualLlama } from '../../../lib/residual';
import { DelightTransformer, modelCost } from '../../../lib/delight';
import { torch } from '../../../lib/tensor';
import { Trainer } from '../../../lib/train';
import { Meter } from '../../../lib/train/record/meter';
import { eosTokenId, padTokenId, pairVocabSize, reversedPairs, writePairs } from '../pairs';
import { temporaryFolder } from '../tokens';

const openMeter = (flopsPerToken: number | null = null) =>
  Meter.open({ flopsPerToken, precision: 'float32', device: 'cpu' }, undefined);

const step = (number: number, given: object = {}) => ({
  step: number,
  totalSteps: 100,
  tokens: 50,
  seconds: 0.5,
  elapsed: number,
  ...given,
});

test('tokens a second are those of the last steps, by their own seconds', async () => {
  const meter = await openMeter();
  expect(meter.measure(step(1)).tokensPerSecond).toBe(100);
  expect(meter.measure(step(2, { tokens: 150, seconds: 1.5 })).tokensPerSecond).toBe(100);
  expect(meter.measure(step(3, { tokens: 100, seconds: 2 })).tokensPerSecond).toBe(75);
  let last = 0;
  for (let number = 4; number < 24; number++) last = meter.measure(step(number, { tokens: 10 })).tokensPerSecond;
  expect(last).toBe(20);
});

test('what remains is told by the pace so far, the first step aside, and evaluations included', async () => {
  const meter = await openMeter();
  expect(meter.measure(step(1, { seconds: 4, elapsed: 4 })).remaining).toBe(4 * 99);
  expect(meter.measure(step(2, { elapsed: 6 })).remaining).toBe(2 * 98);
  expect(meter.measure(step(3, { elapsed: 14 })).remaining).toBe(5 * 97);
  expect(meter.measure(step(100, { elapsed: 15 })).remaining).toBe(0);
  expect((await openMeter()).measure(step(1, { totalSteps: null })).remaining).toBeNull();
});

test('a training that goes on tells its own pace, not that from before', async () => {
  const meter = await openMeter();
  meter.measure(step(51, { elapsed: 1000 }));
  expect(meter.measure(step(53, { elapsed: 1004 })).remaining).toBe(2 * 47);
});

test("utilisation is a part of what the device's matrix products reach", async () => {
  const peak = await native.matrixPeak(0, 'cpu', 'float32');
  expect(peak).toBeGreaterThan(1e8);
  expect(peak).toBeLessThan(1e14);
  // Measured once.
  expect(await native.matrixPeak(0, 'cpu', 'float32')).toBe(peak);
  const meter = await openMeter(peak / 400);
  expect(meter.measure(step(1)).mfu).toBeCloseTo(0.25, 12);
  expect((await openMeter()).measure(step(1)).mfu).toBeNull();
});

test('measuring can be cancelled, and leaves the random numbers as they were', async () => {
  torch.manualSeed(5);
  const expected = torch.rand([4]).toArray();
  torch.manualSeed(5);
  await native.matrixPeak(0, 'cpu', 'float64');
  expect(torch.rand([4]).toArray()).toEqual(expected);
  const options = { flopsPerToken: 1, precision: 'bf16', device: 'cpu' } as const;
  await expect(Meter.open(options, AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});

test('memory is that of the process', async () => {
  const { memory } = (await openMeter()).measure(step(1));
  expect(memory.resident).toBeGreaterThan(20e6);
  expect(memory.peak).toBeGreaterThanOrEqual(memory.resident);
  expect(memory).not.toHaveProperty('device');
});

test("operations come from each family's cost model", () => {
  const sizes = { vocabSize: 64, hiddenSize: 32, intermediateSize: 64, numHiddenLayers: 3, numAttentionHeads: 2 };
  for (const residual of ['none', '3.2']) {
    using model = ResidualLlama.create({ ...sizes, residual });
    expect(model.trainingFlops(16)).toBe(3 * 16 * forwardFlops(model.config, 16).total);
  }
  using translator = DelightTransformer.create({
    architecture: 'delight-wmt14-en-de-256',
    sourceVocabSize: 100,
    targetVocabSize: 100,
    encoder: { blocks: 1 },
    decoder: { blocks: 1 },
  });
  const lengths = { source: 7, target: 5 };
  expect(translator.trainingFlops(lengths)).toBe(6 * modelCost(translator.config, lengths).total.passMacs);
});

test('a training on pairs tells its utilisation: operations of a pair of mean length, by its tokens', async () => {
  const folder = temporaryFolder();
  const [train, validation] = [
    writePairs(folder, 'train', reversedPairs(36)),
    writePairs(folder, 'valid', reversedPairs(8)),
  ];
  const shape = { hiddenSize: 16, encoder: { layers: 1, heads: 2, ffnSize: 32 }, padTokenId, eosTokenId };
  using model = DelightTransformer.create({
    ...{ type: 'transformer', sourceVocabSize: pairVocabSize, targetVocabSize: pairVocabSize },
    ...shape,
  });
  const peak = await native.matrixPeak(0, 'cpu', 'float32');
  const length = (offsets: Float64Array) => Math.round(offsets.at(-1)! / 36) + 1;
  const lengths = { source: length(train.source.offsets), target: length(train.target.offsets) };
  const flops = model.trainingFlops(lengths) / (lengths.source + lengths.target);
  for await (const event of new Trainer(model, { data: { train, validation }, maxTokens: 24, maxSteps: 3 })) {
    if (event.type === 'step') expect(event.mfu).toBeCloseTo((event.tokensPerSecond * flops) / peak, 12);
  }
  fs.rmSync(folder, { recursive: true });
});
