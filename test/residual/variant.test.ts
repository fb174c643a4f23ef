import { parseVariant, variantName, variantNames, variantTitle } from '../../lib/residual/variant';

test.each([
  ['baseline', { site: 'none' }],
  ['llama', { site: 'none' }],
  ['none', { site: 'none' }],
  ['1', { site: 'mlp', weights: 'sum' }],
  [1, { site: 'mlp', weights: 'sum' }],
  ['2', { site: 'attention', weights: 'sum' }],
  [3.1, { site: 'mlp', weights: 'mean' }],
  ['3.2', { site: 'mlp', weights: 'learned' }],
  [4.1, { site: 'attention', weights: 'mean' }],
  ['4.2', { site: 'attention', weights: 'learned' }],
  ['m1', { site: 'mlp', weights: 'sum' }],
  ['m4.2', { site: 'attention', weights: 'learned' }],
  ['Method 3.2', { site: 'mlp', weights: 'learned' }],
  ['method1-v3', { site: 'mlp', weights: 'sum' }],
  ['method2-v3', { site: 'attention', weights: 'sum' }],
  ['method3-1-v3', { site: 'mlp', weights: 'mean' }],
  ['method3-2-v3', { site: 'mlp', weights: 'learned' }],
  ['method4-1-v3', { site: 'attention', weights: 'mean' }],
  ['method4-2-v3', { site: 'attention', weights: 'learned' }],
])('%s names %j', (name, variant) => {
  expect(parseVariant(name)).toEqual(variant);
});

test.each(['', '3', '1.1', '5', 'm', 'method', '2.2', 'method3-3-v3', 'v3', 'mistral', NaN])(
  '%j names nothing',
  (name) => {
    expect(() => parseVariant(name)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  },
);

test('every canonical name comes back from its variant', () => {
  for (const name of variantNames) expect(variantName(parseVariant(name))).toBe(name);
});

test('titles are those of tables', () => {
  expect(variantNames.map((name) => variantTitle(parseVariant(name)))).toEqual([
    'Baseline',
    'Method 1',
    'Method 2',
    'Method 3.1',
    'Method 3.2',
    'Method 4.1',
    'Method 4.2',
  ]);
});
