/** What plain JavaScript may leave out or mistake at the package's main doors is told as an error of the package. */
import {
  ResidualLlama,
  Trainer,
  Translator,
  evaluateRun,
  nn,
  optim,
  readStudy,
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

const blocks = { file: 'nowhere.bin', offsets: [] };
const mistakes: [name: string, code: string, mistake: () => unknown][] = [
  ['create without options', 'ERR_CONFIG', () => call(ResidualLlama, 'create')],
  ['create with a device in place of { device }', 'ERR_ARGUMENT', () => call(ResidualLlama, 'create', sizes, 'cuda')],
  ['create with null', 'ERR_ARGUMENT', () => call(ResidualLlama, 'create', sizes, null)],
  ['load without a folder', 'ERR_ARGUMENT', () => call(ResidualLlama, 'load')],
  ['load of a number', 'ERR_ARGUMENT', () => call(ResidualLlama, 'load', 5)],
  ['save without a folder', 'ERR_ARGUMENT', () => call(model, 'save')],
  ['loadWeights without a folder', 'ERR_ARGUMENT', () => call(model, 'loadWeights')],
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
  ['evaluateRun without a folder', 'ERR_ARGUMENT', () => call({ evaluateRun }, 'evaluateRun')],
  ['a tensor of nothing', 'ERR_DTYPE', () => call(torch, 'tensor')],
  ['zeros without a shape', 'ERR_ARGUMENT', () => call(torch, 'zeros')],
  ['randn of loose sizes', 'ERR_ARGUMENT', () => call(torch, 'randn', 2, 3)],
  ['scope without a function', 'ERR_ARGUMENT', () => call(torch, 'scope')],
  ['noGrad with a promise', 'ERR_ARGUMENT', () => call(torch, 'noGrad', Promise.resolve())],
  ['an optimiser without parameters', 'ERR_ARGUMENT', () => make(optim.AdamW)],
  ['an optimiser of other things', 'ERR_ARGUMENT', () => make(optim.AdamW, [1])],
  ['a layer without sizes', 'ERR_SHAPE', () => make(nn.LayerNorm)],
];

test.each(mistakes)('%s', async (_, code, mistake) => {
  const made = Promise.resolve().then(mistake);
  await expect(made).rejects.toMatchObject({ code, message: expect.stringMatching(/\w{3}/) });
});

test('the message names the argument, what it must be and what it is', () => {
  expect(() => make(Trainer, model)).toThrow(
    'The options of a Trainer, such as { data, epochs: 3 }, must be an object, not undefined.',
  );
});
