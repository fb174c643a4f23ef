/** Sentence pairs as a Trainer's data. */
import { tokenBatches, type TokenBatches, type TokenPairs, type TokenSentences } from '../data';
import { DataError } from '../errors';
import type { JsonValue } from '../json';
import { roundHalfEven, type Metrics } from '../metrics';
import type { NativeObject } from '../tensor';
import { openPairBatches, queueBatches } from './batches';
import type { PairTrainConfig } from './config';
import { checkPosition, type NativeData, type TrainingData, type TrainingTotals } from './data';
import { evaluatePairs } from './evaluate';
import { firstPairBatches } from './guards/overfit-data';
import { checkPairs, type TranslationModel } from './model';
import { PairPlan } from './pair-plan';

export interface PairSplits {
  train: TokenPairs;
  validation: TokenPairs;
}

export class PairData implements NativeData {
  readonly endReason = 'epochs';
  readonly plan: PairPlan;
  readonly #batches: TokenBatches;
  /** Epochs whose batches the native side knows. */
  #queued = 0;

  constructor(
    readonly model: TranslationModel,
    readonly splits: PairSplits,
    readonly config: PairTrainConfig,
  ) {
    for (const [name, { source, count }] of Object.entries(splits) as [string, TokenPairs][])
      if (count === 0) throw new DataError(`data.${name} holds no pair: ${source.file} is empty.`);
    this.#batches = firstPairBatches(tokenBatches(splits.train, batchLimits(config)), splits.train, config);
    tokenBatches(splits.validation, batchLimits(config)); // refuses what an evaluation would refuse, hours later
    this.plan = new PairPlan(this.#batches, splits.train, config);
  }

  get samples(): number {
    return this.splits.train.count;
  }

  /** Batches are of different sizes: the mean. */
  get batchSize(): number {
    return Math.round(this.samples / this.#batches.ends.length);
  }

  /** As for decoders, save that a token passes either the encoder or the decoder: about half of the parameters. */
  get flopsPerToken(): number {
    return 3 * this.model.nonEmbeddingParameters;
  }

  /** Of pairs of mean length, end marks counted. */
  get modelFlopsPerToken(): number | undefined {
    const { source, target } = this.splits.train;
    const meanLength = ({ offsets }: TokenSentences) =>
      Math.round((offsets.at(-1)! - offsets[0]!) / (offsets.length - 1)) + 1;
    const lengths = { source: meanLength(source), target: meanLength(target) };
    const flops = this.model.trainingFlops?.(lengths);
    return flops && flops / (lengths.source + lengths.target);
  }

  async check(signal: AbortSignal | undefined): Promise<void> {
    await checkPairs(this.model, this.splits.train, signal);
    await checkPairs(this.model, this.splits.validation, signal);
  }

  state(steps: number): JsonValue {
    return { ...this.plan.positionAfter(steps) };
  }

  restore(state: JsonValue, steps: number): void {
    checkPosition(state, this.plan.positionAfter(steps));
  }

  open(steps: number): NativeObject {
    const { epoch, batch } = this.plan.positionAfter(steps);
    const batches = openPairBatches(this.splits.train, this.model.config, this.model.device);
    this.#queued = epoch;
    // In the middle of an epoch: what is left of it.
    if (batch > 0) queueBatches(batches, this.#batches, this.plan.epochSteps(this.#queued++).order.slice(batch));
    return batches;
  }

  microBatches(batches: NativeObject, steps: number): number {
    const { epoch } = this.plan.positionAfter(steps);
    const count = this.plan.microBatches(steps);
    // One epoch ahead, so that the native side never waits between two.
    for (const last = Math.min(epoch + 1, this.plan.epochs - 1); this.#queued <= last; this.#queued++) {
      queueBatches(batches, this.#batches, this.plan.epochSteps(this.#queued).order);
    }
    return count;
  }

  evaluate(epoch: number, signal: AbortSignal | undefined): ReturnType<NonNullable<TrainingData['evaluate']>> {
    const { precision } = this.config;
    return evaluatePairs(this.model, this.splits.validation, {
      ...batchLimits(this.config),
      precision,
      epoch,
      signal,
    });
  }

  metrics({ nll, targets }: TrainingTotals, steps: number, seconds: number): Metrics {
    return { train_nll: nll / steps, train_tokens_per_second: roundHalfEven(targets / seconds, 3) };
  }
}

function batchLimits({ maxTokens, maxSentences }: PairTrainConfig): { maxTokens: number; maxSentences?: number } {
  return { maxTokens, ...(maxSentences !== undefined && { maxSentences }) };
}
