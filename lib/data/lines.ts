/** Lines of text files, plain or compressed. */
import { ByteStream } from './byte-stream';
import { splitRows } from './rows';

const byteOrderMark = '\ufeff';

/** Lines of a file without their breaks. */
export interface NumberedLines {
  lines: string[];
  /** `file:line` of one of them, for errors. */
  place: (index: number) => string;
}

/**
 * Lines without their breaks, many at a time.
 * @throws DataError where the file cannot be read, is not whole, or is not UTF-8 (with the byte, counted uncompressed)
 */
export function readLines(file: string, signal?: AbortSignal): AsyncGenerator<string[]> {
  return linesOf(new ByteStream(file, signal), file);
}

/** The same lines, which know their places. */
export async function* numberedLines(bytes: ByteStream): AsyncGenerator<NumberedLines> {
  let first = 1;
  for await (const lines of linesOf(bytes, bytes.file)) {
    const start = first;
    yield { lines, place: (index) => `${bytes.file}:${start + index}` };
    first += lines.length;
  }
}

/**
 * Lines out of a stream of bytes, many at a time, without their breaks and the mark that may begin a file.
 * @param name of the text, for errors
 * @throws DataError where it is not UTF-8
 */
export async function* linesOf(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<string[]> {
  let isFirst = true;
  for await (const rows of splitRows(bytes, name)) {
    yield rows.map((row, index) => lineOf(row, isFirst && index === 0));
    isFirst = false;
  }
}

/** A row without its break, and the first of a text without the mark that may begin it. */
export function lineOf(row: Buffer, isFirst: boolean): string {
  const line = row.toString('utf8').replace(/\r?\n$/, '');
  return isFirst && line.startsWith(byteOrderMark) ? line.slice(byteOrderMark.length) : line;
}
