/** Zip archives, opened so that whatever is damaged in them is an error of the call at hand and nothing else. */
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

import yauzl from 'yauzl';

const megabyte = 2 ** 20;

/** Reads for yauzl, whose own reader throws past every handler at places that no file can have. */
class CheckedReader extends yauzl.RandomAccessReader {
  constructor(
    readonly handle: FileHandle,
    readonly size: number,
  ) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (!(position >= 0 && position + length <= this.size)) {
      setImmediate(() => callback(new Error(`it names a place beyond its end`)));
      return;
    }
    this.handle
      .read(buffer, offset, length, position)
      .then(({ bytesRead }) => callback(bytesRead < length ? new Error('it is truncated') : null), callback);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(readRange(this.handle, start, end), { objectMode: false });
  }

  /** Whoever opened the file closes it. */
  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

/** A stream of the file's own would close it. */
async function* readRange(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const length = Math.min(megabyte, end - at);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw new Error('it is truncated');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Opens an archive. Close it before the file. @throws Error when it is none or is damaged, as all that is then done with it */
export async function openZip(handle: FileHandle): Promise<yauzl.ZipFile> {
  const { size } = await handle.stat();
  return yauzl.fromRandomAccessReaderPromise(new CheckedReader(handle, size), size);
}
