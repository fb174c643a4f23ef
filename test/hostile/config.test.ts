/** Configurations that are damaged or made to harm, and whatever a command line may set: read, or refused with a ConfigError. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { loadConfig } from '../../lib/config';
import { readStudy, studySchema } from '../../lib/study';
import { temporaryFolder } from '../data/temporary';
import { damaged, damages, outcome, replacements, withReplaced } from './damage';

const folder = temporaryFolder();
const refusal = { code: 'ERR_CONFIG' };
const study = {
  name: 'small',
  model: { hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, residual: { site: 'mlp', weights: 'learned' } },
  variants: ['baseline', 3.2, { site: 'attention' }],
  data: { corpus: ['a.txt', 'b.txt'], validation: 0.2, tokenizer: { bpe: 300 } },
  train: { epochs: 2, learningRate: 1e-3, evalEvery: 'epoch' },
};
const yaml = `# a study
name: small
model: &model
  hiddenSize: 16
  numHiddenLayers: 2
  numAttentionHeads: 2
  residual: { site: mlp, weights: learned }
variants: [baseline, 3.2, { site: attention }]
data:
  corpus: [a.txt, "b.txt"]
  validation: 0.2
train: { epochs: 2, learningRate: 1e-3 }
`;

async function readOrRefused(name: string, content: string | Uint8Array, overrides: string[] = []): Promise<void> {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  const result = await outcome(() => loadConfig(file, studySchema, { overrides }));
  if ('code' in result) expect(result).toEqual(refusal);
}

test('the sound ones are read', () => {
  for (const [name, content] of [
    ['sound.yaml', yaml],
    ['sound.json', JSON.stringify(study)],
  ] as const) {
    fs.writeFileSync(path.join(folder, name), content);
    expect(loadConfig(path.join(folder, name), studySchema)).toMatchObject({ name: 'small', variants: { length: 3 } });
  }
});

test('whatever bytes are damaged, a configuration is read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(damages, fc.boolean(), async (damage, isJson) => {
      const content = Buffer.from(isJson ? JSON.stringify(study) : yaml);
      await readOrRefused(isJson ? 'damaged.json' : 'damaged.yaml', damaged(content, damage));
    }),
    { numRuns: 120 },
  );
});

test('whatever stands in its parts, a configuration is read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), replacements, async (place, replacement) => {
      const content = withReplaced(study, place, replacement);
      await readOrRefused('replaced.json', JSON.stringify(content));
      const result = await outcome(() => readStudy(content as never));
      if ('code' in result) expect(result).toEqual(refusal);
    }),
    { numRuns: 120 },
  );
});

test('whatever is set on a command line is read or refused', async () => {
  const name = fc.oneof(
    fc.constantFrom('model', 'data', 'variants', '0', 'residual', '__proto__', 'constructor'),
    fc.string(),
  );
  const value = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('&a [*a, *a]', '!!js/function x', '{', '1e999', '.nan'),
  );
  const override = fc.tuple(fc.array(name, { maxLength: 4 }), value).map(([names, set]) => `${names.join('.')}=${set}`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(override, fc.string()), { maxLength: 3 }), async (overrides) => {
      await readOrRefused('overridden.yaml', yaml, overrides);
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: 120 },
  );
});

test.each([
  [
    'aliases that multiply',
    `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefghi'
      .split('')
      .map((key, index) => `${key}: &${key} [${`*${'abcdefgh'[index]},`.repeat(9)}]`)
      .join('\n')}\n`,
  ],
  ['a circle of aliases', 'model: &a { hiddenSize: *a }\n'],
  ['deep nesting', `model: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`],
  ['a key twice', 'name: a\nname: b\n'],
  ['bytes that are no text', Buffer.from([0x6e, 0xff, 0xfe])],
  ['a prototype', `${yaml}__proto__: { polluted: true }\n`],
  ['a function', 'name: !!js/function "() => 1"\n'],
])('a configuration with %s is refused', async (_name, content) => {
  const file = path.join(folder, 'hostile.yaml');
  fs.writeFileSync(file, content);
  expect(await outcome(() => loadConfig(file, studySchema))).toEqual(refusal);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('folders, pipes, devices and links in a circle are refused, none is waited for', async () => {
  const [pipe, loop, zero] = ['pipe.yaml', 'loop.yaml', 'zero.yaml'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('mkfifo', [pipe]);
  fs.symlinkSync(loop, loop);
  fs.symlinkSync('/dev/zero', zero);
  for (const place of [folder, pipe, loop, zero, `${pipe}\0`]) {
    expect(await outcome(() => loadConfig(place, studySchema))).toEqual(refusal);
  }
}, 10_000);
