import fs from 'node:fs';
import path from 'node:path';

import {
  countParameters,
  DelightLanguageModel,
  DelightTransformer,
  modelCost,
  type LanguageModelOptions,
  type TranslationModelOptions,
} from '../../lib/delight';
import { noGrad, torch, type Tensor } from '../../lib/tensor';
import { temporaryFolder } from '../train/tokens';

const delight = {
  type: 'delight',
  hiddenSize: 32,
  embeddingSize: 16,
  embedding: { maxGroups: 4 },
  decoder: { minDepth: 2, maxDepth: 3, maxGroups: 4 },
} as const;
const transformer = { type: 'transformer', hiddenSize: 16, decoder: { layers: 2, heads: 4 } } as const;
const vocabularies = { sourceVocabSize: 23, targetVocabSize: 19 };
const shared = { sourceVocabSize: 23, targetVocabSize: 23, shareEmbeddings: true };
const encoder = { minDepth: 2, maxDepth: 4, maxGroups: 2 };

const translations: [string, TranslationModelOptions][] = [
  ['DeLighT', { ...delight, ...vocabularies, encoder }],
  ['DeLighT, shared, norms before', { ...delight, ...shared, encoder, normalizeBefore: true }],
  ['DeLighT, untied, learned positions', { ...delight, ...vocabularies, encoder, tieWordEmbeddings: false, positions: 'learned', maxTargetPositions: 9 }], // prettier-ignore
  ['DeLighT of DeFINE, PReLU, no positions', { ...delight, ...vocabularies, encoder, define: true, activation: 'prelu', positions: 'none' }], // prettier-ignore
  ['DeLighT, uniform, batch norms', { ...delight, ...vocabularies, encoder: { scaling: 'uniform', minDepth: 3, maxGroups: 4, blocks: 2 }, decoder: {}, norm: 'batch' }], // prettier-ignore
  ['Transformer', { ...transformer, ...vocabularies, encoder: { layers: 1, heads: 2, ffnSize: 20 } }],
  ['Transformer, shared, norms before', { ...transformer, ...shared, encoder: {}, normalizeBefore: true }],
  ['Transformer, untied, learned positions', { ...transformer, ...vocabularies, encoder: {}, tieWordEmbeddings: false, positions: 'learned' }], // prettier-ignore
];
const adaptive = { adaptiveInput: { cutoffs: [9, 17] }, padTokenId: 1 };
const languages: [string, LanguageModelOptions][] = [
  ['DeLighT', { ...delight, vocabSize: 29 }],
  ['DeLighT, untied', { ...delight, vocabSize: 29, tieWordEmbeddings: false, finalNorm: false }],
  ['DeLighT, adaptive and tied', { ...delight, vocabSize: 29, ...adaptive, adaptiveSoftmax: {} }],
  ['DeLighT, adaptive, projections apart', { ...delight, vocabSize: 29, ...adaptive, adaptiveSoftmax: { tieProjections: false } }], // prettier-ignore
  ['DeLighT, adaptive softmax alone', { ...delight, vocabSize: 29, padTokenId: 1, adaptiveSoftmax: { cutoffs: [9] } }],
  ['Transformer', { ...transformer, vocabSize: 29 }],
  ['Transformer, adaptive and tied', { ...transformer, vocabSize: 29, ...adaptive, adaptiveSoftmax: {} }],
];

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const ids = (rows: number[][]) => torch.tensor(rows, { dtype: 'int64' });
const source = () => ids([[5, 6, 7, 2], [1, 9, 8, 2]]); // prettier-ignore
const previous = () => ids([[2, 4, 5], [2, 6, 1]]); // prettier-ignore
const target = () => ids([[4, 5, 2], [6, 2, 1]]); // prettier-ignore
const count = (model: { parameters(): Iterable<Tensor> }) =>
  [...model.parameters()].reduce((sum, { numel }) => sum + numel, 0);

test.each(translations)(
  'a translation model has the parameters that are counted, and reads back: %s',
  async (name, options) => {
    using model = DelightTransformer.create(options).eval();
    expect(count(model)).toBe(countParameters(model.config));
    const at = path.join(folder, name);
    await model.save(at);
    using read = (await DelightTransformer.load(at)).eval();
    expect(read.config).toEqual(model.config);
    const logits = (each: DelightTransformer) => noGrad(() => each.forward(source(), previous()));
    expect(logits(model).shape).toEqual([2, 3, model.vocabSize]);
    expect(logits(read).toArray()).toEqual(logits(model).toArray());
    expect(fs.readdirSync(at).sort()).toEqual(['config.json', 'model.safetensors']);
  },
);

