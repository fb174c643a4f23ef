/** Bytes of a file, decompressed where its name ends in `.gz` or `.zst`. */
import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { DataError, TorchwrightError } from '../errors';
import { throwIfAborted } from './abort';

const chunkBytes = 256 * 1024;
/** So little of a zstd file at a time that what comes out of it stays small, however well it was compressed. */
const zstdChunkBytes = 4096;

/**
 * Reads once, chunk by chunk.
 * @throws DataError where the file cannot be read or is not whole gzip or zstd; AbortError
 */
export class ByteStream implements AsyncIterable<Buffer> {
  #source: ReadStream | undefined;

  constructor(
    readonly file: string,
    private readonly signal?: AbortSignal,
  ) {}

  /** Bytes of the file read so far, compressed where it is. */
  get position(): number {
    return this.#source?.bytesRead ?? 0;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const source = (this.#source = createReadStream(this.file, { highWaterMark: chunkBytes }));
    try {
      for await (const bytes of decompressed(source, this.file)) {
        throwIfAborted(this.signal);
        yield bytes;
      }
    } catch (error) {
      if (error instanceof TorchwrightError) throw error;
      throw new DataError(`cannot read the text ${this.file}: ${(error as Error).message}`, { cause: error });
    } finally {
      source.destroy();
    }
  }
}

function decompressed(source: ReadStream, file: string): AsyncIterable<Buffer> {
  if (/\.gz$/i.test(file)) return pipeline(source, createGunzip({ chunkSize: chunkBytes }), () => {});
  return /\.zst$/i.test(file) ? unzstd(source) : source;
}

async function* unzstd(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let out: Buffer[] = [];
  const decompress = new Decompress((bytes) => out.push(Buffer.from(bytes)));
  const push = (bytes: Buffer, isLast: boolean): Buffer => {
    out = [];
    decompress.push(bytes, isLast);
    return Buffer.concat(out);
  };
  for await (const chunk of compressed) {
    for (let start = 0; start < chunk.length; start += zstdChunkBytes) {
      const bytes = push(chunk.subarray(start, start + zstdChunkBytes), false);
      if (bytes.length > 0) yield bytes;
    }
  }
  push(Buffer.alloc(0), true); // complains where the end is missing
}
