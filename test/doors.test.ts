/** What plain JavaScript may leave out or mistake at the package's main doors is told as an error of the package. */
import {
  AdaptiveInput,
  AdaptiveSoftmax,
  DelightDecoderLayer,
  DelightEmbedding,
  DelightEncoderLayer,
  DelightTransformation,
  GatedLinear,
  GroupLinear,
  LearnedPositions,
  ResidualLlama,
  SingleHeadAttention,
  SinusoidalPositions,
  Trainer,
  Translator,
  averageCheckpoints,
  drawTokens,
  evaluateRun,
  layerWeights,
  modelCost,
  nn,
  optim,
  readStudy,
  reportRuns,
  residualCost,
  runStudy,
  torch,
  trainStudy,
} from '../lib';

/** Calls a method as JavaScript would, which knows no types. */
const call = (owner: object, method: string, ...given: unknown[]) =>
  (owner as Record<string, (...given: unknown[]) => unknown>)[method]!(...given);
const make = (constructor: unknown, ...given: unknown[]) =>
  new (constructor as new (...given: unknown[]) => unknown)(...given);

const sizes = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 };
const model = ResidualLlama.create(sizes);
afterAll(() => model.dispose());

/** The first piece of a generation. */
const generated = (...given: unknown[]) => (call(model, 'generate', ...given) as AsyncGenerator).next();
const scores = torch.zeros([2, 3]);

