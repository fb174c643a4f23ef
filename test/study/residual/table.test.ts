import {
  residualCsv,
  residualMarkdown,
  residualText,
  type Comparison,
  type ComparisonRow,
} from '../../../lib/study/residual/table';

const row = (change: Partial<ComparisonRow>): ComparisonRow => ({
  title: 'Baseline',
  folder: 'baseline',
  parameters: 1234567,
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
    'parameters',
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
const comparison: Comparison = {
  study: 'note',
  folder: 'runs/note',
  rows: [
    row({}),
    row({ title: 'Method 1', folder: 'method-1', evalLoss: 2.5259, lossToBaseline: -0.05295, trainRuntimeRatio: 1.64 }),
    row({ title: 'Method 2 (replace, mid)', folder: 'method-2-replace-mid', ...failed, error: 'diverged, "at once"' }),
  ],
};

test('the text has a line for each variant, in columns', () => {
  expect(residualText(comparison)).toBe(
    [
      'Variant                    Loss  vs baseline  Perplexity  Accuracy  Best step  Parameters  Training         Evaluation       ',
      '-----------------------------------------------------------------------------------------------------------------------------',
      'Baseline                 2.5789       0.0000     13.1820    0.4966        500   1,234,567   100.0 s  1.00x       3.9 s  1.00x',
      'Method 1                 2.5259      -0.0529     13.1820    0.4966        500   1,234,567   100.0 s  1.64x       3.9 s  1.00x',
      'Method 2 (replace, mid)       -            -           -         -          -           -         -      -           -      -',
      'Method 2 (replace, mid) failed: diverged, "at once"',
    ].join('\n'),
  );
});

test('the Markdown is a table with numbers to the right', () => {
  const lines = residualMarkdown(comparison).split('\n');
  expect(lines[0]).toBe('# note');
  expect(lines[2]).toMatch(/^\| Variant +\| +Loss \| vs baseline \|/);
  expect(lines[3]).toMatch(/^\| -{23} \| -{5}: \| -{10}: \|/);
  expect(lines).toContain('* Method 2 (replace, mid) failed: diverged, "at once"');
});

test('the CSV has unrounded numbers and quotes what needs it', () => {
  const lines = residualCsv(comparison).split('\n');
  expect(lines[1]).toBe('Baseline,baseline,1234567,2.5788512,13.182,0.4966,500,100.04,3.86,0,1,1,');
  expect(lines[3]).toBe('"Method 2 (replace, mid)",method-2-replace-mid,,,,,,,,,,,"diverged, ""at once"""');
});
