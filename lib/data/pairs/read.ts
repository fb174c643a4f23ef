/** Pairs of sentences out of files: two line-aligned texts, TSV, JSONL or Parquet. */
import { ConfigError, DataError } from '../../errors';
import { ByteStream } from '../byte-stream';
import { readJsonl as readRecords } from '../jsonl';
import { numberedLines, readLines } from '../lines';
import { hashFiles, textFile, type TextFile } from '../text-files';
import { columnsOf, namesOf, textAt, type PairBatch, type PairReading } from './fields';
import { readParquet } from './parquet';
import type { PairFiles } from './schema';

/** Parallel text that can be read again and again. */
export interface PairText {
  name: string;
  /** SHA-256 of its files. */
  sha256: string;
  /** All that decides which pairs it gives. */
  identity: string;
  read(signal?: AbortSignal): AsyncGenerator<PairBatch>;
}

/**
 * Opens files of pairs; the end of a name tells the form.
 * @throws DataError for a file that is missing or empty; ConfigError for a form that is not known
 */
export async function openPairFiles(
  name: string,
  files: PairFiles,
  reading: PairReading,
  signal?: AbortSignal,
): Promise<PairText> {
  const readers = readersOf(files, reading, signal);
  const isAligned = typeof files === 'object' && 'source' in files;
  const all = (isAligned ? [files.source, files.target] : [files]).flat(2);
  const opened: TextFile[] = [];
  for (const file of all) opened.push(await textFile(file));
  const sha256 = await hashFiles(opened, { signal });
  return {
    name,
    sha256,
    identity: JSON.stringify([sha256, isAligned, all.map(formOf), reading]),
    async *read() {
      for (const read of readers) yield* read();
    },
  };
}

/** The end of a file's name. */
function formOf(file: string): string {
  return /(\.(tsv|jsonl|parquet))?(\.gz|\.zst)?$/.exec(file)?.[0] ?? '';
}

/** One for each file, or pair of files. */
function readersOf(
  files: PairFiles,
  reading: PairReading,
  signal: AbortSignal | undefined,
): (() => AsyncGenerator<PairBatch>)[] {
  if (typeof files === 'object' && 'source' in files) {
    const targets = [files.target].flat();
    return [files.source].flat().map((source, n) => () => readAligned(source, targets[n] as string, signal));
  }
  return [files].flat().map((file) => {
    const form = /\.(tsv|jsonl|parquet)(\.gz|\.zst)?$/.exec(file);
    if (form?.[1] === 'tsv') return () => readTsv(file, reading, signal);
    if (form?.[1] === 'jsonl') return () => readJsonl(file, reading, signal);
    if (form?.[1] === 'parquet' && !form[2]) return () => readParquet(file, reading, signal);
    throw new ConfigError(
      `data: cannot tell the form of ${file}: a file of pairs ends in .tsv, .jsonl (each also .gz or .zst) or .parquet; name two ` +
        `line-aligned files as { source, target }`,
    );
  });
}

/**
 * The n-th line of one file with the n-th of the other.
 * @throws DataError when they have different numbers of lines, naming both
 */
export async function* readAligned(
  sourceFile: string,
  targetFile: string,
  signal?: AbortSignal,
): AsyncGenerator<PairBatch> {
  const sides = [sourceFile, targetFile].map((file) => ({ lines: readLines(file, signal), ahead: [] as string[] }));
  const [source, target] = sides as [(typeof sides)[0], (typeof sides)[0]];
  /** False at the end of the file. */
  const fill = async (side: typeof source): Promise<boolean> => {
    if (side.ahead.length > 0) return true;
    const next = await side.lines.next();
    if (next.done) return false;
    side.ahead = next.value;
    return true;
  };
  const countRest = async (side: typeof source): Promise<number> => {
    let count = side.ahead.length;
    for await (const lines of side.lines) count += lines.length;
    return count;
  };
  let read = 0;
  try {
    for (;;) {
      const [hasSource, hasTarget] = [await fill(source), await fill(target)];
      if (!hasSource && !hasTarget) return;
      if (!hasSource || !hasTarget) {
        const counts = [read + (await countRest(source)), read + (await countRest(target))];
        throw new DataError(
          `${sourceFile} has ${counts[0]} lines and ${targetFile} has ${counts[1]}: line-aligned files must have as many; ` +
            'check that they belong together and that no line was lost',
        );
      }
      const count = Math.min(source.ahead.length, target.ahead.length);
      const first = read + 1;
      yield {
        sources: source.ahead.splice(0, count),
        targets: target.ahead.splice(0, count),
        place: (index) => `line ${first + index} of ${sourceFile} and ${targetFile}`,
      };
      read += count;
    }
  } finally {
    for (const { lines } of sides) await lines.return(undefined);
  }
}

async function* readTsv(file: string, reading: PairReading, signal?: AbortSignal): AsyncGenerator<PairBatch> {
  const columns = columnsOf(reading);
  for await (const { lines, place } of numberedLines(new ByteStream(file, signal))) {
    const cells = lines.map((line) => line.split('\t'));
    const [sources = [], targets = []] = columns.map((column) => cells.map((row) => row[column] ?? ''));
    yield { sources, targets, place };
  }
}

async function* readJsonl(file: string, reading: PairReading, signal?: AbortSignal): AsyncGenerator<PairBatch> {
  const names = namesOf(reading);
  for await (const { records, place } of readRecords(new ByteStream(file, signal))) {
    const [sources = [], targets = []] = names.map((ofSide) =>
      records.map((record, index) => textAt(record, ofSide, () => place(index))),
    );
    yield { sources, targets, place };
  }
}
