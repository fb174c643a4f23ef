/** A stream of blocks as a token file, for evaluations, which go through the same blocks again and again. */
import { checkArgument } from '../../arguments';
import { DataError } from '../../errors';
import { writeAtomically } from '../../files';
import type { TokenBlocks } from '../blocks';
import type { SampleStream } from './stream';

/**
 * Writes the blocks of a stream that ends, such as `blocks.take(64)`, as ids of 32 bits.
 * @throws DataError for a stream that gives no block, or blocks of different lengths; StorageError
 */
export async function writeBlocks(blocks: SampleStream<ArrayLike<number>>, file: string): Promise<TokenBlocks> {
  checkArgument(file, 'string', 'The file for a stream of blocks');
  let blockSize = 0;
  let count = 0;
  await writeAtomically(file, async (handle) => {
    for await (const block of blocks) {
      if (count++ === 0) blockSize = block.length;
      if (block.length !== blockSize || blockSize === 0)
        throw new DataError(
          `The stream gives blocks of ${blockSize} and of ${block.length} tokens; all must have as many.`,
        );
      await handle.writeFile(new Uint8Array(Uint32Array.from(block).buffer));
    }
    if (count === 0) throw new DataError('The stream gave no block to write.');
  });
  const offsets = Float64Array.from({ length: count }, (_, index) => index * blockSize);
  return { file, dtype: 'uint32', blockSize, offsets, tokens: count * blockSize };
}
