/** Pairs in the rows of a Parquet file. */
import { isUtf8 } from 'node:buffer';

import type { SchemaTree } from 'hyparquet';

import { DataError } from '../../errors';
import { throwIfAborted } from '../abort';
import { InvalidText, namesOf, textAt, type PairBatch, type PairReading } from './fields';

/** @throws DataError for a damaged file, missing columns or anything that is not text */
export async function* readParquet(
  file: string,
  reading: PairReading,
  signal: AbortSignal | undefined,
): AsyncGenerator<PairBatch> {
  const [sourceNames, targetNames] = namesOf(reading);
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const parsers = { stringFromBytes: parseText };
  const open = async () => {
    const buffer = await asyncBufferFromFile(file);
    return { buffer, metadata: await parquetMetadataAsync(buffer) };
  };
  const { buffer, metadata } = await open().catch((cause: Error) => {
    throw damagedError(file, cause);
  });
  const schema = parquetSchema(metadata);
  const present = [sourceNames, targetNames].map((names) => {
    const found = names.filter((name) => hasColumn(schema, name));
    if (found.length > 0) return found;
    const columns = schema.children.map(({ element }) => element.name).join(', ');
    throw new DataError(`${file} has no column ${names.join(' or ')} (it has ${columns}); set data.fields`);
  });
  const columns = [...new Set(present.flat().map((name) => name.split('.')[0] as string))];

  let rowStart = 0;
  for (const { num_rows: rowsInGroup } of metadata.row_groups) {
    throwIfAborted(signal);
    const rowEnd = rowStart + Number(rowsInGroup);
    const options = { file: buffer, metadata, columns, rowStart, rowEnd, compressors, parsers };
    const rows = await parquetReadObjects(options).catch((cause: Error) => {
      throw damagedError(file, cause);
    });
    const first = rowStart + 1;
    const place = (index: number) => () => `${file}, row ${first + index}`;
    yield {
      place: (index) => place(index)(),
      sources: rows.map((row, index) => textAt(row, sourceNames, place(index))),
      targets: rows.map((row, index) => textAt(row, targetNames, place(index))),
    };
    rowStart = rowEnd;
  }
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

function damagedError(file: string, cause: Error): DataError {
  return new DataError(`${file} cannot be read as Parquet: ${cause.message}`, { cause });
}
