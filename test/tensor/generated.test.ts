/** The generated operator surface is what the pinned libtorch gives, and reaches every name. */
import fs from 'node:fs';

import { native } from '../../lib/native';
import { torch } from '../../lib/tensor';
import { functionNames, methodNames } from '../../lib/tensor/generated/operators';
import { camelCase } from '../../lib/tensor/schema';
import { generate, generatedFile } from '../../scripts/generate-operators';

const pinned = '2.13';
const { loaded } = native.versions();
const onPinned = loaded.startsWith(`${pinned}.`) ? test : test.skip;

onPinned(`is fresh (checked with libtorch ${pinned}; loaded is ${loaded})`, () => {
  const committed = fs.readFileSync(generatedFile, 'utf8');
  // A plain comparison: jest's diff of two files of this size would take minutes.
  expect(generate() === committed ? 'fresh' : 'stale: npm run generate').toBe('fresh');
});

test('every name has its function', () => {
  expect(functionNames.length).toBeGreaterThan(700);
  expect(methodNames.length).toBeGreaterThan(500);
  const missing = methodNames.filter(
    (name) => typeof (torch.Tensor.prototype as never)[camelCase(name)] !== 'function',
  );
  expect(missing).toEqual([]);
  expect(
    Object.keys(torch.linalg).length + Object.keys(torch.fft).length + Object.keys(torch.special).length,
  ).toBeGreaterThan(90);
});

test.each([
  ['log_softmax', 'logSoftmax'],
  ['add_', 'add_'],
  ['conv2d', 'conv2d'],
  ['is_floating_point', 'isFloatingPoint'],
  ['atleast_1d', 'atleast1d'],
  ['adaptive_avg_pool2d', 'adaptiveAvgPool2d'],
  ['_foreach_add_', '_foreachAdd_'],
])('%s is called %s', (name, camel) => expect(camelCase(name)).toBe(camel));
