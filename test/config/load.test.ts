import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { z } from 'zod';

import { formatConfig, loadConfig, parseConfig } from '../../lib/config';

const schema = z.strictObject({
  model: z.strictObject({
    hiddenSize: z.int().min(1),
    residual: z.strictObject({ site: z.enum(['mlp', 'attention', 'none']) }).optional(),
  }),
  train: z.strictObject({ learningRate: z.number().default(1e-3), betas: z.array(z.number()).optional() }).prefault({}),
  data: z
    .strictObject({
      corpus: z.union([z.string(), z.array(z.string())]),
      tokenizer: z.union([z.string(), z.strictObject({ bpe: z.int().min(257) })]).default('bytes'),
    })
    .optional(),
  variants: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('a'), depth: z.number() }),
        z.strictObject({ kind: z.literal('b') }),
      ]),
    )
    .optional(),
});

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'config-'));
  file = path.join(folder, 'study.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The problems' lines, with the file's name in short. */
function problems(text: string | Uint8Array, overrides: string[] = []): string[] {
  writeFileSync(file, text);
  try {
    loadConfig(file, schema, { overrides });
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG', name: 'ConfigError' });
    return (error as Error).message.replaceAll(file, 'F').split('\n');
  }
  return [];
}

function load(text: string, overrides: string[] = []) {
  writeFileSync(file, text);
  return loadConfig(file, schema, { overrides });
}

describe('a good file', () => {
  test('gives the resolved configuration', () => {
    expect(load('model: { hiddenSize: 8 }\n')).toEqual({ model: { hiddenSize: 8 }, train: { learningRate: 1e-3 } });
  });

  test('reads numbers and words as YAML 1.2 does', () => {
    const { train, data } = load('model: { hiddenSize: 0x10 }\ntrain:\n  learningRate: 3e-4\ndata: { corpus: no }\n');
    expect([train.learningRate, data?.corpus]).toEqual([3e-4, 'no']);
  });

  test('may use anchors, Windows line ends and a byte order mark', () => {
    const { train, data } = load(
      '\ufeffmodel: &m { hiddenSize: 8 }\r\ntrain:\r\n  betas: &b [1, 2]\r\ndata: { corpus: &c x }\r\n',
    );
    expect([train.betas, data?.corpus]).toEqual([[1, 2], 'x']);
  });
});

describe('problems are all told at once, each with its place', () => {
  test('wrong types, unknown keys, missing keys', () => {
    const text = [
      'model:',
      '  hidenSize: 8',
      '  residual: { site: mpl }',
      'train:',
      '  learning_rate: 1',
      '  learningRate: fast',
      'data:',
      '  corpus: 5',
      '  tokenizer: { bpe: 3 }',
      'colour: red',
    ].join('\n');
    expect(problems(text)).toEqual([
      'F:2:3 model.hiddenSize missing; expected a number',
      'F:2:3 model.hidenSize unknown key; did you mean hiddenSize?',
      'F:3:21 model.residual.site expected "mlp" or "attention" or "none", found "mpl"',
      'F:5:3 train.learning_rate unknown key; did you mean learningRate?',
      'F:6:17 train.learningRate expected a number, found "fast"',
      'F:8:11 data.corpus expected a text or a list, found 5',
      'F:9:21 data.tokenizer.bpe too small: expected number to be >=257, found 3',
      'F:10:1 colour unknown key; known here: model, train, data, variants',
    ]);
  });

  test('inside unions and lists', () => {
    const text =
      'model: { hiddenSize: 8 }\ndata: { corpus: x, tokenizer: { bp: 300 } }\nvariants:\n  - kind: a\n  - kind: c\n  - 7\n';
    expect(problems(text)).toEqual([
      'F:2:31 data.tokenizer.bpe missing; expected a number',
      'F:2:33 data.tokenizer.bp unknown key; did you mean bpe?',
      'F:4:5 variants.0.depth missing; expected a number',
      'F:5:11 variants.1.kind expected "a" or "b", found "c"',
      'F:6:5 variants.2 expected a section, found 7',
    ]);
  });

  test('through an alias', () => {
    const text = 'model: { hiddenSize: 8 }\ntrain: &t\n  learningRate: x\nvariants:\n  - { kind: a, depth: *t }\n';
    expect(problems(text)).toEqual([
      'F:3:17 train.learningRate expected a number, found "x"',
      'F:5:23 variants.0.depth expected a number, found a section',
    ]);
  });

  test('duplicate keys, along with what else is wrong', () => {
    expect(problems('model: { hiddenSize: 8 }\ntrain:\n  learningRate: 1\n  "learningRate": x\n')).toEqual([
      'F:4:3 the key learningRate is given twice, first in line 3',
      'F:4:19 train.learningRate expected a number, found "x"',
    ]);
  });

  test('a value that is empty', () => {
    expect(problems('model:\n  hiddenSize:\n')).toEqual(['F:2:14 model.hiddenSize expected a number, found null']);
  });
});

describe('texts that are no configuration', () => {
  test.each([
    ['tabs', 'model:\n\thiddenSize: 8\n', 'F:2:1 a tab is not allowed as indentation; use spaces'],
    ['an empty file', '', 'F:1:1 expected `key: value` lines, found nothing'],
    ['nothing but a comment', '# todo\n', 'F:1:1 expected `key: value` lines, found nothing'],
    ['a list', '- a\n- b\n', 'F:1:1 expected `key: value` lines, found a list'],
    ['a word', '\n  hello\n', 'F:2:3 expected `key: value` lines, found a single value'],
    ['two documents', 'model: 1\n---\nmodel: 2\n', 'F:2:1 a second YAML document begins here; a configuration is one'],
    ['an unknown tag', 'model: !js 1\n', 'F:1:8 Unresolved tag: !js'],
    ['an alias of nothing', 'model: *m\n', 'F:1:8 *m names no anchor before it'],
    ['a list as key', '? [a]\n: 1\n', 'F:1:3 a key must be plain text'],
    ['an open quote', 'model: "x\n', 'F:2:1 Missing closing "quote'],
  ])('%s', (_, text, line) => {
    expect(problems(text)).toEqual([line]);
  });

  test('bytes that are not UTF-8', () => {
    expect(problems(Uint8Array.of(0x61, 0x3a, 0x20, 0xff))).toEqual(['F: this is not UTF-8 text']);
  });

  test('aliases that multiply beyond measure', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `x${n + 1}: &x${n + 1} [${Array(9).fill(`*x${n}`).join(', ')}]`,
    );
    expect(problems(['x0: &x0 [1]', ...levels].join('\n'))[0]).toMatch(/^F:1:1 .*alias/i);
  });

  test('a missing file and a folder', () => {
    const missing = path.join(folder, 'none.yaml');
    expect(() => loadConfig(missing, schema)).toThrow(`${missing}: there is no such file`);
    mkdirSync(path.join(folder, 'sub'));
    expect(() => loadConfig(path.join(folder, 'sub'), schema)).toThrow(/this is a folder/);
  });
});

