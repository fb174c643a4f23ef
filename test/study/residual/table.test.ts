import {
  comparisonCsv,
  comparisonMarkdown,
  comparisonText,
  type Comparison,
  type ComparisonRow,
} from '../../../lib/study';

const row = (change: Partial<ComparisonRow>): ComparisonRow => ({
  title: 'Baseline',
  folder: 'baseline',
  seed: 42,
  parameters: 1234567,
  flopsPerToken: 5000,
  evalLoss: 2.5788512,
  perplexity: 13.182,
  accuracy: 0.4966,
  bestStep: 500,
  trainRuntime: 100.04,
  evalRuntime: 3.86,
  lossToBaseline: 0,
  trainRuntimeRatio: 1,
  evalRuntimeRatio: 1,
  error: null,
  ...change,
});
const failed: Partial<ComparisonRow> = Object.fromEntries(
  [
    'evalLoss',
    'perplexity',
    'accuracy',
    'bestStep',
    'trainRuntime',
    'evalRuntime',
    'lossToBaseline',
    'trainRuntimeRatio',
    'evalRuntimeRatio',
  ].map((key) => [key, null]),
);
const rows = [
  row({}),
  row({ title: 'Method 1', folder: 'method-1', evalLoss: 2.5259, lossToBaseline: -0.05295, trainRuntimeRatio: 1.64 }),
  row({ title: 'Method 2 (replace, mid)', folder: 'method-2-replace-mid', ...failed, error: 'diverged, "at once"' }),
];
const comparison: Comparison = {
  study: 'note',
  folder: 'runs/note',
  data: 'Some words.',
  rows,
  runs: rows,
  findings: ['Nothing can be claimed.'],
  samples: [{ source: 'Call | me', reference: null, texts: [{ title: 'Baseline', text: 'a\n|b' }] }],
};

test('the text has a line for each variant, in columns', () => {
  expect(comparisonText(comparison)).toBe(
    [
      'Variant                    Loss  vs baseline  Perplexity  Accuracy  Best step  Parameters  Training         Evaluation       ',
      '-----------------------------------------------------------------------------------------------------------------------------',
      'Baseline                 2.5789       0.0000     13.1820    0.4966        500   1,234,567   100.0 s  1.00x       3.9 s  1.00x',
      'Method 1                 2.5259      -0.0529     13.1820    0.4966        500   1,234,567   100.0 s  1.64x       3.9 s  1.00x',
      'Method 2 (replace, mid)       -            -           -         -          -   1,234,567         -      -           -      -',
      'Method 2 (replace, mid) failed: diverged, "at once"',
      '',
      'Nothing can be claimed.',
    ].join('\n'),
  );
});

test('the Markdown is a table with numbers to the right', () => {
  const lines = comparisonMarkdown(comparison).split('\n');
  expect(lines[0]).toBe('# note');
  expect(lines[2]).toMatch(/^\| Variant +\| +Loss \| vs baseline \|/);
  expect(lines[3]).toMatch(/^\| -{23} \| -{5}: \| -{10}: \|/);
  expect(lines).toContain('* Some words.');
  expect(lines).toContain('* Nothing can be claimed.');
  expect(lines).toContain('| Baseline | a \\|b |');
  expect(lines).toContain('* Method 2 (replace, mid) failed: diverged, "at once"');
});

test('the CSV has unrounded numbers and quotes what needs it', () => {
  const lines = comparisonCsv(comparison).split('\n');
  expect(lines[1]).toBe('Baseline,baseline,42,1234567,5000,2.5788512,13.182,0.4966,500,100.04,3.86,0,1,1,');
  expect(lines[3]).toBe(
    '"Method 2 (replace, mid)",method-2-replace-mid,42,1234567,5000,,,,,,,,,,"diverged, ""at once"""',
  );
});
