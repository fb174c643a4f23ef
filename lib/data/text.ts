/** Text on disk as parts of UTF-8 files, read in rows: a row is one line with its line break, as run_clm has it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import { DataError } from '../errors';
import { roundHalfEven } from '../metrics';
import { throwIfAborted } from './abort';
import { splitRows } from './rows';

/** Bytes `start` to before `end` of a file. Begins at the beginning of a row. */
export interface TextPart {
  file: string;
  start: number;
  end: number;
}

const lineBreak = 0x0a;
const chunkBytes = 256 * 1024;

/** @throws DataError for a file that is missing, not a file, or empty */
export async function openText(files: readonly string[]): Promise<TextPart[]> {
  const parts: TextPart[] = [];
  for (const file of files) {
    const status = await stat(file).catch((cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
      throw new DataError(`cannot read the text ${file}: ${reason}`, { cause });
    });
    if (!status.isFile()) throw new DataError(`cannot read the text ${file}: it is not a file; name the files in it`);
    if (status.size === 0) throw new DataError(`the text ${file} is empty`);
    parts.push({ file, start: 0, end: status.size });
  }
  return parts;
}

export const textBytes = (parts: readonly TextPart[]) => parts.reduce((sum, { start, end }) => sum + end - start, 0);

/** Raw bytes of the parts, in order; `at` is where in its file a chunk begins. */
export async function* readChunks(
  parts: readonly TextPart[],
  signal?: AbortSignal,
): AsyncGenerator<{ part: TextPart; at: number; bytes: Buffer }> {
  for (const part of parts) {
    if (part.start === part.end) continue;
    let at = part.start;
    const stream = createReadStream(part.file, { start: part.start, end: part.end - 1, highWaterMark: chunkBytes });
    try {
      for await (const chunk of stream) {
        throwIfAborted(signal);
        const bytes = chunk as Buffer;
        yield { part, at, bytes };
        at += bytes.length;
      }
    } catch (error) {
      const isOfStream = error === stream.errored;
      throw isOfStream
        ? new DataError(`cannot read the text ${part.file}: ${stream.errored?.message}`, { cause: error })
        : error;
    } finally {
      stream.destroy();
    }
    if (at !== part.end) throw new DataError(`the text ${part.file} became shorter while it was read`);
  }
}

/**
 * Rows of some hundred kB at a time. A part's last row may lack its line break.
 * @throws DataError that names the byte, where the text is not UTF-8
 */
export async function* readRows(parts: readonly TextPart[], signal?: AbortSignal): AsyncGenerator<Buffer[]> {
  for (const part of parts) yield* splitRows(bytesOf(part, signal), part.file, part.start);
}

async function* bytesOf(part: TextPart, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const { bytes } of readChunks([part], signal)) yield bytes;
}

/** SHA-256 of the parts' bytes and borders. */
export async function hashText(parts: readonly TextPart[], signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(parts.map(({ start, end }) => end - start)));
  for await (const { bytes } of readChunks(parts, signal)) hash.update(bytes);
  return hash.digest('hex');
}

/**
 * Splits text after its first rows, by run_clm's rule: `fraction` of all rows, rounded, ties to even.
 * @returns the first rows, and the rest
 */
export async function splitFirstRows(
  parts: readonly TextPart[],
  fraction: number,
  signal?: AbortSignal,
): Promise<{ first: TextPart[]; rest: TextPart[] }> {
  let rows = 0;
  for await (const { rowStarts } of rowStartsOf(parts, signal)) rows += rowStarts.length;
  let wanted = roundHalfEven((fraction * 100 * rows) / 100, 0);
  const found = { first: [] as TextPart[], rest: [] as TextPart[] };
  let cut: { part: TextPart; at: number } | undefined;
  for await (const { part, rowStarts } of rowStartsOf(parts, signal)) {
    const at = rowStarts[wanted];
    if (at !== undefined) {
      cut = { part, at };
      break;
    }
    wanted -= rowStarts.length;
  }
  const cutIndex = cut ? parts.indexOf(cut.part) : parts.length;
  for (const [index, part] of parts.entries()) {
    const border = index < cutIndex ? part.end : index > cutIndex ? part.start : (cut?.at ?? part.end);
    if (border > part.start) found.first.push({ ...part, end: border });
    if (border < part.end) found.rest.push({ ...part, start: border });
  }
  return found;
}

/** Where rows begin, chunk by chunk. */
async function* rowStartsOf(parts: readonly TextPart[], signal?: AbortSignal) {
  let begins = true;
  for await (const { part, at, bytes } of readChunks(parts, signal)) {
    const rowStarts: number[] = begins || at === part.start ? [at] : [];
    for (let found = bytes.indexOf(lineBreak); found >= 0; found = bytes.indexOf(lineBreak, found + 1)) {
      if (found + 1 < bytes.length) rowStarts.push(at + found + 1);
    }
    begins = bytes.at(-1) === lineBreak;
    yield { part, rowStarts };
  }
}
