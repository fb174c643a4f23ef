/** The few batches of the overfitting check: those of the first steps. */
import { batchSentences, streams, type TokenBatches, type TokenBlocks, type TokenPairs } from '../../data';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from '../config';
import type { Batches } from '../modules/batches';
import { PairPlan } from '../pair-plan';

/** In the file's order. */
export function firstBlocks(blocks: TokenBlocks, { overfit, batchSize, accumulation }: TrainConfig): TokenBlocks {
  if (overfit === undefined) return blocks;
  const offsets = blocks.offsets.subarray(0, overfit.batches * accumulation * batchSize);
  return { ...blocks, offsets, tokens: offsets.length * blocks.blockSize };
}

/** Those that the first epoch would begin with. */
export function firstPairBatches(batches: TokenBatches, pairs: TokenPairs, config: PairTrainConfig): TokenBatches {
  const { overfit } = config;
  if (overfit === undefined) return batches;
  const { order, ends } = new PairPlan(batches, pairs, { ...config, overfit: undefined }).epochSteps(0);
  const numbers = order.subarray(0, ends[Math.min(overfit.batches, ends.length) - 1]);
  const sentences = [...numbers].map((number) => batchSentences(batches, number));
  let end = 0;
  return {
    order: Int32Array.from(sentences.flatMap((batch) => [...batch])),
    ends: Int32Array.from(sentences.map((batch) => (end += batch.length))),
    skipped: batches.skipped,
  };
}

/** Those that the stream gives first, again and again; they are kept. */
export function firstOfStream<Block>(
  blocks: streams.SampleStream<Block>,
  { overfit, batchSize, accumulation }: TrainConfig,
): streams.SampleStream<Block> {
  if (overfit === undefined) return blocks;
  const first = blocks.take(overfit.batches * accumulation * batchSize);
  return streams.from(async function* () {
    const kept: Block[] = [];
    for await (const block of first) kept.push(block);
    while (kept.length > 0) yield* kept;
  });
}

/** Those that the loader gives first; they are kept. */
export function firstBatches<Batch>(
  batches: Batches<Batch>,
  { overfit, accumulation }: ModuleTrainConfig,
): Batches<Batch> {
  if (overfit === undefined) return batches;
  const most = overfit.batches * accumulation;
  let kept: Promise<Batch[]> | undefined;
  return {
    length: typeof batches.length === 'number' ? Math.min(most, batches.length) : null,
    async *[Symbol.asyncIterator]() {
      yield* await (kept ??= take(batches, most));
    },
  };
}

async function take<Batch>(batches: Batches<Batch>, most: number): Promise<Batch[]> {
  const taken: Batch[] = [];
  for await (const batch of batches) if (taken.push(batch) === most) break;
  return taken;
}
