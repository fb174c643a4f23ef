/** What became of a text, for a reader. */
import { blockOffsets, groupsOf, type TokenBlocks } from './blocks';
import type { Grouping } from './schema';
import type { TokenFile } from './token-file';

export interface TextCounts {
  rows: number;
  /** Rows that hold nothing, or nothing but a line break. */
  emptyRows: number;
  tokens: number;
  blocks: number;
  /** Tokens that are in no block: what is left of each group of rows. */
  dropped: number;
}

/** Cuts blocks. @param what names the text in the error @throws DataError when there is not one block */
export function cutBlocks(
  { file, dtype, tokens, rows, emptyRows, groupLengths }: TokenFile,
  blockSize: number,
  grouping: Grouping,
  what: string,
): { blocks: TokenBlocks; counts: TextCounts } {
  const offsets = blockOffsets(groupsOf(groupLengths, grouping), blockSize, what);
  const dropped = tokens - offsets.length * blockSize;
  return {
    blocks: { file, dtype, blockSize, tokens, offsets },
    counts: { rows, emptyRows, tokens, blocks: offsets.length, dropped },
  };
}

/** `95 rows (2 empty), 755 tokens, 47 blocks, 3 tokens (0.4 %) dropped`. */
export function describeCounts({ rows, emptyRows, tokens, blocks, dropped }: TextCounts): string {
  const empty = emptyRows > 0 ? ` (${number(emptyRows)} empty)` : '';
  const share = ((100 * dropped) / tokens).toFixed(1);
  return `${number(rows)} rows${empty}, ${number(tokens)} tokens, ${number(blocks)} blocks, ${number(dropped)} tokens (${share} %) dropped`;
}

const number = (value: number) => value.toLocaleString('en-US');
