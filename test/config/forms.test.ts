import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { z } from 'zod';

import { loadConfig } from '../../lib/config';

const schema = z.strictObject({
  model: z.strictObject({ hiddenSize: z.int(), heads: z.int().default(2) }),
  train: z.strictObject({ rate: z.number().default(1), betas: z.array(z.number()).optional() }).prefault({}),
  data: z.union([z.string(), z.strictObject({ bpe: z.int() })]).optional(),
});

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'config-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};
const load = (file: string, overrides: string[] = []) =>
  loadConfig(path.join(folder, file), schema, { overrides, named });
const named = (name: string) => (name === 'shipped' ? path.join(folder, 'shipped-configs/shipped.yaml') : undefined);

/** The problems' lines, the folder left out. */
function problems(file: string, overrides: string[] = []): string[] {
  try {
    load(file, overrides);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    return (error as Error).message.replaceAll(`${folder}/`, '').split('\n');
  }
  return [];
}

describe('JSON', () => {
  test('is read with the same places', () => {
    write('a.json', '{\n\t"$schema": "x.json",\n\t"model": {\n\t\t"hiddenSize": 8\n\t}\n}\n');
    expect(load('a.json').model).toEqual({ hiddenSize: 8, heads: 2 });
    write('a.json', '{\n\t"model": {\n\t\t"hiddenSize": "8",\n\t\t"headds": 1\n\t}\n}\n');
    expect(problems('a.json')).toEqual([
      'a.json:3:17 model.hiddenSize expected a number, found "8"',
      'a.json:4:3 model.headds unknown key; did you mean heads?',
    ]);
  });

  test('is all that JSON.stringify writes', () => {
    const anything = z.looseObject({ root: z.unknown() });
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (root, indent) => {
        const file = write('any.json', JSON.stringify({ root }, null, indent));
        expect(JSON.stringify(loadConfig(file, anything).root)).toBe(JSON.stringify(root));
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    [
      'a missing comma',
      '{"model": {"hiddenSize": 8 "heads": 2}}',
      /^a\.json:1:26 a key is not expected here; is a comma missing before it\?/,
    ],
    [
      'a missing comma after a text',
      '{"data": 8 9}',
      /^a\.json:1:10 in JSON a text stands in double quotes, found 8 9; is a comma missing\?/,
    ],
    ['a missing colon', '{"model" 8}', /^a\.json:1:10 Missing , or :/],
    ['a missing value', '{\n "data": }', /^a\.json:2:\d+ in JSON a value must stand here/],
    ['a word', '{"data": tru}', /^a\.json:1:10 in JSON a text stands in double quotes, found tru/],
    ['a bare key', '{data: "x"}', /^a\.json:1:2 in JSON a key stands in double quotes/],
    ['single quotes', '{"data": \'x\'}', /^a\.json:1:10 in JSON a text stands in double quotes/],
    ['YAML', 'model:\n  hiddenSize: 8\n', /^a\.json:1:1 in JSON a section stands in \{ \}/],
    ['an end too early', '{"model": {"hiddenSize": 8}', /^a\.json:1:28 Flow map .* must end with a \}|^a\.json:1:28/],
    ['a key twice', '{"data": "x", "data": "y"}', /^a\.json:1:15 the key data is given twice/],
    ['nothing', '', /^a\.json:1:1 .*found nothing/],
  ])('%s is told with its place', (_, text, message) => {
    write('a.json', text);
    expect(problems('a.json')[0]).toMatch(message);
  });
});

