/** The rows of one file, whatever its form: UTF-8 text, some hundred kB at a time. */
import { DataError } from '../errors';
import { ByteStream } from './byte-stream';
import { checkText, valueAt } from './fields';
import { readJsonl } from './jsonl';
import { openParquet } from './parquet';
import { splitRows } from './rows';
import type { TextFile } from './text-files';

export interface FileRows {
  rows: Buffer[];
  /** Bytes of the file read so far. */
  position: number;
}

/** Text of a table's rows that is given out at a time. */
const batchBytes = 256 * 1024;

/**
 * A row is a line with its break, as run_clm has it, or what a record holds in the column, as it stands.
 * @param column dotted name, for JSONL and Parquet
 * @throws DataError where the file is damaged or not UTF-8, or a record has no text; AbortError
 */
export function readFileRows(file: TextFile, column: string, signal?: AbortSignal): AsyncGenerator<FileRows> {
  if (file.form === 'jsonl') return jsonlRows(file, column, signal);
  return file.form === 'parquet' ? parquetRows(file, column, signal) : textRows(file, signal);
}

/** How many rows a file has. */
export async function countFileRows(file: TextFile, column: string, signal?: AbortSignal): Promise<number> {
  if (file.form === 'parquet') return (await openParquet(file.file)).rows;
  let count = 0;
  for await (const { rows } of readFileRows(file, column, signal)) count += rows.length;
  return count;
}

async function* textRows({ file }: TextFile, signal: AbortSignal | undefined): AsyncGenerator<FileRows> {
  const bytes = new ByteStream(file, signal);
  for await (const rows of splitRows(bytes, file)) yield { rows, position: bytes.position };
}

async function* jsonlRows(
  { file }: TextFile,
  column: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileRows> {
  const bytes = new ByteStream(file, signal);
  for await (const { records, place } of readJsonl(bytes)) {
    const rows = records.flatMap((record, index) =>
      record === undefined ? [] : [rowOf(record, column, () => place(index))],
    );
    yield { rows, position: bytes.position };
  }
}

async function* parquetRows(
  { file, size }: TextFile,
  column: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileRows> {
  const parquet = await openParquet(file);
  if (!parquet.has(column)) throw noColumnError(file, column, parquet.columns);
  for await (const { records, before, place } of parquet.read([column], signal)) {
    let rows: Buffer[] = [];
    let bytes = 0;
    for (const [index, record] of records.entries()) {
      const row = Buffer.from(checkText(valueAt(record, column) ?? null, column, () => place(index)));
      rows.push(row);
      bytes += row.length;
      if (bytes < batchBytes && index < records.length - 1) continue;
      yield { rows, position: Math.floor((size * (before + index + 1)) / parquet.rows) };
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
