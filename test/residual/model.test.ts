import fs from 'node:fs';
import path from 'node:path';

import { ResidualLlama, countParameters, type ModelOptions } from '../../lib/residual';
import { torch } from '../../lib/tensor';
import { temporaryFolder } from '../train/tokens';

const options: ModelOptions = {
  vocabSize: 13,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 3,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
};
const fixtures = path.resolve(__dirname, '../fixtures/hf-llama');

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const ids = () => torch.tensor([[1, 2, 3, 4, 5]], { dtype: 'int64' });

test.each([
  ['baseline', {}],
  ['learned weights', { residual: '3.2' }],
  [
    'learned weights over the earlier layers of a window',
    { residual: { site: 'attention', weights: 'learned', normSet: 'earlier', window: 1 } },
  ],
  [
    'tied, biased, with heads of their own size',
    { tieWordEmbeddings: true, attentionBias: true, mlpBias: true, headDim: 6 },
  ],
] as [string, Partial<ModelOptions>][])('the count of parameters is that of the model: %s', (_name, change) => {
  const model = ResidualLlama.create({ ...options, ...change });
  const numbers = [...model.namedParameters()].map(([name, { numel }]) => [name, numel] as const);
  expect(countParameters(model.config)).toBe(numbers.reduce((sum, [, numel]) => sum + numel, 0));
  const outside = numbers.filter(([name]) => name !== 'model.embed_tokens.weight');
  expect(model.nonEmbeddingParameters).toBe(outside.reduce((sum, [, numel]) => sum + numel, 0));
});

test('shapes are as documented', async () => {
  const model = ResidualLlama.create({ ...options, residual: '1' });
  expect(model.forward(ids()).shape).toEqual([1, 5, 13]);
  expect(model.hiddenStates(ids()).map(({ shape }) => shape)).toEqual(Array(4).fill([1, 5, 8]));
  expect(model.loss(ids()).shape).toEqual([]);
  const { loss, correct, predicted } = await model.evaluate(ids());
  expect(loss).toBeCloseTo(model.loss(ids()).item(), 5);
  expect(predicted).toBe(4);
  expect(correct).toBeLessThanOrEqual(4);
});

test.each([
  ['untied', { residual: '4.2' }],
  ['tied', { tieWordEmbeddings: true }],
])('a saved model comes back the same: %s', async (name, change) => {
  const model = ResidualLlama.create({ ...options, ...change });
  const target = path.join(folder, name);
  await model.save(target, { bosTokenId: 1, eosTokenId: null });
  const loaded = await ResidualLlama.load(target);
  expect(loaded.config).toEqual(model.config);
  expect(loaded.forward(ids()).toArray()).toEqual(model.forward(ids()).toArray());
  expect(fs.readdirSync(target).sort()).toEqual(['config.json', 'generation_config.json', 'model.safetensors']);
  expect(loaded.specialTokens).toEqual({ bosTokenId: 1, eosTokenId: null });
});

/** A copy of a good model folder, to be damaged. */
function copyOf(kind: 'single' | 'sharded', name: string): string {
  const target = path.join(folder, name);
  fs.cpSync(path.join(fixtures, kind), target, { recursive: true });
  return target;
}

const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;

test('a folder without weights, without configuration, or with broken ones is refused', async () => {
  const noWeights = copyOf('single', 'no-weights');
  fs.rmSync(path.join(noWeights, 'model.safetensors'));
  await expect(ResidualLlama.load(noWeights)).rejects.toThrow(
    refusedWith('ERR_CHECKPOINT', /neither model\.safetensors/),
  );
  await expect(ResidualLlama.load(path.join(folder, 'nowhere'))).rejects.toThrow(
    refusedWith('ERR_CHECKPOINT', /config\.json does not exist/),
  );
  const noJson = copyOf('single', 'no-json');
  fs.writeFileSync(path.join(noJson, 'config.json'), '{');
  await expect(ResidualLlama.load(noJson)).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /not JSON/));
  const truncated = copyOf('single', 'truncated');
  fs.truncateSync(path.join(truncated, 'model.safetensors'), 20_000);
  await expect(ResidualLlama.load(truncated)).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /model\.safetensors/));
  const noShard = copyOf('sharded', 'no-shard');
  fs.rmSync(path.join(noShard, 'model-00003-of-00005.safetensors'));
  await expect(ResidualLlama.load(noShard)).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /model-00003-of-00005/));
});

test('an index may not lead out of its folder', async () => {
  const target = copyOf('sharded', 'leads-out');
  const index = path.join(target, 'model.safetensors.index.json');
  fs.writeFileSync(index, fs.readFileSync(index, 'utf8').replace('model-00001-of-00005', '../single/model'));
  await expect(ResidualLlama.load(target)).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /same folder/));
});

test('weights that do not fit change nothing', async () => {
  const model = ResidualLlama.create(options);
  const before = model.forward(ids()).toArray();
  await expect(model.loadWeights(path.join(fixtures, 'single'))).rejects.toThrow(
    refusedWith('ERR_CHECKPOINT', /shape \[101, 32\], the model needs \[13, 8\]/),
  );
  expect(model.forward(ids()).toArray()).toEqual(before);
});

test('impossible sizes are refused before anything is allocated', () => {
  expect(() => ResidualLlama.create({ ...options, numAttentionHeads: 3 })).toThrow(
    refusedWith('ERR_CONFIG', /3 heads do not divide/),
  );
  expect(() => ResidualLlama.create({ ...options, vocabSize: 2 ** 30, hiddenSize: 2 ** 20 })).toThrow(
    refusedWith('ERR_OUT_OF_MEMORY', /vocabSize 1073741824/),
  );
});

test('ids of a wrong dtype, shape or range are refused', () => {
  const model = ResidualLlama.create(options);
  for (const wrong of [
    torch.tensor([[0.5, 1]]),
    torch.tensor([1, 2], { dtype: 'int64' }),
    torch.tensor([[1, 99]], { dtype: 'int64' }),
  ]) {
    expect(() => model.forward(wrong)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(DTYPE|SHAPE|ARGUMENT|DATA)$/) }),
    );
  }
});

test('a disposed model is refused', () => {
  const model = ResidualLlama.create(options);
  model.dispose();
  expect(() => model.forward(ids())).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
});
