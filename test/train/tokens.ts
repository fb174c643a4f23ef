/** Small token files to train on, in a folder that goes away. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import type { TokenBlocks } from '../../lib/data';

export const vocabSize = 17;

export function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-'));
}

/** `blocks` blocks of a sequence that is easy to learn: each id is three more than the one before, modulo the vocabulary. */
export function writeTokens(folder: string, name: string, blocks: number, blockSize = 8): TokenBlocks {
  const ids = Uint16Array.from(
    { length: blocks * blockSize },
    (_, index) => (index * 3 + Math.floor(index / blockSize)) % vocabSize,
  );
  const file = path.join(folder, `${name}.bin`);
  fs.writeFileSync(file, ids);
  return {
    file,
    dtype: 'uint16',
    blockSize,
    offsets: Float64Array.from({ length: blocks }, (_, block) => block * blockSize),
    tokens: ids.length,
  };
}
