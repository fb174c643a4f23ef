/** Blocks of tokens as a Trainer's data. */
import type { TokenBlocks } from '../data';
import type { JsonValue } from '../json';
import { native } from '../native';
import type { NativeObject } from '../tensor';
import { openBatches, refuseEmpty } from './batches';
import type { TrainConfig } from './config';
import { checkPosition, type NativeData, type TrainingData, type TrainingPlan } from './data';
import { evaluateBlocks } from './evaluate';
import { firstBlocks } from './guards/overfit-data';
import { checkVocabulary, type LanguageModel } from './model';
import { epochAfter, microBatchesOf, planSteps, type StepPlan } from './plan';

export interface BlockSplits {
  train: TokenBlocks;
  validation: TokenBlocks;
}

export class BlockData implements NativeData {
  readonly endReason = 'epochs';
  readonly plan: TrainingPlan;
  readonly splits: BlockSplits;
  readonly #plan: StepPlan;

  constructor(
    readonly model: LanguageModel,
    { train, validation }: BlockSplits,
    readonly config: TrainConfig,
  ) {
    for (const blocks of [train, validation]) refuseEmpty(blocks);
    const splits = (this.splits = { train: firstBlocks(train, config), validation });
    const plan = (this.#plan = planSteps(splits.train.offsets.length, config, splits.train.blockSize));
    this.plan = {
      ...plan,
      epochAfter: (steps) => epochAfter(steps, plan, config.accumulation),
      positionAfter: (steps) => ({
        epoch: Math.floor(steps / plan.stepsPerEpoch),
        batch: (steps % plan.stepsPerEpoch) * config.accumulation,
      }),
    };
  }

  get samples(): number {
    return this.splits.train.offsets.length;
  }

  get batchSize(): number {
    return this.config.batchSize;
  }

  /** The rule of 6 operations for each parameter that a token passes, forward and backward. */
  get flopsPerToken(): number {
    return 6 * this.model.nonEmbeddingParameters;
  }

  get modelFlopsPerToken(): number | undefined {
    const { blockSize } = this.splits.train;
    const flops = this.model.trainingFlops?.(blockSize);
    return flops && flops / blockSize;
  }

  async check(signal: AbortSignal | undefined): Promise<void> {
    const vocabulary = { name: 'vocabSize', size: this.model.vocabSize };
    await checkVocabulary(this.splits.train, vocabulary, signal);
    await checkVocabulary(this.splits.validation, vocabulary, signal);
  }

  state(steps: number): JsonValue {
    return { ...this.plan.positionAfter(steps) };
  }

  restore(state: JsonValue, steps: number): void {
    checkPosition(state, this.plan.positionAfter(steps));
  }

  open(steps: number): NativeObject {
    const { batchSize, dataSeed, overfit } = this.config;
    const seed = overfit ? null : (dataSeed ?? this.config.seed);
    const batches = openBatches(this.splits.train, { batchSize, seed, device: this.model.device });
    const { epoch, batch } = this.plan.positionAfter(steps);
    if (steps > 0) native.batchesSeek(batches.id, epoch, batch);
    return batches;
  }

  microBatches(_batches: NativeObject, steps: number): number {
    return microBatchesOf(steps, this.#plan, this.config.accumulation);
  }

  evaluate(epoch: number, signal: AbortSignal | undefined): ReturnType<NonNullable<TrainingData['evaluate']>> {
    const { evalBatchSize: batchSize, precision } = this.config;
    return evaluateBlocks(this.model, this.splits.validation, { batchSize, precision, epoch, signal });
  }

  metrics(): Record<string, never> {
    return {};
  }
}
