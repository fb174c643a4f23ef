/** Rows of Parquet files, a row group at a time in memory. */
import { z } from 'zod';

import { DataError } from '../../../errors';
import { InvalidText } from '../../fields';
import { openParquet } from '../../parquet';
import type { FileFormat } from '../files';
import { parseState } from '../source';

/** The first row of a row group, counted from 0. */
const rowForm = z.strictObject({ row: z.int().nonnegative() }).nullable();

/** @param columns the outermost columns to read; null for all */
export function parquetFormat(columns: readonly string[] | null): FileFormat<object> {
  return {
    kind: 'parquet',
    options: { columns },
    endings: /\.parquet$/i,
    async *read(file, from, signal) {
      const { row } = parseState(rowForm, from, 'a Parquet file') ?? { row: 0 };
      const parquet = await openParquet(file);
      const missing = columns?.find((name) => !parquet.has(name));
      if (missing !== undefined)
        throw new DataError(`${file} has no column ${missing}; there: ${parquet.columns.join(', ')}`);
      for await (const { records, before, place } of parquet.read(columns ?? parquet.columns, signal, row)) {
        yield {
          place: { row: before },
          count: records.length,
          sample(index) {
            const record = records[index] as object;
            for (const [name, value] of Object.entries(record)) {
              if (value instanceof InvalidText) throw new DataError(`${place(index)}: ${name} is not UTF-8 text`);
            }
            return record;
          },
        };
      }
    },
  };
}
