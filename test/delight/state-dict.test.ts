import fs from 'node:fs';
import path from 'node:path';

import {
  DelightLanguageModel,
  DelightTransformer,
  originalStateDict,
  type LanguageModelOptions,
  type TranslationModelOptions,
} from '../../lib/delight';
import { inspectSafetensors, loadPytorch, loadSafetensors, savePytorch, torch, type Tensor } from '../../lib/tensor';
import { temporaryFolder } from '../train/tokens';
import { goldenFolder, readIndex } from './golden';

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** The sizes of the models behind `checkpoint.pt` and `language_model.pt`, which Python wrote. */
const translation: TranslationModelOptions = {
  type: 'delight',
  hiddenSize: 32,
  embeddingSize: 16,
  embedding: { depth: 2, maxGroups: 4 },
  encoder: { minDepth: 2, maxDepth: 4, blocks: 2, maxGroups: 4 },
  shareEmbeddings: true,
  sourceVocabSize: 24,
  targetVocabSize: 24,
};
const language: LanguageModelOptions = {
  type: 'delight',
  hiddenSize: 32,
  embeddingSize: 16,
  embedding: { depth: 2, maxGroups: 4 },
  decoder: { minDepth: 2, maxDepth: 4, blocks: 3, maxGroups: 4 },
  vocabSize: 70,
  padTokenId: 1,
  adaptiveInput: { cutoffs: [20, 40] },
  adaptiveSoftmax: {},
  finalNorm: false,
};
const golden = (name: string) => path.join(goldenFolder, name);
const refused = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) });
const keysOf = (state: Iterable<readonly [string, Tensor]>) => [...state].map(([name]) => name).sort();

test('a checkpoint of several GPUs is read: wrapper, prefix, second names, meaningless buffers', async () => {
  using model = DelightTransformer.create(translation);
  await model.loadWeights(golden('checkpoint.pt'));
  const tensors = await loadSafetensors(golden('train_10_steps.safetensors'));
  for (const [name, parameter] of model.namedParameters()) {
    expect(parameter.toArray()).toEqual(tensors.get(`w0.${name}`)!.toArray());
  }
});

test('weights of another dtype are converted', async () => {
  using model = DelightLanguageModel.create(language, { dtype: 'float64' });
  await model.loadWeights(golden('language_model.pt'));
  expect([...model.parameters()].map(({ dtype }) => dtype)).toEqual([...model.parameters()].map(() => 'float64'));
});

test.each([
  ['translation', () => DelightTransformer.create(translation), 'nmt_small_shared'],
  ['adaptive language', () => DelightLanguageModel.create(language), 'lm_small_adaptive_tied'],
])('a %s model is written with exactly the keys of the original', (_name, create, file) => {
  using model = create();
  const layers = (key: string) => !/layers\.\d/.test(key);
  const wanted = readIndex().files[`${file}.safetensors`]!.state_dict_keys as string[];
  expect(keysOf(originalStateDict(model)).filter(layers)).toEqual(wanted.filter(layers).sort());
});

test.each(['model.safetensors', 'model.pt', 'model.pth'])('%s is written and read again', async (name) => {
  const file = path.join(folder, 'deep', name);
  using model = DelightLanguageModel.create(language);
  await model.loadWeights(golden('language_model.pt'));
  await model.saveWeights(file);
  const written = name.endsWith('.safetensors') ? await loadSafetensors(file) : await loadPytorch(file);
  expect(keysOf(written)).toEqual(keysOf(await loadPytorch(golden('language_model.pt'))));
  using other = DelightLanguageModel.create(language);
  await other.loadWeights(file);
  const values = (each: DelightLanguageModel) => [...each.parameters()].map((parameter) => parameter.toArray());
  expect(values(other)).toEqual(values(model));
});

/** The golden state dict with some entries changed, as a file. */
async function changed(change: (state: Map<string, Tensor>) => void): Promise<string> {
  const file = path.join(folder, 'changed.pt');
  const state = await loadPytorch(golden('language_model.pt'));
  change(state);
  await savePytorch(file, state);
  return file;
}
const table = 'decoder.embed_tokens.map_layer.embeddings.0.weight';
const alias = 'decoder.adaptive_softmax.head.word_proj.weight';

test.each<[string, (state: Map<string, Tensor>) => void, RegExp]>([
  [
    'a missing key',
    (state) => state.delete('decoder.layers.0.fc1.weights'),
    /missing: decoder\.layers\.0\.fc1\.weights/,
  ],
  ['an unknown key', (state) => state.set('decoder.extra', torch.ones([1])), /unexpected: decoder\.extra/],
  ['another shape', (state) => state.set(table, torch.ones([3, 16])), /two different|shape \[20, 16\]/],
  ['whole numbers', (state) => state.set('decoder.layers.0.fc1.bias', torch.zeros([8], { dtype: 'int64' })), /int64/],
  [
    'two names of one tensor that differ',
    (state) => state.set(alias, state.get(alias)!.add(1)),
    /one tensor in this model/,
  ],
])('%s is refused, and nothing has changed', async (_name, change, message) => {
  const file = await changed(change);
  using model = DelightLanguageModel.create(language);
  const before = [...model.parameters()].map((parameter) => parameter.toArray());
  await expect(model.loadWeights(file)).rejects.toEqual(refused(message));
  expect([...model.parameters()].map((parameter) => parameter.toArray())).toEqual(before);
});

test('second names alone, or first names alone, are enough', async () => {
  for (const dropped of [table, alias]) {
    const file = await changed((state) => state.delete(dropped));
    using model = DelightLanguageModel.create(language);
    await model.loadWeights(file);
    const held = new Map(model.namedParameters()).get(table)!;
    expect(held.toArray()).toEqual((await loadPytorch(golden('language_model.pt'))).get(alias)!.toArray());
  }
});

test('a name that says no form, or a file that is not there, is refused', async () => {
  using model = DelightLanguageModel.create(language);
  await expect(model.loadWeights(path.join(folder, 'weights.bin'))).rejects.toEqual(
    refused(/\.safetensors, \.pt or \.pth/),
  );
  await expect(model.saveWeights(path.join(folder, 'weights'))).rejects.toEqual(
    refused(/\.safetensors, \.pt or \.pth/),
  );
  await expect(model.loadWeights(path.join(folder, 'gone.pt'))).rejects.toEqual(refused(/no file/));
});

test('tied tensors are written under both names in safetensors', async () => {
  const file = path.join(folder, 'tied.safetensors');
  using model = DelightTransformer.create(translation);
  await model.saveWeights(file);
  const names = [...inspectSafetensors(file).tensors.keys()];
  for (const side of ['encoder', 'decoder']) expect(names).toContain(`${side}.embed_tokens.map_layer.weight`);
});
