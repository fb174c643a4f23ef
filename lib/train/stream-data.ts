/** A stream of blocks of tokens as a Trainer's data: read ahead while the model learns, and found again to the block. */
import type { streams, TokenBlocks } from '../data';
import { ConfigError, DataError } from '../errors';
import type { JsonValue } from '../json';
import type { NativeObject } from '../tensor';
import { BlockPump } from './block-pump';
import type { TrainConfig } from './config';
import type { NativeData, TrainingData, TrainingPlan, TrainingPosition } from './data';
import { evaluateBlocks } from './evaluate';
import { firstOfStream } from './guards/overfit-data';
import { checkVocabulary, type LanguageModel } from './model';

export interface StreamSplits {
  /** Blocks of token ids, all of one length, such as `streams.tokenize(texts, tokenizer).pack({ blockSize })` gives. */
  train: streams.SampleStream<ArrayLike<number>>;
  validation?: TokenBlocks | undefined;
}

export class StreamData implements NativeData {
  readonly endReason = 'data-ended';
  readonly plan: TrainingPlan;
  readonly samples = null;
  readonly evaluate: TrainingData['evaluate'];
  #signal: AbortSignal | undefined;
  #start: JsonValue = null;
  #pump: BlockPump | undefined;
  /** Where the step at hand, or the last one, began. */
  #step: { steps: number; state: JsonValue } | undefined;
  #warnings: string[] = [];

  constructor(
    readonly model: LanguageModel,
    readonly splits: StreamSplits,
    readonly config: TrainConfig,
  ) {
    this.plan = planOf(splits.train, config);
    const { validation } = splits;
    this.evaluate = validation === undefined ? null : (epoch, signal) => this.#evaluate(validation, epoch, signal);
  }

  get batchSize(): number {
    return this.config.batchSize;
  }

  /** As of blocks of a token file. */
  get flopsPerToken(): number {
    return 6 * this.model.nonEmbeddingParameters;
  }

  async check(signal: AbortSignal | undefined): Promise<void> {
    this.#signal = signal;
    const { validation } = this.splits;
    if (validation) await checkVocabulary(validation, { name: 'vocabSize', size: this.model.vocabSize }, signal);
  }

  state(steps: number): JsonValue {
    if (this.#step?.steps === steps) return this.#step.state;
    return this.#pump === undefined ? this.#start : this.#pump.state;
  }

  restore(state: JsonValue): void {
    this.#start = state;
  }

  open(): NativeObject {
    const { batchSize, accumulation } = this.config;
    const reader = firstOfStream(this.splits.train, this.config).open({
      state: this.#start,
      signal: this.#signal,
      onDamage: ({ message }) => this.#warnings.push(message),
    });
    this.#pump = new BlockPump(reader, { batchSize, ahead: 2 * accumulation, model: this.model });
    return this.#pump.queue;
  }

  async microBatches(_queue: NativeObject, steps: number, stopped: AbortSignal): Promise<number> {
    const pump = this.#pump as BlockPump;
    this.#step = { steps, state: pump.state };
    const count = await pump.take(this.config.accumulation, stopped);
    if (count === 0 && steps === 0 && !stopped.aborted)
      throw new DataError('data.train is empty: the stream gives not one block. Are its texts shorter than a block?');
    return count;
  }

  takeWarnings(): string[] {
    const warnings = this.#warnings;
    this.#warnings = [];
    return warnings;
  }

  metrics(): Record<string, never> {
    return {};
  }

  #evaluate(
    validation: TokenBlocks,
    epoch: number,
    signal: AbortSignal | undefined,
  ): ReturnType<typeof evaluateBlocks> {
    const { evalBatchSize: batchSize, precision } = this.config;
    return evaluateBlocks(this.model, validation, { batchSize, precision, epoch, signal });
  }
}

/** A stream is one pass, however long; repeated, it counts its passes itself. */
function planOf(stream: StreamSplits['train'], config: TrainConfig): TrainingPlan {
  const { maxSteps, maxTrainTokens, batchSize, accumulation } = config;
  if (config.epochs !== undefined)
    throw new ConfigError('train.epochs: a stream has no epochs that could be counted; say stream.repeat(passes).');
  for (const key of ['evalEvery', 'saveEvery'] as const) {
    if (config[key] === 'epoch')
      throw new ConfigError(`train.${key}: a stream has no epochs that could be counted; give a number of steps.`);
  }
  const { blockSize } = stream;
  const ofTokens =
    maxTrainTokens === undefined || blockSize === undefined
      ? undefined
      : Math.ceil(maxTrainTokens / (blockSize * batchSize * accumulation));
  const totalSteps =
    maxSteps === undefined || ofTokens === undefined ? (maxSteps ?? ofTokens ?? null) : Math.min(maxSteps, ofTokens);
  if (config.warmupRatio !== undefined && totalSteps === null)
    throw new ConfigError(
      'train.warmupRatio: of a stream nobody knows how many steps it gives; say warmupSteps, or maxSteps.',
    );
  const warmupSteps = config.warmupSteps ?? Math.ceil((config.warmupRatio ?? 0) * (totalSteps ?? 0));
  const positionAfter = (steps: number): TrainingPosition => ({ epoch: 0, batch: steps * accumulation });
  return { totalSteps, epochs: 1, warmupSteps, epochAfter: () => 0, positionAfter };
}
