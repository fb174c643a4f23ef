/** Pairs in the rows of a Parquet file. */
import { DataError } from '../../errors';
import { openParquet } from '../parquet';
import { namesOf, textAt, type PairBatch, type PairReading } from './fields';

/** @throws DataError for a damaged file, missing columns or anything that is not text */
export async function* readParquet(
  file: string,
  reading: PairReading,
  signal: AbortSignal | undefined,
): AsyncGenerator<PairBatch> {
  const parquet = await openParquet(file);
  const names = namesOf(reading);
  const present = names.map((ofSide) => {
    const found = ofSide.filter((name) => parquet.has(name));
    if (found.length > 0) return found;
    const columns = parquet.columns.join(', ');
    throw new DataError(`${file} has no column ${ofSide.join(' or ')} (it has ${columns}); set data.fields`);
  });
  for await (const { records, place } of parquet.read(present.flat(), signal)) {
    const [sources = [], targets = []] = names.map((ofSide) =>
      records.map((record, index) => textAt(record, ofSide, () => place(index))),
    );
    yield { sources, targets, place };
  }
}
