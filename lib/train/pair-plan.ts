/** Which batches of sentence pairs each step takes: those of an epoch in a seeded order, until the step predicts enough tokens. */
import { batchOrder, type TokenBatches, type TokenPairs, type TokenSentences } from '../data';
import { epochsOf, type PairTrainConfig } from './config';
import type { TrainingPlan, TrainingPosition } from './data';

/** The steps of an epoch. */
interface EpochSteps {
  /** Numbers of the batches. */
  order: Int32Array;
  /** Where each step ends in `order` (exclusive). */
  ends: Int32Array;
}

export class PairPlan implements TrainingPlan {
  readonly totalSteps: number;
  readonly epochs: number;
  readonly warmupSteps: number;
  readonly #batches: TokenBatches;
  readonly #config: PairTrainConfig;
  /** Tokens each batch predicts, and tokens it reads. */
  readonly #targets: Float64Array;
  readonly #tokens: Float64Array;
  /** Steps made before each epoch. */
  readonly #stepsBefore: number[] = [];
  #current: { epoch: number; steps: EpochSteps } | undefined;

  constructor(batches: TokenBatches, pairs: TokenPairs, config: PairTrainConfig) {
    this.#batches = batches;
    this.#config = config;
    this.#targets = lengthsOf(batches, [pairs.target]);
    this.#tokens = lengthsOf(batches, [pairs.source, pairs.target]);
    this.totalSteps = this.#count();
    this.epochs = this.#stepsBefore.length;
    this.warmupSteps = config.warmupSteps ?? Math.ceil((config.warmupRatio ?? 0) * this.totalSteps);
  }

  /** Walks through all epochs: the number of steps in one depends on its order. */
  #count(): number {
    const { maxSteps = Infinity, maxTrainTokens = Infinity } = this.#config;
    const epochs = epochsOf(this.#config);
    const tokensInEpoch = this.#tokens.reduce((sum, tokens) => sum + tokens, 0);
    for (let steps = 0, epoch = 0; ; epoch++) {
      this.#stepsBefore.push(steps);
      const inEpoch = this.epochSteps(epoch).ends.length;
      const ofTokens = this.#stepsToTokens(maxTrainTokens - epoch * tokensInEpoch, epoch);
      const left = Math.min(Math.ceil((epochs - epoch) * inEpoch), maxSteps - steps, ofTokens);
      if (left <= inEpoch) return steps + left;
      steps += inEpoch;
    }
  }

  /** Steps of an epoch until so many tokens are read; Infinity where it has fewer. */
  #stepsToTokens(wanted: number, epoch: number): number {
    const { order, ends } = this.epochSteps(epoch);
    let read = 0;
    const last = wanted === Infinity ? -1 : order.findIndex((batch) => (read += this.#tokens[batch]!) >= wanted);
    return last === -1 ? Infinity : ends.findIndex((end) => end > last) + 1;
  }

  epochSteps(epoch: number): EpochSteps {
    if (this.#current?.epoch === epoch) return this.#current.steps;
    const { dataSeed, seed, updateTokens = 1, overfit } = this.#config;
    const order = overfit
      ? Int32Array.from(this.#batches.ends.keys())
      : batchOrder(this.#batches, dataSeed ?? seed, epoch);
    const ends: number[] = [];
    let tokens = 0;
    order.forEach((batch, index) => {
      tokens += this.#targets[batch]!;
      if (tokens < updateTokens && index + 1 < order.length) return;
      ends.push(index + 1);
      tokens = 0;
    });
    const steps = { order, ends: Int32Array.from(ends) };
    this.#current = { epoch, steps };
    return steps;
  }

  positionAfter(steps: number): TrainingPosition {
    const epoch = this.#stepsBefore.findLastIndex((before) => before <= steps);
    const { ends } = this.epochSteps(epoch);
    const made = steps - this.#stepsBefore[epoch]!;
    // After the very last step there may be no further epoch to begin in.
    if (made === ends.length) return { epoch: epoch + 1, batch: 0 };
    return { epoch, batch: made === 0 ? 0 : ends[made - 1]! };
  }

  epochAfter(steps: number): number {
    const { epoch, batch } = this.positionAfter(steps);
    return epoch + batch / this.#batches.ends.length;
  }

  /** Micro-batches of the step that follows so many finished ones. */
  microBatches(steps: number): number {
    const { epoch, batch } = this.positionAfter(steps);
    const { ends } = this.epochSteps(epoch);
    return ends[steps - this.#stepsBefore[epoch]!]! - batch;
  }
}

/** Tokens of each batch; every sentence has an end mark, which is read and predicted too. */
function lengthsOf({ order, ends }: TokenBatches, sides: readonly TokenSentences[]): Float64Array {
  const tokens = new Float64Array(ends.length);
  ends.forEach((end, batch) => {
    for (let index = batch === 0 ? 0 : ends[batch - 1]!; index < end; index++) {
      const sentence = order[index]!;
      for (const { offsets } of sides) tokens[batch]! += offsets[sentence + 1]! - offsets[sentence]! + 1;
    }
  });
  return tokens;
}
