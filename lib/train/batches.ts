/** A token file's blocks as native batches: for training in a seeded order, for evaluation in the file's. */
import type { TokenBlocks } from '../data';
import { DataError } from '../errors';
import { native } from '../native';
import { NativeObject } from '../tensor';

export interface BatchOptions {
  batchSize: number;
  /** Orders each epoch anew; null keeps the file's order. */
  seed: number | null;
  device: string;
}

/** @throws DataError when there is no block, or the token file is missing or shorter than its blocks say. */
export function openBatches(blocks: TokenBlocks, { batchSize, seed, device }: BatchOptions): NativeObject {
  if (blocks.offsets.length === 0) throw new DataError(`${blocks.file} holds no block of ${blocks.blockSize} tokens.`);
  using tokens = new NativeObject(native.tokensOpen(blocks.file, blocks.dtype).id, 'token file');
  const id = native.batchesCreate(tokens.id, blocks.offsets, blocks.blockSize, batchSize, seed, device);
  return new NativeObject(id, 'batches');
}
