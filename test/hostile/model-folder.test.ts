/** Model folders that are damaged or made to harm: loaded as they are, or refused with an error that says why. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { fromHuggingFace, ResidualLlama, toHuggingFace } from '../../lib/residual';
import { modelSchema } from '../../lib/residual/config';
import { temporaryFolder } from '../data/temporary';
import { damaged, damages, outcome, replacements, withReplaced } from './damage';

const fixtures = path.resolve(__dirname, '../fixtures');
const folder = temporaryFolder();
let copies = 0;

/** A sound folder of its own. */
function copyOf(name: 'hf-forms/old' | 'hf-llama/sharded'): string {
  const copy = path.join(folder, String(copies++));
  fs.cpSync(path.join(fixtures, name), copy, { recursive: true });
  return copy;
}

const load = (place: string) =>
  outcome(async () => {
    using model = await ResidualLlama.load(place);
    return model.config.vocabSize;
  });
const refusal = { code: 'ERR_CHECKPOINT' };
const refusals = ['ERR_CHECKPOINT', 'ERR_CONFIG', 'ERR_OUT_OF_MEMORY'];
const readJson = (...parts: string[]): unknown => JSON.parse(fs.readFileSync(path.join(...parts), 'utf8'));

test.each(['config.json', 'generation_config.json', 'model.safetensors'])(
  'whatever bytes of %s are damaged, the model is loaded or refused',
  async (name) => {
    const place = copyOf('hf-forms/old');
    const file = path.join(place, name);
    const whole = fs.readFileSync(file);
    await fc.assert(
      fc.asyncProperty(damages, async (damage) => {
        fs.writeFileSync(file, damaged(whole, damage));
        const result = await load(place);
        if ('code' in result) expect(refusals).toContain(result.code);
      }),
      { numRuns: 80 },
    );
  },
);

