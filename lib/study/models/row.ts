/** What the tables of all studies of named models have in common. The first model is the one that the others are related to. */
import type { RunRecord } from '../shared/record';
import { both, metric, minus, over, type BaseRow } from '../shared/row';
import { number, ratio, seconds, signed, whole, type Column } from '../shared/table';

/** One model in a comparison. Numbers are null where its training failed. */
export interface ModelRow extends BaseRow {
  parameters: number;
  /** Multiply-additions; for which lengths, the table says. */
  macs: number;
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

/** The row of a run by itself. */
export function modelRow(
  { title, seed, parameters, cost, outcome, error }: RunRecord,
  folder: string,
  perplexityKey: string,
): ModelRow {
  return {
    title,
    folder,
    seed,
    parameters,
    macs: cost,
    perplexity: metric(outcome?.scores, perplexityKey),
    bestStep: outcome?.best?.step ?? null,
    trainRuntime: metric(outcome?.train, 'train_runtime'),
    trainTokensPerSecond: outcome?.tokensPerSecond ?? null,
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
    parametersRatio: over(row.parameters, first.parameters),
    macsRatio: over(row.macs, first.macs),
    trainRuntimeRatio: both(row.trainRuntime, first.trainRuntime, over),
    perplexityDifference: both(row.perplexity, first.perplexity, minus),
  };
}

export const rowKeys = [
  'title',
  'folder',
  'seed',
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
function short(value: number): string {
  const [size, letter] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : [1e3, 'k'];
  return `${(value / size).toFixed(2)} ${letter}`;
}

export const sizeColumns: Column<ModelRow>[] = [
  { title: 'Model', key: 'title', cell: (row) => row.title },
  { title: 'Parameters', key: 'parameters', cell: (row) => short(row.parameters) },
  { title: '', cell: (row) => ratio(row.parametersRatio) },
  { title: 'MACs', key: 'macs', cell: (row) => short(row.macs) },
  { title: '', cell: (row) => ratio(row.macsRatio) },
];

export const perplexityColumns: Column<ModelRow>[] = [
  { title: 'Perplexity', key: 'perplexity', cell: (row) => number(2)(row.perplexity) },
  { title: '+/-', cell: (row) => signed(2)(row.perplexityDifference) },
];

export const trainingColumns: Column<ModelRow>[] = [
  { title: 'Training', key: 'trainRuntime', cell: (row) => seconds(row.trainRuntime) },
  { title: '', cell: (row) => ratio(row.trainRuntimeRatio) },
  { title: 'Tokens/s', cell: (row) => whole(row.trainTokensPerSecond && Math.round(row.trainTokensPerSecond)) },
];
