/** What the Trainer asks of its data, whatever they are. */
import { isDeepStrictEqual } from 'node:util';

import { checkArgument } from '../arguments';
import { ArgumentError, CheckpointError } from '../errors';
import type { JsonValue } from '../json';
import type { Metrics } from '../metrics';
import type { NativeObject } from '../tensor';
import type { EvaluationBatchEvent } from './evaluate';

/** How a training goes through its data. */
export interface TrainingPlan {
  /** Null where it is not known before, as with data that stream. */
  readonly totalSteps: number | null;
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
  /** Samples in an epoch, and in a micro-batch; null where that is not known. */
  readonly samples: number | null;
  readonly batchSize: number | null;
  /** Floating-point operations that `total_flos` counts for each token. */
  readonly flopsPerToken: number;
  /** Those that the model's cost model counts for training on a token, forward and backward; where it has one. */
  readonly modelFlopsPerToken?: number | undefined;
  /** @throws DataError for what the model cannot learn from, such as ids beyond its vocabulary */
  check(signal: AbortSignal | undefined): Promise<void>;
  /**
   * Where the step begins that follows so many finished ones, for a checkpoint. Called between steps, and after a step that was broken
   * off: then it is where that step began.
   */
  state(steps: number): JsonValue;
  /** Makes the next step begin there; called before the first one. @throws CheckpointError where the data have changed since */
  restore(state: JsonValue, steps: number): void | Promise<void>;
  /** Null where there are no validation data. */
  evaluate:
    | ((epoch: number, signal: AbortSignal | undefined) => AsyncGenerator<EvaluationBatchEvent, Metrics, undefined>)
    | null;
  /** What has ended the training where these data give no further step. */
  readonly endReason: 'epochs' | 'data-ended';
  /** What went wrong without ending the training since this was last asked, for `warning` events. */
  takeWarnings?(): string[];
  /** What the report of the training says beside what all reports say. */
  metrics(totals: TrainingTotals, steps: number, seconds: number): Metrics;
}

/** Data that the native side reads. */
export interface NativeData extends TrainingData {
  /** The training batches as native ones, from those of the step that follows so many finished ones on. */
  open(steps: number): NativeObject;
  /**
   * Sees to it that the batches of the step that follows so many finished ones come; how many they are, and 0 where the data have ended.
   * Steps follow each other. @param stopped - raised where nobody wants the step any longer: then 0 too, rather than waiting
   */
  microBatches(batches: NativeObject, steps: number, stopped: AbortSignal): number | Promise<number>;
}

/** @throws CheckpointError unless the data and the plan lead to the place where the checkpoint was written */
export function checkPosition(saved: JsonValue, { epoch, batch }: TrainingPosition): void {
  if (isDeepStrictEqual(saved, { epoch, batch })) return;
  const then = saved as Partial<TrainingPosition> | null;
  throw new CheckpointError(
    `The checkpoint was written at batch ${then?.batch} of epoch ${then?.epoch}, but with these data and this config its step ` +
      `ends at batch ${batch} of epoch ${epoch}: they have changed since.`,
  );
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
