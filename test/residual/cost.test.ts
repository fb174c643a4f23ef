import fs from 'node:fs';
import path from 'node:path';

import {
  forwardFlops,
  modelCost,
  modelSchema,
  variantNames,
  type CostOptions,
  type ModelConfig,
} from '../../lib/residual';

interface Case {
  shape: string;
  config: Record<string, unknown>;
  batch: number;
  time: number;
  forward: number;
  step: number;
}
/** What PyTorch's own counter finds in the plain definition; see make_flops.py. */
const { cases } = JSON.parse(fs.readFileSync(path.resolve(__dirname, '../fixtures/residual/flops.json'), 'utf8')) as {
  cases: Case[];
};

const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
const residualKeys = [
  'site',
  'weights',
  'source',
  'mode',
  'firstLayer',
  'input',
  'window',
  'normSet',
  'weightParam',
  'detachProbs',
];

function configOf(fields: Record<string, unknown>): ModelConfig {
  const entries = Object.entries(fields).map(([key, value]) => [camel(key), value] as const);
  const isSwitch = ([key]: readonly [string, unknown]) => residualKeys.includes(key);
  const residual = Object.fromEntries(entries.filter(isSwitch));
  return modelSchema.parse({ ...Object.fromEntries(entries.filter((entry) => !isSwitch(entry))), residual });
}

const named = ({ shape, config }: Case) =>
  `${shape} ${[config.site, config.weights, config.source, config.window, config.input].join(' ')}`;

test.each(cases.map((item) => [named(item), item] as const))('FLOPs are those counted: %s', (_name, item) => {
  const { batch, time, forward, step } = item;
  const config = configOf(item.config);
  expect(forwardFlops(config, time, 'dense').total * batch * time).toBeCloseTo(forward, 0);
  // A step is three times forward; the counter agrees.
  expect(step).toBe(3 * forward);
  expect(modelCost(config, { time, batch }).flopsPerStep).toBeCloseTo(
    3 * batch * time * forwardFlops(config, time).total,
    0,
  );
});

test.each(variantNames)('causal work is that of every token with the keys before it: %s', (residual) => {
  const config = modelSchema.parse({
    vocabSize: 50,
    hiddenSize: 24,
    numHiddenLayers: 3,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    residual,
  });
  const time = 11;
  let each = 0;
  for (let keys = 1; keys <= time; keys++) each += forwardFlops(config, keys, 'dense').total;
  expect(forwardFlops(config, time).total * time).toBeCloseTo(each, 6);
});

/** Factors over the baseline, dense and causal, of Methods 2 and 1; with a window of one layer, dense. */
test.each([
  [
    'the note',
    {
      vocabSize: 32000,
      hiddenSize: 512,
      intermediateSize: 1024,
      numHiddenLayers: 8,
      numAttentionHeads: 8,
      numKeyValueHeads: 4,
    },
    2048,
    [1.78, 1.59, 2.62, 2.6, 1.19, 1.41],
  ],
  [
    '12 x 768, 512 tokens',
    { vocabSize: 32000, hiddenSize: 768, intermediateSize: 2048, numHiddenLayers: 12, numAttentionHeads: 12 },
    512,
    [1.87, 1.8, 4.49, 4.52, 1.15, 1.58],
  ],
  [
    '12 x 768, ff 3072, 2048 tokens',
    { vocabSize: 32000, hiddenSize: 768, intermediateSize: 3072, numHiddenLayers: 12, numAttentionHeads: 12 },
    2048,
    [2.03, 1.83, 4.7, 4.81, 1.17, 1.62],
  ],
  [
    '22 x 2048',
    {
      vocabSize: 32000,
      hiddenSize: 2048,
      intermediateSize: 5632,
      numHiddenLayers: 22,
      numAttentionHeads: 32,
      numKeyValueHeads: 4,
    },
    2048,
    [2.69, 2.4, 9.25, 9.49, 1.15, 1.75],
  ],
] as const)('factors over the baseline: %s', (_name, sizes, time, factors) => {
  const total = (residual: object | string, keys: 'dense' | 'causal') =>
    forwardFlops(modelSchema.parse({ ...sizes, residual }), time, keys).total;
  const over = (residual: object | string, keys: 'dense' | 'causal') =>
    Number((total(residual, keys) / total('baseline', keys)).toFixed(2));
  const previous = (site: string) => ({ site, weights: 'sum', window: 1 });
  expect([
    over('2', 'dense'),
    over('2', 'causal'),
    over('1', 'dense'),
    over('1', 'causal'),
    over(previous('attention'), 'dense'),
    over(previous('mlp'), 'dense'),
  ]).toEqual(factors);
});

