/** Rows of UTF-8 text out of a stream of bytes: a row is one line with its line break. */
import { isUtf8 } from 'node:buffer';

import { DataError } from '../errors';

const lineBreak = 0x0a;
/** Longer than any text is; beyond it a row could not become a string. */
const longestRowBytes = 256 * 1024 * 1024;

type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

/** Rows that follow each other, and where in the text the first begins, in bytes. */
export interface RowBatch {
  text: Buffer;
  start: number;
}

/**
 * Rows of one text, many at a time. The last may lack its line break.
 * @param file names the text in errors
 * @throws DataError that names the byte, where the text is not UTF-8
 */
export async function* splitRows(chunks: Chunks, file: string): AsyncGenerator<Buffer[]> {
  for await (const { text, start } of wholeRows(chunks, file)) {
    checkUtf8(text, file, start);
    yield cutRows(text);
  }
}

/**
 * Whole rows, many at a time and in one piece, whatever their bytes. The last may lack its line break.
 * @param start where in the text the chunks begin
 */
export async function* wholeRows(chunks: Chunks, file: string, start = 0): AsyncGenerator<RowBatch> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let at = start; // where the rows begun so far began
  for await (const bytes of chunks) {
    const complete = bytes.lastIndexOf(lineBreak) + 1;
    begun.push(bytes.subarray(0, complete === 0 ? bytes.length : complete));
    if (complete === 0) {
      begunBytes += bytes.length;
      if (begunBytes > longestRowBytes) throw tooLongError(file, at);
      continue;
    }
    const text = begun.length === 1 ? (begun[0] as Buffer) : Buffer.concat(begun);
    const rest = bytes.subarray(complete);
    begun = rest.length === 0 ? [] : [rest];
    begunBytes = rest.length;
    yield { text, start: at };
    at += text.length;
  }
  if (begun.length > 0) yield { text: Buffer.concat(begun), start: at };
}

/** Each with its line break. */
export function cutRows(text: Buffer): Buffer[] {
  const rows: Buffer[] = [];
  for (let start = 0; start < text.length;) {
    const next = text.indexOf(lineBreak, start) + 1 || text.length;
    rows.push(text.subarray(start, next));
    start = next;
  }
  return rows;
}

function tooLongError(file: string, start: number): DataError {
  return new DataError(
    `${file}: the line that begins at byte ${start} has more than ${longestRowBytes} bytes; break the text into lines`,
  );
}

/** @throws DataError that names the first byte that does not fit; `at` is where in the file `text` begins */
export function checkUtf8(text: Buffer, file: string, at = 0): void {
  if (isUtf8(text)) return;
  const offset = firstInvalidByte(text);
  const value = (text[offset] ?? 0).toString(16).padStart(2, '0');
  throw new DataError(
    `${file} is not UTF-8 text: byte ${at + offset} (0x${value}) does not fit; convert the file to UTF-8`,
  );
}

/** Decoding puts U+FFFD for what does not fit; all before the first such place encodes back to the bytes it came from. */
function firstInvalidByte(text: Buffer): number {
  const decoded = text.toString('utf8');
  const genuine = Buffer.from('\ufffd');
  let offset = 0;
  for (let from = 0; ;) {
    const mark = decoded.indexOf('\ufffd', from);
    offset += Buffer.byteLength(decoded.slice(from, mark));
    if (!text.subarray(offset, offset + genuine.length).equals(genuine)) return offset;
    offset += genuine.length;
    from = mark + 1;
  }
}