const blocks = { file: 'nowhere.bin', offsets: [] };
const mistakes: [name: string, code: string, mistake: () => unknown][] = [
  ['create without options', 'ERR_CONFIG', () => call(ResidualLlama, 'create')],
  ['create with a device in place of { device }', 'ERR_ARGUMENT', () => call(ResidualLlama, 'create', sizes, 'cuda')],
  ['create with null', 'ERR_ARGUMENT', () => call(ResidualLlama, 'create', sizes, null)],
  ['load without a folder', 'ERR_ARGUMENT', () => call(ResidualLlama, 'load')],
  ['load of a number', 'ERR_ARGUMENT', () => call(ResidualLlama, 'load', 5)],
  ['save without a folder', 'ERR_ARGUMENT', () => call(model, 'save')],
  ['loadWeights without a folder', 'ERR_ARGUMENT', () => call(model, 'loadWeights')],
  ['load with null', 'ERR_ARGUMENT', () => call(ResidualLlama, 'load', 'folder', null)],
  ['save with null', 'ERR_ARGUMENT', () => call(model, 'save', 'folder', null)],
  ['generate without a prompt', 'ERR_ARGUMENT', () => generated()],
  ['generate with null', 'ERR_ARGUMENT', () => generated([1], null)],
  ['generate with a number', 'ERR_ARGUMENT', () => generated([1], 5)],
  ['generate with an option by its Python name', 'ERR_ARGUMENT', () => generated([1], { max_new_tokens: 5 })],
  ['generate with another signal', 'ERR_ARGUMENT', () => generated([1], { signal: 5 })],
  ['generate to an end beyond the vocabulary', 'ERR_ARGUMENT', () => generated([1], { eosTokenId: [1, 11] })],
  ['drawTokens of nothing', 'ERR_ARGUMENT', () => call({ drawTokens }, 'drawTokens')],
  ['drawTokens with null', 'ERR_ARGUMENT', () => drawTokens(scores, null!)],
  ['drawTokens with loose ids', 'ERR_ARGUMENT', () => drawTokens(scores, { seen: 5 as never })],
  ['drawTokens by a number from 1 on', 'ERR_ARGUMENT', () => drawTokens(scores, { random: [0.5, 1] })],
  ['drawTokens of NaN', 'ERR_NON_FINITE', () => drawTokens(torch.full([2, 3], NaN))],
  ['layerWeights of nothing', 'ERR_ARGUMENT', () => call({ layerWeights }, 'layerWeights')],
  ['residualCost without sizes', 'ERR_ARGUMENT', () => call({ residualCost }, 'residualCost', model.config)],
  ['modelCost of nothing', 'ERR_ARGUMENT', () => call({ modelCost }, 'modelCost')],
  ['a Trainer without a model', 'ERR_ARGUMENT', () => make(Trainer)],
  ['a Trainer without options', 'ERR_ARGUMENT', () => make(Trainer, model)],
  ['a Trainer without data', 'ERR_ARGUMENT', () => make(Trainer, model, {})],
  ['a Trainer with a file for data', 'ERR_ARGUMENT', () => make(Trainer, model, { data: 'book.txt' })],
  ['a Trainer without validation', 'ERR_ARGUMENT', () => make(Trainer, model, { data: { train: blocks } })],
  [
    'a Trainer with files for splits',
    'ERR_ARGUMENT',
    () => make(Trainer, model, { data: { train: {}, validation: {} } }),
  ],
  ['a Translator without a model', 'ERR_ARGUMENT', () => make(Translator)],
  ['a Translator without tokenizers', 'ERR_ARGUMENT', () => make(Translator, model)],
  [
    'a Translator with other tokenizers',
    'ERR_ARGUMENT',
    () => make(Translator, { config: {} }, { source: {}, target: {} }),
  ],
  ['Translator.load without a folder', 'ERR_ARGUMENT', () => call(Translator, 'load')],
  ['runStudy of nothing', 'ERR_CONFIG', () => call({ runStudy }, 'runStudy')],
  ['trainStudy of nothing', 'ERR_CONFIG', () => call({ trainStudy }, 'trainStudy')],
  ['readStudy of null', 'ERR_CONFIG', () => call({ readStudy }, 'readStudy', null)],
  ['runStudy with null', 'ERR_ARGUMENT', () => call({ runStudy }, 'runStudy', 'demo', null)],
  ['trainStudy with null', 'ERR_ARGUMENT', () => call({ trainStudy }, 'trainStudy', 'demo', null)],
  ['reportRuns of nothing', 'ERR_ARGUMENT', () => call({ reportRuns }, 'reportRuns')],
  ['averageCheckpoints of nothing', 'ERR_ARGUMENT', () => call({ averageCheckpoints }, 'averageCheckpoints')],
  ['evaluateRun without a folder', 'ERR_ARGUMENT', () => call({ evaluateRun }, 'evaluateRun')],
  ['a tensor of nothing', 'ERR_DTYPE', () => call(torch, 'tensor')],
  ['zeros without a shape', 'ERR_ARGUMENT', () => call(torch, 'zeros')],
  ['randn of sizes that are none', 'ERR_ARGUMENT', () => call(torch, 'randn', 2, 'three')],
  ['scope without a function', 'ERR_ARGUMENT', () => call(torch, 'scope')],
  ['noGrad with a promise', 'ERR_ARGUMENT', () => call(torch, 'noGrad', Promise.resolve())],
  ['an optimiser without parameters', 'ERR_ARGUMENT', () => make(optim.AdamW)],
  ['an optimiser of other things', 'ERR_ARGUMENT', () => make(optim.AdamW, [1])],
  ['a layer without sizes', 'ERR_SHAPE', () => make(nn.LayerNorm)],
];

const layers = {
  AdaptiveInput,
  AdaptiveSoftmax,
  DelightDecoderLayer,
  DelightEmbedding,
  DelightEncoderLayer,
  DelightTransformation,
  GatedLinear,
  GroupLinear,
  LearnedPositions,
  SingleHeadAttention,
  SinusoidalPositions,
};

test.each(Object.entries(layers))('a %s without options, or without sizes', (_, layer) => {
  expect(() => make(layer)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error);
  expect(() => make(layer, null)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error);
  expect(() => make(layer, {})).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }) as Error);
});

test('an option by another name is told with the name that was meant', async () => {
  await expect(generated([1], { max_new_tokens: 5 })).rejects.toThrow(
    'generate has no option max_new_tokens; did you mean maxNewTokens?',
  );
});

test.each(mistakes)('%s', async (_, code, mistake) => {
  const made = Promise.resolve().then(mistake);
  await expect(made).rejects.toMatchObject({ code, message: expect.stringMatching(/\w{3}/) });
});

test('the message names the argument, what it must be and what it is', () => {
  expect(() => make(Trainer, model)).toThrow(
    'The options of a Trainer, such as { data, epochs: 3 }, must be an object, not undefined.',
  );
});
