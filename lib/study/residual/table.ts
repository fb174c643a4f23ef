/** The comparison of a study's variants. */
import type { StudyComparison, StudyKind } from '../shared/comparison';
import type { RunRecord } from '../shared/record';
import { both, metric, minus, over, type BaseRow } from '../shared/row';
import { number, ratio, seconds, signed, whole } from '../shared/table';

/** One variant in a comparison. Numbers are null where its training failed. */
export interface ComparisonRow extends BaseRow {
  parameters: number;
  /** Floating-point operations of one forward pass, for each token. */
  flopsPerToken: number;
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

function row({ title, seed, parameters, cost, outcome, error }: RunRecord, folder: string): ComparisonRow {
  return {
    title,
    folder,
    seed,
    parameters,
    flopsPerToken: cost,
    evalLoss: metric(outcome?.scores, 'eval_loss'),
    perplexity: metric(outcome?.scores, 'eval_perplexity'),
    accuracy: metric(outcome?.scores, 'eval_accuracy'),
    bestStep: outcome?.best?.step ?? null,
    trainRuntime: metric(outcome?.train, 'train_runtime'),
    evalRuntime: metric(outcome?.scores, 'eval_runtime'),
    lossToBaseline: null,
    trainRuntimeRatio: null,
    evalRuntimeRatio: null,
    error,
  };
}

export const residualKind: StudyKind<ComparisonRow, Comparison> = {
  task: 'residual',
  thing: 'variant',
  row,
  reference: (rows) => rows.find(({ title }) => title === 'Baseline'),
  relate: (row, baseline) => ({
    ...row,
    lossToBaseline: both(row.evalLoss, baseline.evalLoss, minus),
    trainRuntimeRatio: both(row.trainRuntime, baseline.trainRuntime, over),
    evalRuntimeRatio: both(row.evalRuntime, baseline.evalRuntime, over),
  }),
  complete: (comparison) => comparison,
  score: { key: 'evalLoss', name: 'evaluation loss', digits: 4, better: 'lower' },
  cost: { key: 'flopsPerToken', name: 'FLOPs of a token, forward' },
  columns: [
    { title: 'Variant', key: 'title', cell: (row) => row.title },
    { title: 'Loss', key: 'evalLoss', cell: (row) => number(4)(row.evalLoss) },
    { title: 'vs baseline', key: 'lossToBaseline', cell: (row) => signed(4)(row.lossToBaseline) },
    { title: 'Perplexity', key: 'perplexity', cell: (row) => number(4)(row.perplexity) },
    { title: 'Accuracy', key: 'accuracy', cell: (row) => number(4)(row.accuracy) },
    { title: 'Best step', key: 'bestStep', cell: (row) => number(0)(row.bestStep) },
    { title: 'Parameters', key: 'parameters', cell: (row) => whole(row.parameters) },
    { title: 'Training', key: 'trainRuntime', cell: (row) => seconds(row.trainRuntime) },
    { title: '', cell: (row) => ratio(row.trainRuntimeRatio) },
    { title: 'Evaluation', key: 'evalRuntime', cell: (row) => seconds(row.evalRuntime) },
    { title: '', cell: (row) => ratio(row.evalRuntimeRatio) },
  ],
  csvKeys: [
    'title',
    'folder',
    'seed',
    'parameters',
    'flopsPerToken',
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
  notes: () => [],
};
