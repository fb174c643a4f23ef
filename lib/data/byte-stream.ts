/** Bytes of a file, decompressed where its name ends in `.gz` or `.zst`. */
import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

import { DataError, TorchwrightError } from '../errors';
import { throwIfAborted } from './abort';

const chunkBytes = 256 * 1024;
/** So little of a compressed file at a time that what comes out of it stays small, however well it was compressed. */
const gzipChunkBytes = 32 * 1024;
const zstdChunkBytes = 4096;

const isCompressed = (file: string) => /\.(gz|zst)$/i.test(file);

/**
 * Reads once, chunk by chunk.
 * @throws DataError where the file cannot be read or is not whole gzip or zstd; AbortError
 */
export class ByteStream implements AsyncIterable<Buffer> {
  #source: ReadStream | undefined;

  /** @param start the first byte to give; of what comes out of it, where the file is compressed: then all before is read, too */
  constructor(
    readonly file: string,
    private readonly signal?: AbortSignal,
    private readonly start = 0,
  ) {}

  /** Bytes of the file read so far, compressed where it is. */
  get position(): number {
    return (this.#source?.bytesRead ?? 0) + (isCompressed(this.file) ? 0 : this.start);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { file, start } = this;
    const options = { highWaterMark: /\.gz$/i.test(file) ? gzipChunkBytes : chunkBytes };
    const source = createReadStream(file, isCompressed(file) ? options : { ...options, start });
    this.#source = source;
    let before = isCompressed(file) ? start : 0;
    try {
      for await (const bytes of decompressed(source, file)) {
        throwIfAborted(this.signal);
        if (before < bytes.length) yield bytes.subarray(before);
        before = Math.max(0, before - bytes.length);
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
  if (/\.gz$/i.test(file)) return gunzip(source);
  return /\.zst$/i.test(file) ? unzstd(source) : source;
}

/** Gives all that comes before damage, however fast it is read, so that what is read of a damaged file is always the same. */
async function* gunzip(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflater = createGunzip({ chunkSize: chunkBytes });
  let out: Buffer[] = [];
  inflater.on('data', (bytes: Buffer) => out.push(bytes));
  const failure = new Promise<never>((_, reject) => inflater.once('error', reject));
  const take = async (work: Promise<unknown>): Promise<{ bytes: Buffer[]; error?: Error }> => {
    const failed = await Promise.race([work, failure]).then(
      () => ({}),
      (error: Error) => ({ error }),
    );
    const bytes = out;
    out = [];
    return { bytes, ...failed };
  };
  const write = (chunk: Buffer) => new Promise<void>((resolve) => inflater.write(chunk, () => resolve()));
  const end = () => {
    const ended = once(inflater, 'end');
    inflater.end();
    return ended;
  };
  try {
    for await (const chunk of compressed) {
      const { bytes, error } = await take(write(chunk));
      yield* bytes;
      if (error !== undefined) throw error;
    }
    const { bytes, error } = await take(end());
    yield* bytes;
    if (error !== undefined) throw error;
  } finally {
    failure.catch(() => {});
    inflater.destroy();
  }
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
