/** DeLighT language models on blocks of tokens, as any other. */
import fs from 'node:fs';

import { DelightLanguageModel } from '../../lib/delight';
import { ResidualLlama } from '../../lib/residual';
import { torch } from '../../lib/tensor';
import { Trainer, evaluateBlocks, type StepEvent, type TrainerOptions } from '../../lib/train';
import { temporaryFolder, vocabSize, writeTokens } from './tokens';

let folder: string;
let data: TrainerOptions['data'];
beforeAll(() => {
  folder = temporaryFolder();
  data = { train: writeTokens(folder, 'train', 24), validation: writeTokens(folder, 'validation', 5) };
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

function makeModel(padTokenId: number | null = null): DelightLanguageModel {
  torch.manualSeed(7);
  return DelightLanguageModel.create({
    type: 'delight',
    hiddenSize: 32,
    embeddingSize: 16,
    embedding: { depth: 2, maxGroups: 2 },
    decoder: { blocks: 2, minDepth: 2, maxDepth: 3, maxGroups: 2 },
    vocabSize,
    padTokenId,
    dropout: 0,
  });
}

async function steps(model: DelightLanguageModel, options: Partial<TrainerOptions>): Promise<StepEvent[]> {
  const events: StepEvent[] = [];
  for await (const event of new Trainer(model, { data, batchSize: 8, learningRate: 1e-2, ...options })) {
    if (event.type === 'step') events.push(event);
  }
  return events;
}

test('it learns, and predicts every token but the first of a block', async () => {
  const events = await steps(makeModel(), { maxSteps: 40, schedule: 'constant' });
  expect(events.at(-1)!.loss).toBeLessThan(events[0]!.loss / 2);
  for (const { loss, nll, tokens, targets } of events) {
    expect(nll).toBe(loss);
    expect([tokens, targets]).toEqual([64, 56]);
  }
});

test('blocks of padding alone change nothing, and no number is lost', async () => {
  const padding = { ...data.train, file: `${folder}/padding.bin` };
  fs.writeFileSync(padding.file, new Uint16Array(padding.tokens).fill(1));
  const model = makeModel(1);
  const before = [...model.parameters()].map((parameter) => parameter.toArray());
  const events = await steps(model, { data: { train: padding, validation: data.validation }, maxSteps: 2 });
  for (const { loss, nll, gradNorm } of events) expect([loss, nll, gradNorm]).toEqual([0, 0, 0]);
  expect([...model.parameters()].map((parameter) => parameter.toArray())).toEqual(before);
});

test('blocks of one token, with nothing to predict it from, are refused', async () => {
  const single = writeTokens(folder, 'single', 4, 1);
  const model = ResidualLlama.create({ vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 1 });
  const refused = expect.objectContaining({
    code: 'ERR_DATA',
    message: expect.stringMatching(/blockSize of at least 2/),
  });
  await expect(evaluateBlocks(model, single, { batchSize: 2, precision: 'float32' }).next()).rejects.toThrow(refused);
});
