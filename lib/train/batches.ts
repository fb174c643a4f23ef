/** Token files as native batches. Those for training are in a seeded order, those for evaluation in the file's. */
import { batchSentences, type TokenBatches, type TokenBlocks, type TokenPairs } from '../data';
import { DataError } from '../errors';
import { native } from '../native';
import { NativeObject } from '../tensor';
import type { TranslationModel } from './model';

export interface BatchOptions {
  batchSize: number;
  /** Orders each epoch anew; null keeps the file's order. */
  seed: number | null;
  device: string;
}

/** @throws DataError when there is no block with anything to predict */
export function refuseEmpty({ file, offsets, blockSize }: TokenBlocks): void {
  if (offsets.length === 0) throw new DataError(`${file} holds no block of ${blockSize} tokens.`);
  if (blockSize >= 2) return;
  throw new DataError(
    `${file}: in blocks of one token there is nothing to predict one from; set a blockSize of at least 2.`,
  );
}

/** @throws DataError when there is no block with anything to predict, or the token file is missing or shorter than its blocks say. */
export function openBatches(blocks: TokenBlocks, { batchSize, seed, device }: BatchOptions): NativeObject {
  refuseEmpty(blocks);
  using tokens = openTokens(blocks);
  const id = native.batchesCreate(tokens.id, blocks.offsets, blocks.blockSize, batchSize, seed, device);
  return new NativeObject(id, 'batches');
}

/** Batches that are queued before they are taken. @throws DataError when a token file is missing, or shorter than its sentences say */
export function openPairBatches(
  { source, target }: TokenPairs,
  { padTokenId, eosTokenId }: Pick<TranslationModel['config'], 'padTokenId' | 'eosTokenId'>,
  device: string,
): NativeObject {
  using sourceTokens = openTokens(source);
  using targetTokens = openTokens(target);
  const id = native.pairBatchesCreate(sourceTokens.id, targetTokens.id, {
    sourceOffsets: source.offsets,
    targetOffsets: target.offsets,
    paddingId: padTokenId,
    eosId: eosTokenId,
    device,
  });
  return new NativeObject(id, 'batches');
}

/** Says which batches come next: those of these numbers, in this order. */
export function queueBatches(queue: NativeObject, batches: TokenBatches, numbers: Int32Array): void {
  const order = new Int32Array(batches.order.length);
  const ends = new Int32Array(numbers.length);
  let end = 0;
  numbers.forEach((number, index) => {
    const sentences = batchSentences(batches, number);
    order.set(sentences, end);
    ends[index] = end += sentences.length;
  });
  native.pairBatchesQueue(queue.id, order.subarray(0, end), ends);
}

function openTokens({ file, dtype }: { file: string; dtype: 'uint16' | 'uint32' }): NativeObject {
  return new NativeObject(native.tokensOpen(file, dtype).id, 'token file');
}
