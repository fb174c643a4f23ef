/**
 * Cuts a token file into blocks of equal length. By run_clm's rules rows are concatenated in groups of 1000, each group is cut into
 * blocks, and what is left of **every** group is dropped; a group shorter than a block gives none. With the whole corpus as one group
 * only its very end is dropped.
 */
import { DataError } from '../errors';
import type { Grouping } from './schema';

/** Rows that are concatenated before they are cut. */
export const rowsPerGroup = 1000;

/** Tokens in each group that blocks are cut from. @param lengths of the groups of 1000 rows */
export function groupsOf(lengths: readonly number[], grouping: Grouping): readonly number[] {
  return grouping === 'corpus' ? [lengths.reduce((sum, length) => sum + length, 0)] : lengths;
}

/** Blocks of `blockSize` tokens in a file of little-endian token ids. */
export interface TokenBlocks {
  file: string;
  dtype: 'uint16' | 'uint32';
  blockSize: number;
  /** Index of the first token of each block. */
  offsets: Float64Array;
  /** Tokens in the file, those of dropped remainders too. */
  tokens: number;
}

/**
 * The first token of each block.
 * @param groupLengths tokens in each group, in file order
 * @param what names the text in the error
 * @throws DataError when there is not one block
 */
export function blockOffsets(groupLengths: readonly number[], blockSize: number, what: string): Float64Array {
  const blocks = groupLengths.reduce((sum, length) => sum + Math.floor(length / blockSize), 0);
  if (blocks === 0) throw noBlockError(groupLengths, blockSize, what);
  const offsets = new Float64Array(blocks);
  let block = 0;
  let groupStart = 0;
  for (const length of groupLengths) {
    for (let end = blockSize; end <= length; end += blockSize) offsets[block++] = groupStart + end - blockSize;
    groupStart += length;
  }
  return offsets;
}

function noBlockError(groupLengths: readonly number[], blockSize: number, what: string): DataError {
  const longest = groupLengths.reduce((most, length) => Math.max(most, length), 0);
  const tokens = groupLengths.reduce((sum, length) => sum + length, 0);
  const advice = longest >= 2 ? `set data.blockSize to at most ${longest}, or give more text` : 'give more text';
  const groups =
    groupLengths.length === 1
      ? ''
      : ` in ${groupLengths.length} groups of up to ${rowsPerGroup} rows, and the longest group has ${longest} (blocks do not cross ` +
        'groups unless data.grouping is corpus)';
  return new DataError(`${what} gives no block of ${blockSize} tokens: it has ${tokens} tokens${groups}; ${advice}`);
}

/** run_clm's block size when none is given, where neither tokenizer nor model sets a limit. */
const usualBlockSize = 1024;

/**
 * run_clm's choice of the block size. A given one is capped by the tokenizer's maximum only, never by the model's.
 * @param tokenizerMaximum the longest input the tokenizer states, or Infinity
 */
export function resolveBlockSize(
  given: number | undefined,
  tokenizerMaximum: number,
  maxPositionEmbeddings: number = usualBlockSize,
): number {
  if (given !== undefined) return Math.min(given, tokenizerMaximum);
  return tokenizerMaximum > maxPositionEmbeddings ? Math.min(usualBlockSize, maxPositionEmbeddings) : tokenizerMaximum;
}
