/** Opens files of tensors. */
import fs from 'node:fs/promises';

import { CheckpointError } from '../../errors';

/** Opens a file for reading; whoever opened it closes it. @throws CheckpointError when it is missing or no file */
export async function openFile(file: string): Promise<fs.FileHandle> {
  try {
    // Asked before it is opened, since opening a pipe waits for a writer.
    if (!(await fs.stat(file)).isFile()) throw new Error('it is not a file');
    return await fs.open(file, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = missing ? `There is no file ${file}.` : `${file} cannot be read: ${(error as Error).message}.`;
    throw new CheckpointError(message, { cause: error });
  }
}

/** So many bytes from a place on. @throws Error when the file ends before */
export async function readPart(handle: fs.FileHandle, offset: number, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  for (let done = 0; done < size;) {
    const { bytesRead } = await handle.read(bytes, done, size - done, offset + done);
    if (bytesRead === 0) throw new Error('it is truncated');
    done += bytesRead;
  }
  return bytes;
}
