import fs from 'node:fs';
import path from 'node:path';

import { Ajv } from 'ajv';
import { parse } from 'yaml';

import { readStudy, shippedStudies } from '../../lib/study';
import { studyJsonSchema, type JsonSchema } from '../../scripts/study-schema';

const schema = studyJsonSchema();
const validate = new Ajv({ allowUnionTypes: true, strictTypes: false, allErrors: true }).compile(schema);
const configs = path.resolve(__dirname, '../../lib/study/configs');

/** Where a value breaks the schema, and by which of its words. */
function faultsOf(value: unknown): string[] {
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

const residual = {
  name: 'x',
  model: { hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2 },
  data: { corpus: 'book.txt' },
};
const translation = {
  task: 'translation',
  name: 'x',
  data: { corpus: 'p.tsv' },
  models: { A: { type: 'delight', hiddenSize: 8 } },
};

describe('every shipped study', () => {
  test.each(shippedStudies())('%s fits the schema, and names it where an editor finds it', (name) => {
    const file = path.join(configs, `${name}.yaml`);
    const text = fs.readFileSync(file, 'utf8');
    expect(faultsOf(parse(text))).toEqual([]);
    const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? '';
    expect(path.resolve(path.dirname(file), named)).toBe(path.resolve(__dirname, '../../dist/schemas/study.json'));
  });
});

describe('what a study may hold fits the schema', () => {
  test.each<[string, object]>([
    ['nothing but what is needed', residual],
    [
      'what is swept, also above another study',
      { extends: 'demo', sweep: { grid: { 'train.beta1': [0.9, 0.8] }, list: [{ 'train.maxSteps': 3 }] } },
    ],
    ['the key by which an editor finds the schema', { $schema: './study.json', ...residual }],
    [
      'variants by name, number, alias and switches',
      { ...residual, variants: ['3.2', 4.1, 'Method 1', 'method2-v3', 'm3.1', { site: 'mlp' }] },
    ],
    ['a pretrained model in place of sizes', { ...residual, model: { pretrained: 'llama', residual: '3.2' } }],
    ['a residual by name', { ...residual, model: { ...residual.model, residual: 3.2 } }],
    [
      'a tokenizer to train',
      { ...residual, data: { corpus: ['a', 'b'], tokenizer: { bpe: 300 }, text: 'a.b', grouping: 'corpus' } },
    ],
    ['a schedule by updates', { ...residual, train: { schedule: { type: 'inverse-sqrt', warmupUpdates: 5 } } }],
    [
      'a named architecture, and what differs',
      { ...translation, models: { A: { architecture: 'delight-wmt14-en-de-128', dropout: 0.2 } } },
    ],
    ['part of a study that extends another', { extends: ['demo', '../b.yaml'], model: { hiddenSize: 9 } }],
    ['part of a model of a study that extends another', { extends: 'b.yaml', models: { A: { dropout: 0 } } }],
    ['the same with its task', { extends: 'b.yaml', task: 'language-model', contextWindow: 3 }],
  ])('%s', (_, study) => {
    expect(faultsOf(study)).toEqual([]);
  });
});

describe('misuse does not', () => {
  test.each<[string, unknown, string]>([
    ['no object', ['x'], ' type'],
    ['a missing section', { ...residual, data: undefined }, ' required'],
    ['sizes that are missing', { ...residual, model: { hiddenSize: 8 } }, '/model anyOf'],
    ['an unknown key', { ...residual, colour: 'red' }, ' additionalProperties'],
    ['an unknown key inside', { ...residual, train: { learning_rate: 1 } }, '/train additionalProperties'],
    ['a wrong type', { ...residual, seed: 'one' }, '/seed type'],
    ['a number out of range', { ...residual, train: { batchSize: 0 } }, '/train/batchSize exclusiveMinimum'],
    ['a word that is none of those', { ...residual, data: { corpus: 'x', grouping: 'all' } }, '/data/grouping enum'],
    ['an unknown variant', { ...residual, variants: ['7'] }, '/variants/0 anyOf'],
    ['an unknown task', { ...residual, task: 'translaton' }, '/task enum'],
    ['keys of another task', { ...translation, variants: [] }, ' additionalProperties'],
    [
      'an unknown architecture',
      { ...translation, models: { A: { architecture: 'delight' } } },
      '/models/A/architecture enum',
    ],
    [
      'an unknown key of a model',
      { ...translation, models: { A: { type: 'delight', hiddenSize: 8, dropuot: 1 } } },
      '/models/A additionalProperties',
    ],
    ['an unknown key of part of a study', { extends: 'demo', model: { hidden: 8 } }, ' anyOf'],
    ['a number to extend', { extends: 5 }, ' anyOf'],
  ])('%s', (_, study, fault) => {
    expect(faultsOf(JSON.parse(JSON.stringify(study)))).toContain(fault);
  });
});

test('what fits is what is read: the resolved studies fit, too', () => {
  for (const name of shippedStudies()) expect(faultsOf(JSON.parse(JSON.stringify(readStudy(name))))).toEqual([]);
});

test('the built schema is this one, with the doc comments as descriptions', () => {
  const built = JSON.parse(
    fs.readFileSync(path.resolve(__dirname, '../../dist/schemas/study.json'), 'utf8'),
  ) as JsonSchema;
  const definitions = built.definitions as Record<string, { properties: Record<string, JsonSchema> }>;
  const train = definitions['residual']!.properties['train']!.properties as Record<string, JsonSchema>;
  expect(train['learningRate']!.description).toBe('The highest learning rate, reached after the warm-up.');
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(
      ([key, inner]) => !(key === 'description' && typeof inner === 'string'),
    );
    return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
  };
  expect(plain(built)).toEqual(plain(JSON.parse(JSON.stringify(schema))));
});