test('whatever stands in config.json, the model is loaded or refused', async () => {
  const place = copyOf('hf-forms/old');
  const config = readJson(place, 'config.json');
  await fc.assert(
    fc.asyncProperty(fc.nat(), replacements, async (part, replacement) => {
      fs.writeFileSync(path.join(place, 'config.json'), JSON.stringify(withReplaced(config, part, replacement)));
      const result = await load(place);
      if ('code' in result) expect(refusals).toContain(result.code);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['a size that is no number', '"hidden_size": NaN', 'ERR_CHECKPOINT'],
  ['a size without end', '"hidden_size": 1e999', 'ERR_CONFIG'],
  ['a size below zero', '"hidden_size": -16', 'ERR_CONFIG'],
  ['a key twice', '"hidden_size": 16, "hidden_size": 16', 'ERR_CHECKPOINT'],
  ['a prototype', '"hidden_size": 16, "__proto__": { "tie_word_embeddings": true }', 'ERR_CONFIG'],
  ['a constructor', '"hidden_size": 16, "constructor": { "prototype": { "x": 1 } }', 'ERR_CONFIG'],
])('a configuration with %s is refused', async (_name, replacement, code) => {
  const place = copyOf('hf-forms/old');
  const file = path.join(place, 'config.json');
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"hidden_size": 16', replacement));
  expect(await load(place)).toEqual({ code });
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('whatever stands in the index of shards, the model is loaded or refused', async () => {
  const place = copyOf('hf-llama/sharded');
  const file = path.join(place, 'model.safetensors.index.json');
  const index = readJson(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(), replacements, async (part, replacement) => {
      fs.writeFileSync(file, JSON.stringify(withReplaced(index, part, replacement)));
      const result = await load(place);
      if ('code' in result) expect(refusals).toContain(result.code);
    }),
    { numRuns: 60 },
  );
});

test.each([
  '../single/model.safetensors',
  '/etc/passwd',
  '..',
  'x/y.safetensors',
  String.raw`x\y.safetensors`,
  'a\0.safetensors',
  '',
])('an index that names %j is refused, and nothing outside is read', async (name) => {
  const place = copyOf('hf-llama/sharded');
  const file = path.join(place, 'model.safetensors.index.json');
  const { weight_map: map } = readJson(file) as { weight_map: Record<string, string> };
  fs.writeFileSync(file, JSON.stringify({ weight_map: { ...map, 'model.norm.weight': name } }));
  expect(await load(place)).toEqual(refusal);
});

test('an index with a prototype among its tensors is refused', async () => {
  const place = copyOf('hf-llama/sharded');
  const file = path.join(place, 'model.safetensors.index.json');
  const text = fs
    .readFileSync(file, 'utf8')
    .replace('"weight_map": {', '"weight_map": { "__proto__": "model-00001-of-00005.safetensors",');
  fs.writeFileSync(file, text);
  expect(await load(place)).toEqual(refusal);
});

test('a shard that is missing, cut off or another one is refused', async () => {
  const shard = 'model-00002-of-00005.safetensors';
  const harms: ((file: string) => void)[] = [
    (file) => fs.rmSync(file),
    (file) => fs.truncateSync(file, fs.statSync(file).size - 1),
    (file) => fs.copyFileSync(file.replace('00002-of', '00003-of'), file),
  ];
  for (const harm of harms) {
    const place = copyOf('hf-llama/sharded');
    harm(path.join(place, shard));
    expect(await load(place)).toEqual(refusal);
  }
});

describe('what is no ordinary file', () => {
  const names = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'];
  const codes = { 'tokenizer.json': 'ERR_DATA' } as Record<string, string>;

  test.each(names)('%s as a link in a circle, a folder, a pipe or a device is refused at once', async (name) => {
    const harms: ((file: string) => void)[] = [
      (file) => fs.symlinkSync(file, file),
      (file) => fs.mkdirSync(file),
      (file) => execFileSync('mkfifo', [file]),
      (file) => fs.symlinkSync('/dev/zero', file),
    ];
    for (const harm of harms) {
      const place = copyOf('hf-forms/old');
      const file = path.join(place, name);
      fs.rmSync(file, { force: true });
      harm(file);
      expect(await load(place)).toEqual({ code: codes[name] ?? 'ERR_CHECKPOINT' });
    }
  });

  test('links to files elsewhere are followed, as the cache of Hugging Face has them', async () => {
    const place = path.join(folder, 'links');
    fs.mkdirSync(place);
    for (const name of ['config.json', 'model.safetensors']) {
      fs.symlinkSync(path.join(fixtures, 'hf-forms/old', name), path.join(place, name));
    }
    expect(await load(place)).toEqual({ value: 31 });
  });
});

const sizes = fc
  .record({
    heads: fc.integer({ min: 1, max: 4 }),
    group: fc.integer({ min: 1, max: 3 }),
    half: fc.integer({ min: 2, max: 8 }),
    vocabSize: fc.integer({ min: 1, max: 1e6 }),
    numHiddenLayers: fc.integer({ min: 1, max: 100 }),
    rmsNormEps: fc.double({ min: 1e-12, max: 1, noNaN: true }),
    ropeTheta: fc.double({ min: 1, max: 1e9, noNaN: true }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    scaling: fc.constantFrom(null, 'linear', 'dynamic', 'llama3'),
    residual: fc.constantFrom('baseline', '1', '2', '3.1', '3.2', '4.1', '4.2'),
    window: fc.nat(5),
    tieWordEmbeddings: fc.boolean(),
    attentionBias: fc.boolean(),
    mlpBias: fc.boolean(),
  })
  .map(({ heads, group, half, scaling, factor, ...rest }) => ({
    ...rest,
    hiddenSize: 2 * half * heads * group,
    numAttentionHeads: heads * group,
    numKeyValueHeads: heads,
    ropeScaling:
      scaling === 'llama3'
        ? { type: scaling, factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 512 }
        : scaling && { type: scaling, factor },
  }));

test('every configuration goes to config.json and back', () => {
  fc.assert(
    fc.property(sizes, fc.option(fc.nat(), { nil: null }), ({ window, residual, ...options }, eosTokenId) => {
      const plain = modelSchema.parse({ ...options, residual });
      const config = { ...plain, residual: { ...plain.residual, window } };
      const expected = residual === 'baseline' ? plain : config;
      const extras = { dtype: 'bfloat16', bosTokenId: 1, eosTokenId };
      const content: unknown = JSON.parse(JSON.stringify(toHuggingFace(expected, extras)));
      expect(fromHuggingFace(content, 'config.json')).toEqual({ config: expected, extras });
    }),
  );
});