test.each(languages)(
  'a language model has the parameters that are counted, and reads back: %s',
  async (name, options) => {
    using model = DelightLanguageModel.create(options).eval();
    expect(count(model)).toBe(countParameters(model.config));
    expect(model.nonEmbeddingParameters).toBe(count(model) - modelCost(model.config).total.tableParameters);
    const at = path.join(folder, `language ${name}`);
    await model.save(at);
    using read = (await DelightLanguageModel.load(at)).eval();
    expect(read.config).toEqual(model.config);
    const outputs = (each: DelightLanguageModel) => noGrad(() => each.forward(ids([[3, 4, 28, 11]])));
    expect(outputs(model).shape).toEqual([1, 4, 29]);
    expect(outputs(read).toArray()).toEqual(outputs(model).toArray());
  },
);

test.each(['delight-wmt14-en-de-128', 'delight-wmt16-en-ro-256', 'delight-iwslt14-de-en', 'transformer-iwslt14-de-en'])(
  'the model named %s has the parameters that are counted',
  (name) => {
    using model = DelightTransformer.create({ architecture: name, sourceVocabSize: 101, targetVocabSize: 101 });
    expect(count(model)).toBe(countParameters(model.config));
  },
);

test('the named language model, small in its vocabulary, has the parameters that are counted', () => {
  using model = DelightLanguageModel.create({
    architecture: 'delight-wiki103-1024',
    vocabSize: 301,
    adaptiveInput: { cutoffs: [100, 200] },
    adaptiveSoftmax: { cutoffs: [100, 200] },
  });
  expect(count(model)).toBe(countParameters(model.config));
});

test('the losses of a translation model are means over what is not padding', async () => {
  using model = DelightTransformer.create(translations[0]![1]).eval();
  const { loss, nll } = noGrad(() => model.loss(source(), previous(), target()));
  const logs = noGrad(() => model.forward(source(), previous()).logSoftmax(-1));
  const chosen = logs.gather(-1, target().unsqueeze(-1)).squeeze(-1).mul(target().ne(1)).sum().item();
  expect(nll.item()).toBeCloseTo(-chosen / 5, 5);
  const smooth = logs.mean(-1).mul(target().ne(1)).sum().item();
  expect(loss.item()).toBeCloseTo((0.9 * -chosen + 0.1 * -smooth) / 5, 5);
  const evaluated = await model.evaluate(source(), previous(), target());
  expect(evaluated.loss).toBeCloseTo(nll.item(), 5);
  expect(evaluated.predicted).toBe(5);
});

test('a batch that is nothing but padding has no loss and no NaN', () => {
  using model = DelightTransformer.create(translations[0]![1]);
  const { loss } = model.loss(source(), previous(), ids([[1, 1, 1], [1, 1, 1]])); // prettier-ignore
  loss.backward();
  expect(loss.item()).toBe(0);
  for (const { grad } of model.parameters()) expect(grad === null || grad.isfinite().all().item()).toBeTruthy();
});

test('a language model predicts each next id; labels default to the ids', () => {
  using model = DelightLanguageModel.create(languages[0]![1]).eval();
  const text = ids([[3, 4, 28, 11]]);
  const losses = noGrad(() => model.tokenLosses(text.narrow(1, 0, 3), text.narrow(1, 1, 3)));
  expect(losses.shape).toEqual([1, 3]);
  expect(noGrad(() => model.loss(text)).item()).toBeCloseTo(losses.mean().item(), 5);
  expect(noGrad(() => model.loss(text, text)).item()).toBeCloseTo(losses.mean().item(), 5);
});

test('padding on the left changes nothing', () => {
  using model = DelightTransformer.create(translations[0]![1]).eval();
  const [plain, padded] = [ids([[5, 6, 7, 2]]), ids([[1, 1, 5, 6, 7, 2]])].map((each) =>
    noGrad(() => model.forward(each, ids([[2, 4]]))),
  );
  expect(padded!.sub(plain!).abs().max().item()).toBeLessThan(1e-5);
});

