/** The rows of one file, whatever its form: UTF-8 text, some hundred kB at a time. */
import { DataError } from '../errors';
import { ByteStream } from './byte-stream';
import { checkText, valueAt } from './fields';
import { parseRecord } from './jsonl';
import { lineOf } from './lines';
import { openParquet } from './parquet';
import { checkUtf8, cutRows, wholeRows } from './rows';
import type { TextFile } from './text-files';

/** A border between rows. */
export interface RowPlace {
  /** The byte, of what comes out of the file where it is compressed; of Parquet the row, counted from 0. */
  at: number;
  /** Of JSONL: the number of the line. */
  line?: number | undefined;
}

export interface FileRows {
  rows: Buffer[];
  /** Bytes of the file read so far. */
  position: number;
  /** Where the row behind these begins. */
  next: RowPlace;
}

export interface ReadOptions {
  /** Where to begin. Default: at the first row. */
  from?: RowPlace | undefined;
  signal?: AbortSignal | undefined;
}

/** Text of a table's rows that is given out at a time. */
const batchBytes = 256 * 1024;

/**
 * A row is a line with its break, as run_clm has it, or what a record holds in the column, as it stands.
 * @param column dotted name, for JSONL and Parquet
 * @throws DataError where the file is damaged or not UTF-8, or a record has no text; AbortError
 */
export function readFileRows(file: TextFile, column: string, options: ReadOptions = {}): AsyncGenerator<FileRows> {
  if (file.form === 'jsonl') return jsonlRows(file, column, options);
  return file.form === 'parquet' ? parquetRows(file, column, options) : textRows(file, options);
}

/** How many rows a file has. */
export async function countFileRows(file: TextFile, column: string, signal?: AbortSignal): Promise<number> {
  if (file.form === 'parquet') return (await openParquet(file.file)).rows;
  let count = 0;
  for await (const { rows } of readFileRows(file, column, { signal })) count += rows.length;
  return count;
}

async function* textRows({ file }: TextFile, { from, signal }: ReadOptions): AsyncGenerator<FileRows> {
  const { at = 0 } = from ?? {};
  const bytes = new ByteStream(file, signal, at);
  for await (const { text, start } of wholeRows(bytes, file, at)) {
    checkUtf8(text, file, start);
    yield { rows: cutRows(text), position: bytes.position, next: { at: start + text.length } };
  }
}

async function* jsonlRows({ file }: TextFile, column: string, { from, signal }: ReadOptions): AsyncGenerator<FileRows> {
  const { at = 0, line = 1 } = from ?? {};
  const bytes = new ByteStream(file, signal, at);
  let first = line;
  for await (const { text, start } of wholeRows(bytes, file, at)) {
    checkUtf8(text, file, start);
    const lines = cutRows(text);
    const rows = lines.flatMap((bytesOfLine, index) => {
      const place = () => `${file}:${first + index}`;
      const record = parseRecord(lineOf(bytesOfLine, start === 0 && index === 0), place);
      return record === undefined ? [] : [rowOf(record, column, place)];
    });
    first += lines.length;
    yield { rows, position: bytes.position, next: { at: start + text.length, line: first } };
  }
}

async function* parquetRows(
  { file, size }: TextFile,
  column: string,
  { from, signal }: ReadOptions,
): AsyncGenerator<FileRows> {
  const { at: start = 0 } = from ?? {};
  const parquet = await openParquet(file);
  if (!parquet.has(column)) throw noColumnError(file, column, parquet.columns);
  for await (const { records, before, place } of parquet.read([column], signal, start)) {
    let rows: Buffer[] = [];
    let bytes = 0;
    for (let index = Math.max(0, start - before); index < records.length; index++) {
      const row = Buffer.from(checkText(valueAt(records[index], column) ?? null, column, () => place(index)));
      rows.push(row);
      bytes += row.length;
      if (bytes < batchBytes && index < records.length - 1) continue;
      const at = before + index + 1;
      yield { rows, position: Math.floor((size * at) / parquet.rows), next: { at } };
      rows = [];
      bytes = 0;
    }
  }
}

function rowOf(record: object, column: string, place: () => string): Buffer {
  const value = valueAt(record, column);
  if (value === undefined) throw noColumnError(place(), column, Object.keys(record));
  return Buffer.from(checkText(value, column, place));
}

function noColumnError(place: string, column: string, present: readonly string[]): DataError {
  const others = present.length > 0 ? present.join(', ') : 'none';
  return new DataError(`${place} has no column ${column} (there: ${others}); name the one with the text as data.text`);
}
