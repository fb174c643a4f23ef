/** Rows of a Parquet file, a row group at a time. */
import { isUtf8 } from 'node:buffer';

import type { SchemaTree } from 'hyparquet';

import { DataError } from '../errors';
import { throwIfAborted } from './abort';
import { InvalidText } from './fields';

export interface ParquetRows {
  records: object[];
  /** How many rows of the file came before these. */
  before: number;
  /** File and row of one of them, for errors. */
  place: (index: number) => string;
}

export interface ParquetFile {
  /** Names of the outermost columns. */
  columns: string[];
  /** Rows of the whole file. */
  rows: number;
  /** Whether there is a column of this dotted name. */
  has(name: string): boolean;
  /**
   * Reads what is needed for columns that the file has, from the row group on that has row `from` (counted from 0).
   * @throws DataError for a damaged file; AbortError
   */
  read(names: readonly string[], signal?: AbortSignal, from?: number): AsyncGenerator<ParquetRows>;
}

/** @throws DataError for a damaged file */
export async function openParquet(file: string): Promise<ParquetFile> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const orDamaged = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: Error) => {
      throw new DataError(`${file} cannot be read as Parquet: ${cause.message}`, { cause });
    });
  const open = async () => {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    return { buffer, metadata, schema: parquetSchema(metadata) };
  };
  const { buffer, metadata, schema } = await orDamaged(open());
  const groups = metadata.row_groups.map(({ num_rows: rows }) => Number(rows));
  return {
    columns: schema.children.map(({ element }) => element.name),
    rows: groups.reduce((sum, rows) => sum + rows, 0),
    has: (name) => hasColumn(schema, name),
    async *read(names, signal, from = 0) {
      const columns = [...new Set(names.map((name) => name.split('.')[0] as string))];
      const parsers = { stringFromBytes: parseText };
      let before = 0;
      for (const rows of groups) {
        throwIfAborted(signal);
        if (before + rows <= from) {
          before += rows;
          continue;
        }
        const range = { rowStart: before, rowEnd: before + rows };
        const records = (await orDamaged(
          parquetReadObjects({ file: buffer, metadata, columns, ...range, compressors, parsers }),
        )) as object[];
        const first = before + 1;
        yield { records, before, place: (index) => `${file}, row ${first + index}` };
        before += rows;
      }
    },
  };
}

function hasColumn(schema: SchemaTree, name: string): boolean {
  let node: SchemaTree | undefined = schema;
  for (const part of name.split('.')) node = node?.children.find(({ element }) => element.name === part);
  return node !== undefined;
}

function parseText(bytes: Uint8Array | undefined): string | InvalidText | undefined {
  if (bytes === undefined) return undefined;
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    : new InvalidText(bytes);
}
