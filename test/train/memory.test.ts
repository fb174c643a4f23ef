/** Training holds no more after 250 steps than after fifty. */
import fs from 'node:fs';

import { ResidualLlama } from '../../lib/residual';
import { torch } from '../../lib/tensor';
import { Trainer } from '../../lib/train';
import { temporaryFolder, vocabSize, writeTokens } from './tokens';

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('memory stays flat over 250 steps', async () => {
  // Long blocks of a small model: a step is quick, and its graph is large.
  const blockSize = 64;
  const data = {
    train: writeTokens(folder, 'train', 64, blockSize),
    validation: writeTokens(folder, 'validation', 4, blockSize),
  };
  using model = ResidualLlama.create({
    vocabSize,
    hiddenSize: 16,
    intermediateSize: 32,
    numHiddenLayers: 3,
    numAttentionHeads: 2,
    residual: '3.2',
  });
  const trainer = new Trainer(model, { data, maxSteps: 250, batchSize: 4, accumulation: 2, evalEvery: 25 });
  let early: { memory: unknown; resident: number } | undefined;
  for await (const event of trainer) {
    if (event.type === 'step' && event.step === 50) {
      early = { memory: torch.memory(), resident: process.memoryUsage.rss() };
    }
    if (event.type !== 'step' || event.step !== 250) continue;
    expect(torch.memory()).toEqual(early!.memory);
    // What JavaScript has not yet collected is in it: some tens of megabytes, where one leaked graph a step (3 MB) would be hundreds.
    expect(process.memoryUsage.rss() - early!.resident).toBeLessThan(64 * 2 ** 20);
  }
  expect(early).toBeDefined();
}, 120_000);
