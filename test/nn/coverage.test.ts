/** Which of PyTorch's modules there are, and that each is compared with PyTorch. */
import fs from 'node:fs';
import path from 'node:path';

import * as nn from '../../lib/nn';
import { cases } from './parity';

const python = JSON.parse(fs.readFileSync(path.join(__dirname, '../fixtures/nn/init.json'), 'utf8')) as {
  layers: string[];
};

/** Those that are left out: made lazily, for several processes, deprecated, bases, or over a kernel of Python's own. */
const leftOut = [
  'Container',
  'CrossMapLRN2d',
  'DataParallel',
  'LinearCrossEntropyLoss',
  'NLLLoss2d',
  'RNNBase',
  'RNNCellBase',
  'SyncBatchNorm',
];
/** Those without a case of their own, tested elsewhere. */
const notLayers = [
  'Module',
  'ModuleDict',
  'ModuleList',
  'NativeModule',
  'ParameterDict',
  'ParameterList',
  'Sequential',
];

test("every module of torch.nn is here under PyTorch's name, or left out on purpose", () => {
  const missing = python.layers.filter((name) => !(name in nn) && !name.startsWith('Lazy'));
  expect(missing).toEqual(leftOut);
});

test('every layer is compared with PyTorch', () => {
  const layers = Object.entries(nn)
    .filter(([, value]) => typeof value === 'function' && value.prototype instanceof nn.Module)
    .map(([name]) => name);
  const compared = new Set(cases.map(({ layer }) => layer));
  expect(layers.filter((name) => !compared.has(name) && !notLayers.includes(name))).toEqual([]);
});