describe('overrides', () => {
  const text = 'model: { hiddenSize: 8 }\ntrain: { betas: [0.9, 0.95] }\n';

  test('are read as YAML and set before the check', () => {
    const config = load(text, [
      'model.hiddenSize=16',
      'train.learningRate=1e-4',
      'train.betas.1=0.99',
      'data.corpus=a=b.txt',
      'data.tokenizer={ bpe: 512 }',
      'model.hiddenSize=32',
    ]);
    expect(config).toEqual({
      model: { hiddenSize: 32 },
      train: { learningRate: 1e-4, betas: [0.9, 0.99] },
      data: { corpus: 'a=b.txt', tokenizer: { bpe: 512 } },
    });
  });

  test('can mend a wrong file', () => {
    expect(load('model: { hiddenSize: x }\n', ['model.hiddenSize=4']).model.hiddenSize).toBe(4);
  });

  test('leave other uses of an anchor alone', () => {
    const shared = 'model: { hiddenSize: 8 }\nvariants:\n  - &a { kind: a, depth: 1 }\n  - *a\n';
    expect(load(shared, ['variants.0.depth=5']).variants).toEqual([
      { kind: 'a', depth: 5 },
      { kind: 'a', depth: 1 },
    ]);
  });

  test('are named where they are wrong', () => {
    const wrong = ['train.lerningRate=1', 'model.hiddenSize=[1', 'train.learningRate 1', 'model..x=1', '=1'];
    expect(
      problems(text, [
        ...wrong,
        'data.tokenizer={ bpe: 3 }',
        'model.hiddenSize.x=1',
        'train.betas.2=1',
        'train.betas.0=x',
      ]),
    ).toEqual([
      'override "train.betas.0=x" train.betas.0 expected a number, found "x"',
      'override "train.lerningRate=1" train.lerningRate unknown key; did you mean learningRate?',
      'override "data.tokenizer={ bpe: 3 }" data.corpus missing; expected a text or a list',
      'override "data.tokenizer={ bpe: 3 }" data.tokenizer.bpe too small: expected number to be >=257, found 3',
      expect.stringMatching(/^override "model\.hiddenSize=\[1" the value is not YAML: /),
      'override "train.learningRate 1" expected section.key=value, such as train.learningRate=1e-3',
      'override "model..x=1" expected section.key=value, such as train.learningRate=1e-3',
      'override "=1" expected section.key=value, such as train.learningRate=1e-3',
      'override "model.hiddenSize.x=1" model.hiddenSize is 8, not a section; x cannot be set in it',
      'override "train.betas.2=1" train.betas is a list of 2; 2 is not one of its places (they count from 0)',
    ]);
  });

  test('cannot reach prototypes', () => {
    expect(problems(text, ['__proto__.polluted=1'])).toEqual([
      'override "__proto__.polluted=1" __proto__ unknown key; known here: model, train, data, variants',
    ]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('set just what they name', () => {
    const anything = z.record(z.string(), z.unknown());
    const key = fc.stringMatching(/^[a-z]{1,3}$/);
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), fc.integer(), (names, value) => {
        writeFileSync(file, 'zzzz: { kept: 1 }\n');
        const config = loadConfig(file, anything, { overrides: [`${names.join('.')}=${value}`] });
        expect(config).toEqual({
          zzzz: { kept: 1 },
          ...names.reduceRight<object>((inner, name) => ({ [name]: inner }), value as never),
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe('parseConfig', () => {
  test('gives the same errors with a name in the place of a position', () => {
    const wrong = { model: { hiddenSize: NaN, hidden_size: 4 }, train: { betas: () => 1 } };
    expect(() => parseConfig(wrong, schema, 'options')).toThrow(
      [
        'options model.hiddenSize expected a number, found NaN',
        'options model.hidden_size unknown key; did you mean hiddenSize?',
        'options train.betas expected a list, found a function',
      ].join('\n'),
    );
    expect(() => parseConfig(undefined, schema, 'options')).toThrow('options missing; expected a section');
  });

  test('passes what is right', () => {
    expect(parseConfig({ model: { hiddenSize: 1 } }, schema, 'options').train.learningRate).toBe(1e-3);
  });
});

describe('formatConfig', () => {
  test('reads back the same', () => {
    const jsonish = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.double({ noNaN: true }),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom('no', '3e-4', '1:30', '~', '- a', '# b', 'a: b', '', ' ', '*x', 'line\nbreak'),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const anything = z.strictObject({ root: z.unknown() });
    fc.assert(
      fc.property(jsonish, (root) => {
        writeFileSync(file, formatConfig({ root }));
        expect(loadConfig(file, anything).root).toEqual(root);
      }),
      { numRuns: 100 },
    );
  });

  test('writes a part that is used twice in full, and leaves out undefined', () => {
    const part = { a: 1 };
    expect(formatConfig({ x: part, y: part, z: undefined })).toBe('x:\n  a: 1\ny:\n  a: 1\n');
  });
});

test('the schema may be chosen by the value, overrides included', () => {
  const kinds = {
    a: z.strictObject({ kind: z.literal('a'), depth: z.int() }),
    b: z.strictObject({ kind: z.literal('b'), width: z.int() }),
  };
  const choose = (value: unknown): z.ZodType => kinds[(value as { kind: 'a' | 'b' }).kind];
  writeFileSync(file, 'kind: a\ndepth: 3\n');
  expect(loadConfig(file, choose)).toEqual({ kind: 'a', depth: 3 });
  expect(() => loadConfig(file, choose, { overrides: ['kind=b'] })).toThrow(/study\.yaml:2:1 depth unknown key/);
});