test('weights are drawn from the seed', () => {
  const [a, b, c] = [1, 1, 2].map((seed) => {
    torch.manualSeed(seed);
    using model = DelightLanguageModel.create(languages[0]![1]);
    return [...model.parameters()][0]!.toArray();
  });
  expect(b).toEqual(a);
  expect(c).not.toEqual(a);
});

test('dropout acts in training only', () => {
  using model = DelightTransformer.create(translations[0]![1]);
  const once = () => noGrad(() => model.forward(source(), previous()).sum().item());
  expect(once()).not.toBe(once());
  model.eval();
  expect(once()).toBe(once());
});

const code = (name: string, message = /./): Error =>
  expect.objectContaining({ code: name, message: expect.stringMatching(message) }) as Error;

test.each<[string, TranslationModelOptions, string, RegExp]>([
  ['a missing vocabulary', { ...delight, encoder }, 'ERR_CONFIG', /sourceVocabSize/],
  [
    'an impossible width',
    { ...delight, ...vocabularies, encoder, hiddenSize: 33 },
    'ERR_CONFIG',
    /hiddenSize.*nearest/s,
  ],
  [
    'an unknown architecture',
    { architecture: 'delight-wmt14-en-de-129', ...vocabularies },
    'ERR_CONFIG',
    /delight-wmt14-en-de-128/,
  ],
  ['heads that do not divide', { ...transformer, ...vocabularies, encoder: { heads: 3 } }, 'ERR_CONFIG', /heads/],
  [
    'sizes beyond all memory',
    { ...delight, ...vocabularies, encoder, sourceVocabSize: 2 ** 31 - 1, embeddingSize: 2 ** 16 },
    'ERR_OUT_OF_MEMORY',
    /GiB/,
  ],
])('%s is refused', (_name, options, name, message) => {
  expect(() => DelightTransformer.create(options)).toThrow(code(name, message));
});

test('ids beyond the vocabulary, other dtypes and other shapes are refused', () => {
  using model = DelightTransformer.create(translations[0]![1]);
  expect(() => model.forward(ids([[5, 99]]), ids([[2]]))).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^ERR_(SHAPE|DATA|ARGUMENT)$/) }),
  );
  expect(() => model.forward(torch.ones([1, 2]), ids([[2]]))).toThrow(code('ERR_DTYPE'));
  expect(() => model.forward(ids([[5, 6]]), ids([[2], [2], [2]]))).toThrow(code('ERR_SHAPE')); // prettier-ignore
  expect(() => model.loss(source(), previous(), ids([[4, 5]]))).toThrow(code('ERR_SHAPE'));
});

test.each<[string, (at: string) => void, string, RegExp]>([
  ['no config.json', (at) => fs.rmSync(path.join(at, 'config.json')), 'ERR_CHECKPOINT', /config\.json does not exist/],
  [
    'a config.json of nothing',
    (at) => fs.writeFileSync(path.join(at, 'config.json'), 'null'),
    'ERR_CONFIG',
    /model_type/,
  ],
  [
    'another family',
    (at) => fs.writeFileSync(path.join(at, 'config.json'), '{"model_type":"llama"}'),
    'ERR_CONFIG',
    /"llama"/,
  ],
  ['another task', (at) => edit(at, { task: 'language' }), 'ERR_CONFIG', /"language"/],
  ['an unknown key', (at) => edit(at, { depth: 3 }), 'ERR_CONFIG', /config\.json.*depth/s],
  ['no weights', (at) => fs.rmSync(path.join(at, 'model.safetensors')), 'ERR_CHECKPOINT', /no file/],
  ['weights of another size', (at) => edit(at, { sourceVocabSize: 40 }), 'ERR_CHECKPOINT', /map_layer/],
  [
    'half the weights',
    (at) => fs.truncateSync(path.join(at, 'model.safetensors'), 5000),
    'ERR_CHECKPOINT',
    /model\.safetensors/,
  ],
])('a folder with %s is refused', async (name, damage, wanted, message) => {
  const at = path.join(folder, `damaged: ${name}`);
  using model = DelightTransformer.create(translations[0]![1]);
  await model.save(at);
  damage(at);
  await expect(DelightTransformer.load(at)).rejects.toEqual(code(wanted, message));
});

function edit(at: string, change: object): void {
  const file = path.join(at, 'config.json');
  const content = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
  fs.writeFileSync(file, JSON.stringify({ ...content, ...change }));
}
