/** Bytes of a file, decompressed where its name ends in `.gz` or `.zst`. */
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
  let failure: Error | undefined;
  let wake = (): void => {};
  inflater.on('data', (bytes: Buffer) => out.push(bytes));
  inflater.on('error', (error) => {
    failure ??= error;
    wake();
  });
  /** What has come out once the work is done, or has failed. Nothing is kept of the work: a file may have millions of chunks. */
  const take = async (begin: (done: () => void) => void): Promise<Buffer[]> => {
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (failure === undefined) begin(resolve);
      else resolve();
    });
    const bytes = out;
    out = [];
    return bytes;
  };
  // What follows the last member of an archive is none of it: the inflater ends before it.
  const write = (chunk: Buffer) => (done: () => void) => {
    if (inflater.readableEnded) return done();
    inflater.write(chunk, (error) => {
      if (!inflater.readableEnded) failure ??= error ?? undefined;
      done();
    });
  };
  const end = (done: () => void) => (inflater.readableEnded ? done() : inflater.once('close', done).end());
  try {
    for await (const chunk of compressed) {
      yield* await take(write(chunk));
      if (failure !== undefined) throw failure;
    }
    yield* await take(end);
    if (failure !== undefined) throw failure;
  } finally {
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
