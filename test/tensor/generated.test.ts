/** The generated operator surface is what the pinned libtorch gives, and has every name of PyTorch's Python or a reason. */
import fs from 'node:fs';

import { native } from '../../lib/native';
import { functional } from '../../lib/nn';
import { torch } from '../../lib/tensor';
import { functionNames, methodNames } from '../../lib/tensor/generated/operators';
import { camelCase } from '../../lib/tensor/schema';
import { generate, generatedFiles } from '../../scripts/operators/generate';
import { pythonNames } from '../../scripts/operators/selection';
import { notHere } from './operators/not-here';

const pinned = '2.13';
const { loaded } = native.versions();
const onPinned = loaded.startsWith(`${pinned}.`) ? test : test.skip;

describe(`checked with libtorch ${pinned}; loaded is ${loaded}`, () => {
  onPinned('the generated files are fresh', () => {
    const texts = generate();
    // A plain comparison: jest's diff of two files of this size would take minutes.
    const stale = Object.entries(generatedFiles).filter(
      ([name, file]) => fs.readFileSync(file, 'utf8') !== texts[name as keyof typeof generatedFiles],
    );
    expect(stale.map(([name]) => `${name} is stale: npm run generate`)).toEqual([]);
  });
});

test('every generated name has its function', () => {
  expect(functionNames.length).toBeGreaterThan(800);
  expect(methodNames.length).toBeGreaterThan(600);
  const missing = methodNames.filter((name) => !(camelCase(name) in torch.Tensor.prototype));
  expect(missing).toEqual([]);
});

describe("PyTorch's public names are here, or there is a reason", () => {
  const places: Record<keyof typeof pythonNames, object> = {
    torch,
    Tensor: torch.Tensor.prototype,
    linalg: torch.linalg,
    fft: torch.fft,
    special: torch.special,
    functional,
  };

  test.each(Object.keys(places) as (keyof typeof pythonNames)[])('%s', (namespace) => {
    const reasons = notHere[namespace] ?? {};
    const here = (name: string): boolean => camelCase(name) in places[namespace];
    const unexplained = pythonNames[namespace].filter((name) => !here(name) && !(name in reasons));
    expect(unexplained).toEqual([]);
    const outdated = Object.keys(reasons).filter((name) => here(name) || !pythonNames[namespace].includes(name));
    expect(outdated).toEqual([]);
  });
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