const note = {
  vocabSize: 32000,
  hiddenSize: 512,
  intermediateSize: 1024,
  numHiddenLayers: 8,
  numAttentionHeads: 8,
  numKeyValueHeads: 4,
};
const costOf = (residual: string | object, options = { time: 2048, batch: 8 }) =>
  modelCost(modelSchema.parse({ ...note, residual }), options);

test('the cache of a decoded token: keys, values, and values of each pair', () => {
  expect(costOf('baseline').cachePerToken).toEqual({ elements: 4096, bytes: 16384 });
  expect(costOf('3.2').cachePerToken.elements).toBe(11264);
  expect(costOf({ site: 'mlp', weights: 'sum', window: 1 }).cachePerToken.elements).toBe(4096 + 7 * 256);
  // Of stored outputs only the token's own are needed, and they are dropped after its step.
  expect(costOf('3.2 stored').cachePerToken.elements).toBe(4096);
});

describe('kept probabilities', () => {
  const kept = (residual: string | object, options: Partial<CostOptions> = {}, change: object = {}) =>
    modelCost(modelSchema.parse({ ...note, ...change, residual }), { time: 2048, batch: 8, ...options }).memory
      .probabilities;
  const ofOneLayer = 8 * 8 * 2048 ** 2 * 4;

  test('half of batch x heads x time x time, of each layer that a later one reads', () => {
    const { training, evaluation } = kept('2', {}, { probabilityBudget: 1000 });
    expect(training / ofOneLayer / 7).toBeGreaterThan(0.5);
    expect(training / ofOneLayer / 7).toBeLessThan(0.55);
    expect(evaluation).toBe(training);
    expect(kept('baseline').evaluation).toBe(0);
    expect(kept('3.2 stored').evaluation).toBe(0);
  });

  test('in bf16 half the bytes, and in training those of all layers', () => {
    const plain = kept('2', {}, { probabilityBudget: 1000 });
    const half = kept('2', { precision: 'bf16' }, { probabilityBudget: 1000 });
    // Blocks of rows are of other sizes, so that a little more or less of the forbidden half is kept.
    expect(half.evaluation / (plain.evaluation / 2)).toBeCloseTo(1, 1);
    expect(half.training).toBe((half.evaluation / 7) * 8);
  });

  test('fewer with a window, none beyond the budget', () => {
    const wide = kept('2', {}, { probabilityBudget: 1000 }).evaluation;
    const windowed = { site: 'attention', weights: 'sum', window: 2 };
    expect(kept(windowed, {}, { probabilityBudget: 1000 }).evaluation).toBe((wide / 7) * 3);
    expect(kept('2', {}, { probabilityBudget: 0.5 })).toEqual({ training: 0, evaluation: 0 });
  });
});

test('activation checkpointing costs the layers once more and holds less', () => {
  const plain = costOf('1');
  const again = modelCost(modelSchema.parse({ ...note, residual: '1', activationCheckpointing: true }), {
    time: 2048,
    batch: 8,
  });
  const { layers, recomputation } = plain.flopsPerToken.causal;
  expect(again.flopsPerStep - plain.flopsPerStep).toBeCloseTo((layers + recomputation) * 2048 * 8, -6);
  expect(again.memory.training.activations).toBeLessThan(plain.memory.training.activations / 2);
  expect(again.memory.evaluation).toEqual(plain.memory.evaluation);
});

test.each([
  [{ time: 0, batch: 1 }, /time must be a whole number from 1 on, not 0/],
  [{ time: 16, batch: 1.5 }, /batch must be a whole number from 1 on, not 1\.5/],
])('sizes that are none are refused: %j', (options, message) => {
  expect(() => costOf('baseline', options)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) as string }) as Error,
  );
});

test('the names of stored variants', () => {
  const residual = (name: string) => modelSchema.parse({ ...note, residual: name }).residual;
  expect(residual('4.2 stored')).toMatchObject({ site: 'attention', weights: 'learned', source: 'stored' });
  expect(residual('m3.1-stored')).toMatchObject({ site: 'mlp', weights: 'mean', source: 'stored' });
  expect(() => residual('baseline stored')).toThrow(/the baseline adds no earlier outputs/);
});
