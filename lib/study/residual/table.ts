/** The comparison of a study's variants as data, Markdown, CSV and text. */
import { failures, type BaseRow, type StudyComparison } from '../shared/comparison';
import {
  csvTable,
  markdownTable,
  number,
  ratio,
  seconds,
  signed,
  textTable,
  whole,
  type Column,
} from '../shared/table';

/** One variant in a comparison. Numbers are null where its training failed. */
export interface ComparisonRow extends BaseRow {
  parameters: number | null;
  evalLoss: number | null;
  perplexity: number | null;
  accuracy: number | null;
  /** Step of the best evaluation. */
  bestStep: number | null;
  /** Wall seconds. */
  trainRuntime: number | null;
  evalRuntime: number | null;
  /** `evalLoss` minus the baseline's; null without a baseline. */
  lossToBaseline: number | null;
  /** `trainRuntime` and `evalRuntime` over the baseline's. */
  trainRuntimeRatio: number | null;
  evalRuntimeRatio: number | null;
}

export interface Comparison extends StudyComparison<ComparisonRow> {
  task?: undefined;
}

const columns: Column<ComparisonRow>[] = [
  { title: 'Variant', cell: (row) => row.title },
  { title: 'Loss', cell: (row) => number(4)(row.evalLoss) },
  { title: 'vs baseline', cell: (row) => signed(4)(row.lossToBaseline) },
  { title: 'Perplexity', cell: (row) => number(4)(row.perplexity) },
  { title: 'Accuracy', cell: (row) => number(4)(row.accuracy) },
  { title: 'Best step', cell: (row) => number(0)(row.bestStep) },
  { title: 'Parameters', cell: (row) => whole(row.parameters) },
  { title: 'Training', cell: (row) => seconds(row.trainRuntime) },
  { title: '', cell: (row) => ratio(row.trainRuntimeRatio) },
  { title: 'Evaluation', cell: (row) => seconds(row.evalRuntime) },
  { title: '', cell: (row) => ratio(row.evalRuntimeRatio) },
];

/** The table for a terminal. */
export function residualText(comparison: Comparison): string {
  return [textTable(columns, comparison.rows), ...failures(comparison)].join('\n');
}

export function residualMarkdown(comparison: Comparison): string {
  const notes = failures(comparison).map((failure) => `* ${failure}`);
  const parts = [markdownTable(columns, comparison.rows), ...(notes.length > 0 ? ['', ...notes] : [])];
  return `# ${comparison.study}\n\n${parts.join('\n')}\n`;
}

/** All fields of the rows, numbers unrounded. */
export function residualCsv(comparison: Comparison): string {
  return csvTable(
    [
      'title',
      'folder',
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
      'error',
    ],
    comparison.rows,
  );
}
