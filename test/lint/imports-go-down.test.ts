import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';

import importsGoDown from '../../eslint-rules/imports-go-down';

/** A small house: the name of each file in lib/ and its text. */
const house = {
  'errors.ts': 'export class E {}',
  'native.ts': "import { E } from './errors';\nexport const native = E;",
  'config/load.ts': "import { E } from '../errors';\nexport const load = E;",
  'tensor/tensor.ts':
    "import { native } from '../native';\nimport type { S } from './scope';\nexport const t = native;",
  'tensor/scope.ts': "import { t } from './tensor';\nexport type S = typeof t;",
  'nn/module.ts': "import { t } from '../tensor/tensor';\nexport const m = t;",
  'train/trainer.ts':
    "import { m } from '../nn/module';\nexport { load } from '../config/load';\nexport const trainer = m;",
  'generation/generation.ts': "import { m } from '../nn/module';\nexport const generate = m;",
  'residual/model.ts': "import { m } from '../nn/module';\nexport const model = m;",
  'attic/box.ts': "import { E } from '../errors';\nexport const box = E;",
};

let lib: string;

beforeAll(() => {
  lib = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-lint-')), 'lib');
  for (const [name, text] of Object.entries(house)) {
    fs.mkdirSync(path.dirname(path.join(lib, name)), { recursive: true });
    fs.writeFileSync(path.join(lib, name), text);
  }
});
afterAll(() => fs.rmSync(path.dirname(lib), { recursive: true }));

/** What the rule says about a file of the house, with other text if given. */
function lint(name: keyof typeof house, text: string = house[name]): string[] {
  const linter = new Linter({ cwd: lib });
  const messages = linter.verify(
    text,
    {
      files: ['**/*.ts'],
      languageOptions: { parser: tseslint.parser },
      plugins: { torchwright: { rules: { 'imports-go-down': importsGoDown } } },
      rules: { 'torchwright/imports-go-down': ['error', { lib }] },
    },
    path.join(lib, name),
  );
  return messages.map((message) => message.messageId ?? message.message);
}

test('imports that go down pass', () => {
  for (const name of ['errors.ts', 'native.ts', 'config/load.ts', 'nn/module.ts', 'train/trainer.ts'] as const) {
    expect(lint(name)).toEqual([]);
  }
});

test.each([
  ['a static import', "import { trainer } from '../train/trainer';"],
  ['a type import', "import type { trainer } from '../train/trainer';"],
  ['a re-export', "export * from '../train/trainer';"],
  ['a named re-export', "export { trainer } from '../train/trainer';"],
  ['a dynamic import', "export const f = () => import('../train/trainer');"],
  ['an import type', "export type T = import('../train/trainer').trainer;"],
  ['a require', "const t = require('../train/trainer');"],
])('a room that imports one above it is reported: %s', (_how, text) => {
  expect(lint('nn/module.ts', text)).toEqual(['up']);
});

test('models know how texts are generated, and not the other way round', () => {
  expect(lint('residual/model.ts', "import { generate } from '../generation/generation';")).toEqual([]);
  expect(lint('generation/generation.ts')).toEqual([]);
  expect(lint('generation/generation.ts', "import { model } from '../residual/model';")).toEqual(['up']);
});

test('rooms on one floor do not import each other', () => {
  expect(lint('residual/model.ts', "import { trainer } from '../train/trainer';")).toEqual(['up']);
});

test('the ground imports only errors', () => {
  expect(lint('config/load.ts', "import { native } from '../native';")).toEqual(['up']);
});

test('files that import each other in a circle are reported on both sides', () => {
  expect(lint('tensor/tensor.ts')).toEqual(['circle']);
  expect(lint('tensor/scope.ts')).toEqual(['circle']);
});

test('an import from outside lib is reported', () => {
  expect(lint('nn/module.ts', "import x from '../../test/helper';")).toEqual(['outside']);
});

test('a room that the plan does not know must be given a floor', () => {
  expect(lint('attic/box.ts')).toEqual(['unknown']);
});