describe('JavaScript', () => {
  test.each([
    ['a.mjs', 'export default { model: { hiddenSize: 4 * 2 } };'],
    ['a.cjs', 'module.exports = { model: { hiddenSize: 8 } };'],
    ['a.cjs', 'exports.__esModule = true; exports.default = { model: { hiddenSize: 8 } };'],
    ['a.js', 'module.exports = () => ({ model: { hiddenSize: 8 } });'],
    ['a.mjs', 'export default async () => ({ model: { hiddenSize: 8, heads: undefined } });'],
    ['a.mjs', "import { model } from './part.mjs';\nconsole.log('noise');\nexport default Promise.resolve({ model });"],
  ])('%s: %s', (name, text) => {
    write('part.mjs', 'export const model = { hiddenSize: 8 };\nsetInterval(() => {}, 1000);');
    write(name, text);
    expect(load(name, ['train.rate=3'])).toEqual({ model: { hiddenSize: 8, heads: 2 }, train: { rate: 3 } });
  });

  test('is read anew each time', () => {
    write('a.mjs', 'export default { model: { hiddenSize: 1 } };');
    expect(load('a.mjs').model.hiddenSize).toBe(1);
    write('a.mjs', 'export default { model: { hiddenSize: 2 } };');
    expect(load('a.mjs').model.hiddenSize).toBe(2);
  });

  test.each([
    [
      'wrong values',
      'export default { model: { hiddenSize: NaN, hedas: 1 } };',
      /^a\.mjs model\.hiddenSize expected a number, found NaN$/,
    ],
    ['no default export', 'export const model = {};', /^a\.mjs: has no default export/],
    ['no object', 'export default [1];', /^a\.mjs: expected a default export that is an object, .* found a list/],
    [
      'a function inside',
      'export default { model: { hiddenSize: () => 8 } };',
      /^a\.mjs: .*model\.hiddenSize is a function/,
    ],
    ['an error', '\nexport default () => {\n  throw new RangeError("oh");\n};', /^a\.mjs:3:9: RangeError: oh/],
    ['bad syntax', 'export default {\n  model: {{ } };', /^a\.mjs:2: SyntaxError/],
    ['a missing import', "import './none.mjs';\nexport default {};", /^a\.mjs: Cannot find module .*none\.mjs/],
    ['an early end', 'process.exit(3);', /^a\.mjs: ended without giving a configuration \(exit code 3\)/],
    [
      'an endless wait',
      'export default await new Promise(() => {});',
      /^a\.mjs: ended without .*\(exit code 13: it waits/,
    ],
  ])('%s is told', (_, text, message) => {
    write('a.mjs', text);
    expect(problems('a.mjs')[0]).toMatch(message);
  });

  test('that is not there is told', () => {
    expect(problems('none.mjs')).toEqual(['none.mjs: there is no such file']);
  });
});

describe('TypeScript', () => {
  const withCompiler = () => {
    mkdirSync(path.join(folder, 'node_modules'));
    symlinkSync(path.resolve(__dirname, '../../node_modules/typescript'), path.join(folder, 'node_modules/typescript'));
  };

  test.each([
    [
      'a.ts',
      "import { size, type Size } from './part.ts';\nconst hiddenSize: Size = size;\nexport default { model: { hiddenSize } } as const;",
    ],
    [
      'a.mts',
      "import { size } from './part.ts';\nexport default async (): Promise<object> => ({ model: { hiddenSize: size } });",
    ],
    ['a.cts', 'const hiddenSize: number = 8;\nmodule.exports = { model: { hiddenSize } };'],
  ])('%s', (name, text) => {
    withCompiler();
    write('part.ts', 'export type Size = number;\nexport const size: Size = 8;\n');
    write(name, text);
    expect(load(name).model).toEqual({ hiddenSize: 8, heads: 2 });
  });

  test.each([
    [
      'an error',
      'type T = number;\ninterface I {\n  a: T;\n}\nexport default (): I => {\n  throw new Error("oh");\n};',
      /^a\.ts:6:9: oh/,
    ],
    ['bad syntax', 'export default {\n  model: = 8,\n};', /^a\.ts:2:10: SyntaxError: Expression expected/],
  ])('%s is told with its place', (_, text, message) => {
    withCompiler();
    write('a.ts', text);
    expect(problems('a.ts')[0]).toMatch(message);
  });

  const readsTypeScript =
    Boolean((process.features as { typescript?: unknown }).typescript) ||
    process.allowedNodeEnvironmentFlags.has('--experimental-strip-types');
  (readsTypeScript ? test.skip : test)('without a compiler says what to do', () => {
    write('a.ts', 'export default {};');
    expect(problems('a.ts')[0]).toMatch(
      /^a\.ts: this Node \(v.*\) does not read TypeScript by itself; install the package typescript/,
    );
  });
});

describe('extends', () => {
  test('puts sections together, and replaces everything else', () => {
    write(
      'bases/small.yaml',
      '$schema: x\nmodel: { hiddenSize: 8, heads: 4 }\ntrain: { betas: [1, 2, 3] }\ndata: { bpe: 300 }\n',
    );
    write('a.yaml', 'extends: bases/small.yaml\nmodel: { hiddenSize: 16 }\ntrain: { betas: [4] }\ndata: bytes\n');
    expect(load('a.yaml')).toEqual({
      model: { hiddenSize: 16, heads: 4 },
      train: { rate: 1, betas: [4] },
      data: 'bytes',
    });
    expect(load('a.yaml', ['model.heads=1', 'train.betas.0=5'])).toMatchObject({
      model: { heads: 1 },
      train: { betas: [5] },
    });
  });

  test('takes several, the later above the earlier, of any language, in chains, and by name', () => {
    write('shipped-configs/shipped.yaml', 'model: { hiddenSize: 1, heads: 1 }\ntrain: { rate: 1 }\n');
    write('b.json', '{ "extends": "shipped", "model": { "heads": 2 } }');
    write('deep/c.mjs', "export default { extends: '../b.json', model: { hiddenSize: 3 } };");
    write('d.yaml', 'model: { heads: 7 }\n');
    write('a.yaml', 'extends: [deep/c.mjs, d.yaml]\ntrain: { betas: [1] }\n');
    expect(load('a.yaml')).toEqual({ model: { hiddenSize: 3, heads: 7 }, train: { rate: 1, betas: [1] } });
  });

  test('tells each problem in the file that has it', () => {
    write('base.yaml', '\nmodel:\n  hiddenSize: big\n  heads: 2\ntrain: { betas: [1, x] }\nextra: 1\n');
    write('a.yaml', 'extends: base.yaml\nmodel:\n  heads: many\ntrain: { rte: 1 }\n');
    expect(problems('a.yaml', ['data=5'])).toEqual([
      'a.yaml:3:10 model.heads expected a number, found "many"',
      'a.yaml:4:10 train.rte unknown key; did you mean rate?',
      'base.yaml:3:15 model.hiddenSize expected a number, found "big"',
      'base.yaml:5:21 train.betas.1 expected a number, found "x"',
      'base.yaml:6:1 extra unknown key; known here: model, train, data',
      'override "data=5" data expected a text or a section, found 5',
    ]);
  });

  test('knows which file a list or a single value is from', () => {
    write('base.yaml', 'model: { hiddenSize: 8 }\ntrain: { betas: [1, 2, x] }\ndata: { bpe: x }\n');
    write('a.yaml', 'extends: base.yaml\ntrain:\n  betas: [y]\ndata: 7\n');
    expect(problems('a.yaml')).toEqual([
      'a.yaml:3:11 train.betas.0 expected a number, found "y"',
      'a.yaml:4:7 data expected a text or a section, found 7',
    ]);
  });

  test('names what is missing at the file that was asked for', () => {
    write('base.yaml', 'train: { rate: 1 }\n');
    write('a.yaml', 'extends: base.yaml\n');
    expect(problems('a.yaml')).toEqual(['a.yaml:1:1 model missing; expected a section']);
  });

  test.each([
    ['a circle', 'b.yaml', /^c\.yaml:1:10 extends goes in a circle: .*a\.yaml -> .*b\.yaml -> .*c\.yaml -> .*a\.yaml$/],
    ['itself', 'a.yaml', /^a\.yaml:1:10 extends goes in a circle: .*a\.yaml -> .*a\.yaml$/],
    [
      'a missing file',
      'none.yaml',
      /^a\.yaml:1:10 extends none\.yaml: there is no file none\.yaml, and no configuration of this name is shipped/,
    ],
    ['a number', '5', /^a\.yaml:1:10 extends expected a file or a list of files, found 5/],
    ['a list of numbers', '[b.yaml, 5]', /^a\.yaml:1:19 extends expected a file/],
    ['a broken file', 'broken.yaml', /^broken\.yaml:2:\d+ /],
  ])('refuses %s', (_, name, message) => {
    write('a.yaml', `extends: ${name}\n`);
    write('b.yaml', 'extends: c.yaml\n');
    write('c.yaml', name === 'b.yaml' ? 'extends: a.yaml\n' : 'model: { hiddenSize: 1 }\n');
    write('broken.yaml', 'model: {\n');
    expect(problems('a.yaml')[0]).toMatch(message);
  });

  test('may reach the same file twice', () => {
    write('base.yaml', 'model: { hiddenSize: 1 }\n');
    write('b.yaml', 'extends: base.yaml\n');
    write('c.yaml', 'extends: base.yaml\ntrain: { rate: 2 }\n');
    write('a.yaml', 'extends: [b.yaml, c.yaml]\n');
    expect(load('a.yaml')).toEqual({ model: { hiddenSize: 1, heads: 2 }, train: { rate: 2 } });
  });
});
