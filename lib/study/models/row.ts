/** What the tables of all studies of named models have in common. The first model is the one that the others are related to. */
import { both, minus, over, type BaseRow } from '../shared/comparison';
import { number, ratio, seconds, signed, whole, type Column } from '../shared/table';
import type { ModelResult } from './result';

/** One model in a comparison. Numbers are null where its training failed. */
export interface ModelRow extends BaseRow {
  parameters: number | null;
  /** Multiply-additions; for which lengths, the table says. */
  macs: number | null;
  /** Of the test data, for each token. */
  perplexity: number | null;
  /** Step of the best evaluation. */
  bestStep: number | null;
  /** Wall seconds. */
  trainRuntime: number | null;
  /** Tokens learned to predict, for each of those seconds. */
  trainTokensPerSecond: number | null;
  /** Over those of the first model. */
  parametersRatio: number | null;
  macsRatio: number | null;
  trainRuntimeRatio: number | null;
  /** Minus that of the first model. */
  perplexityDifference: number | null;
}

/** The row of a finished model. */
export function finishedRow(folder: string, run: ModelResult, perplexity: number | null): ModelRow {
  return {
    ...failedRow(run.title, folder, null),
    parameters: run.parameters,
    macs: run.macs,
    perplexity,
    bestStep: run.best?.step ?? null,
    trainRuntime: run.train.train_runtime ?? null,
    trainTokensPerSecond: run.tokensPerSecond,
  };
}

export function failedRow(title: string, folder: string, error: string | null): ModelRow {
  return {
    title,
    folder,
    parameters: null,
    macs: null,
    perplexity: null,
    bestStep: null,
    trainRuntime: null,
    trainTokensPerSecond: null,
    parametersRatio: null,
    macsRatio: null,
    trainRuntimeRatio: null,
    perplexityDifference: null,
    error,
  };
}

export function relateToFirst<Row extends ModelRow>(row: Row, first: Row): Row {
  return {
    ...row,
    parametersRatio: both(row.parameters, first.parameters, over),
    macsRatio: both(row.macs, first.macs, over),
    trainRuntimeRatio: both(row.trainRuntime, first.trainRuntime, over),
    perplexityDifference: both(row.perplexity, first.perplexity, minus),
  };
}

export const rowKeys = [
  'title',
  'folder',
  'parameters',
  'macs',
  'perplexity',
  'bestStep',
  'trainRuntime',
  'trainTokensPerSecond',
  'parametersRatio',
  'macsRatio',
  'trainRuntimeRatio',
  'perplexityDifference',
  'error',
] as const satisfies (keyof ModelRow)[];

/** `54.04 M`, `8.03 G`. */
export function short(value: number | null): string {
  if (value === null) return '-';
  const [size, letter] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : [1e3, 'k'];
  return `${(value / size).toFixed(2)} ${letter}`;
}

export const sizeColumns: Column<ModelRow>[] = [
  { title: 'Model', cell: (row) => row.title },
  { title: 'Parameters', cell: (row) => short(row.parameters) },
  { title: '', cell: (row) => ratio(row.parametersRatio) },
  { title: 'MACs', cell: (row) => short(row.macs) },
  { title: '', cell: (row) => ratio(row.macsRatio) },
];

export const perplexityColumns: Column<ModelRow>[] = [
  { title: 'Perplexity', cell: (row) => number(2)(row.perplexity) },
  { title: '+/-', cell: (row) => signed(2)(row.perplexityDifference) },
];

export const trainingColumns: Column<ModelRow>[] = [
  { title: 'Training', cell: (row) => seconds(row.trainRuntime) },
  { title: '', cell: (row) => ratio(row.trainRuntimeRatio) },
  { title: 'Tokens/s', cell: (row) => whole(row.trainTokensPerSecond && Math.round(row.trainTokensPerSecond)) },
];
