/** Lines of text files, plain or compressed by gzip. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { DataError } from '../../errors';
import { throwIfAborted } from '../abort';
import { splitRows } from '../rows';

const chunkBytes = 256 * 1024;
const byteOrderMark = '\ufeff';

/**
 * Lines without their breaks, many at a time.
 * @throws DataError where the file cannot be read, is not whole gzip, or is not UTF-8 (with the byte, counted uncompressed)
 */
export function readLines(file: string, signal?: AbortSignal): AsyncGenerator<string[]> {
  return linesOf(readBytes(file, signal), file);
}

/**
 * Lines out of a stream of bytes, many at a time, without their breaks and the mark that may begin a file.
 * @param name of the text, for errors
 * @throws DataError where it is not UTF-8
 */
export async function* linesOf(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<string[]> {
  let isFirst = true;
  for await (const rows of splitRows(bytes, name)) {
    const lines = rows.map((row) => row.toString('utf8').replace(/\r?\n$/, ''));
    if (isFirst && lines[0]?.startsWith(byteOrderMark)) lines[0] = lines[0].slice(byteOrderMark.length);
    isFirst = false;
    yield lines;
  }
}

async function* readBytes(file: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file, { highWaterMark: chunkBytes });
  const stream = file.endsWith('.gz') ? pipeline(bytes, createGunzip({ chunkSize: chunkBytes }), () => {}) : bytes;
  try {
    for await (const chunk of stream) {
      throwIfAborted(signal);
      yield chunk as Buffer;
    }
  } catch (error) {
    if (error !== stream.errored) throw error;
    throw new DataError(`cannot read the text ${file}: ${stream.errored?.message}`, { cause: error });
  } finally {
    stream.destroy();
    bytes.destroy();
  }
}
