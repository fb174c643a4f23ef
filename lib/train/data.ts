/** What the Trainer asks of its data, whatever they are. */
import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import type { Metrics } from '../metrics';
import type { NativeObject } from '../tensor';
import type { EvaluationBatchEvent } from './evaluate';

/** How a training goes through its data. */
export interface TrainingPlan {
  readonly totalSteps: number;
  /** Epochs begun, as `num_train_epochs` counts them. */
  readonly epochs: number;
  readonly warmupSteps: number;
  /** Passes over the data after so many steps; a whole number exactly at an epoch's end. */
  epochAfter(steps: number): number;
  /** Where the step that follows so many finished ones begins: an epoch, and micro-batches of it already taken. */
  positionAfter(steps: number): TrainingPosition;
}

export interface TrainingPosition {
  epoch: number;
  batch: number;
}

/** Sums over a training. */
export interface TrainingTotals {
  /** Of the steps' mean losses. */
  loss: number;
  nll: number;
  samples: number;
  /** Tokens predicted. */
  targets: number;
}

export interface TrainingData {
  readonly plan: TrainingPlan;
  /** Samples in an epoch, and in a micro-batch. */
  readonly samples: number;
  readonly batchSize: number;
  /** Floating-point operations that `total_flos` counts for each token. */
  readonly flopsPerToken: number;
  /** @throws DataError when ids exceed the model's vocabulary */
  check(signal: AbortSignal | undefined): Promise<void>;
  /** The training batches as native ones, from the first on. */
  open(): NativeObject;
  /** Sees to it that the batches of the step that follows so many finished ones come; how many they are. Steps follow each other. */
  microBatches(batches: NativeObject, steps: number): number;
  evaluate(epoch: number, signal: AbortSignal | undefined): AsyncGenerator<EvaluationBatchEvent, Metrics, undefined>;
  /** What the report of the training says beside what all reports say. */
  metrics(totals: TrainingTotals, steps: number, seconds: number): Metrics;
}

/** @throws ArgumentError for what is not training and validation data as `prepareData` and `preparePairs` give them */
export function checkSplits(data: unknown): void {
  const origin = 'such as prepareData or preparePairs gives';
  checkArgument(data, 'object', `The data of a Trainer, ${origin},`);
  for (const name of ['train', 'validation'] as const) {
    const split = (data as Partial<Record<typeof name, object>>)[name];
    checkArgument(split, 'object', `data.${name}, ${origin},`);
    const { source, target } = split as { source?: unknown; target?: unknown };
    if (source === undefined ? isTokens(split) : isTokens(source) && isTokens(target)) continue;
    throw new ArgumentError(`data.${name} has no token file with its offsets, ${origin}.`);
  }
}

function isTokens(value: unknown): boolean {
  const { file, offsets } = (value ?? {}) as { file?: unknown; offsets?: ArrayLike<number> };
  return typeof file === 'string' && typeof offsets?.length === 'number';
}
