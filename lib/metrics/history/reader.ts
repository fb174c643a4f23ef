/** Reads `metrics.jsonl`, all of it or what was added. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../../errors';
import { writeAtomically } from '../../files';
import { recordSchema, type HistoryRecord } from './records';

/** The file's name in a run's folder. */
export const historyName = 'metrics.jsonl';

/**
 * The course of a training: the records of a run's folder in their order. A last line that was cut off is left out, and a folder without
 * the file has none. A training that was resumed has a start record for each time.
 *
 * @throws DataError, with file and line, for a line that is no record
 */
export async function readHistory(folder: string): Promise<HistoryRecord[]> {
  return (await new HistoryReader(folder).read()).records;
}

/** Most bytes that are read in one piece, so that a long history leaves the event loop free between pieces. */
const pieceBytes = 1 << 16;

/** Records that are written in one piece. */
const recordsAtOnce = 1000;

/** Longer than any record is. */
const longestLine = 1 << 26;

const newline = 0x0a;

/** Records that came since the last look. */
export interface HistoryNews {
  records: HistoryRecord[];
  /** The file was cut back, as when a training is resumed: records given before are void. */
  anew: boolean;
}

/** Follows a file that grows. */
export class HistoryReader {
  readonly file: string;
  readonly #onDamage: (error: DataError) => void;
  /** Of the next line to read. */
  #offset = 0;
  #line = 1;
  /** Tells the file from one that took its name. */
  #identity: string | undefined;

  /** @param onDamage is told of a line that is no record, which is then left out; by default it is thrown */
  constructor(folder: string, onDamage: (error: DataError) => void = rethrow) {
    this.file = path.join(folder, historyName);
    this.#onDamage = onDamage;
  }

  /** All that came since the last call. @throws DataError */
  async read(): Promise<HistoryNews> {
    const all: HistoryNews = { records: [], anew: false };
    for await (const { records, anew } of this.pieces()) {
      for (const record of records) all.records.push(record);
      all.anew ||= anew;
    }
    return all;
  }

  /** The same, a piece of the file at a time, so that a long history is never in memory as a whole. @throws DataError */
  async *pieces(): AsyncGenerator<HistoryNews, void, undefined> {
    const handle = await open(this.file);
    if (handle === undefined) {
      if (this.#begin(undefined, 0)) yield { records: [], anew: true };
      return;
    }
    try {
      const { ino, birthtimeMs, size } = await handle.stat();
      let anew = this.#begin(`${ino} ${birthtimeMs}`, size);
      /** Of a line whose end is yet to come. */
      let begun: Buffer[] = [];
      let begunBytes = 0;
      for (let position = this.#offset; position < size;) {
        const { buffer, bytesRead } = await handle.read({
          buffer: Buffer.allocUnsafe(Math.min(pieceBytes, size - position)),
          position,
        });
        if (bytesRead === 0) break;
        position += bytesRead;
        const piece = buffer.subarray(0, bytesRead);
        const end = piece.lastIndexOf(newline) + 1;
        if (end > 0) {
          const lines = Buffer.concat([...begun, piece.subarray(0, end)]);
          const records = this.#parse(lines.toString());
          this.#offset += lines.length;
          yield { records, anew };
          anew = false;
          [begun, begunBytes] = [[], 0];
        }
        begun.push(piece.subarray(end));
        begunBytes += bytesRead - end;
        if (begunBytes > longestLine)
          throw new DataError(
            `${this.file}:${this.#line} is not a record of a training: it has more than ${longestLine} bytes.`,
          );
      }
      if (anew) yield { records: [], anew };
    } finally {
      await handle.close();
    }
  }

  /** Goes back to the start where the file is another or shorter. Whether anything read before is void. */
  #begin(identity: string | undefined, size: number): boolean {
    const changed = this.#offset > 0 && (identity !== this.#identity || size < this.#offset);
    if (changed) [this.#offset, this.#line] = [0, 1];
    this.#identity = identity;
    return changed;
  }

  #parse(lines: string): HistoryRecord[] {
    const records: HistoryRecord[] = [];
    for (let start = 0; start < lines.length; this.#line++) {
      const end = lines.indexOf('\n', start);
      try {
        records.push(parseRecord(lines.slice(start, end), `${this.file}:${this.#line}`));
      } catch (error) {
        this.#onDamage(error as DataError);
      }
      start = end + 1;
    }
    return records;
  }
}

function rethrow(error: Error): never {
  throw error;
}

async function open(file: string): Promise<fs.FileHandle | undefined> {
  try {
    return await fs.open(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The record of one line. @throws DataError, which names `place`, such as `metrics.jsonl:12` */
export function parseRecord(line: string, place: string): HistoryRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new DataError(`${place} is not a record of a training: it is not JSON.`, { cause });
  }
  const { data, error } = recordSchema.safeParse(value);
  if (data !== undefined) return data;
  const [problem] = error.issues;
  const field = problem?.path.join('.');
  throw new DataError(
    `${place} is not a record of a training: ${field ? `${field}: ` : ''}${problem?.message ?? ''}.`,
    {
      cause: error,
    },
  );
}

/**
 * Cuts the file back to what a checkpoint of `step` knows: later records go, also of the step itself, such as an evaluation that will be made
 * again; and the end of a training that goes on. Whoever follows the file reads it anew.
 *
 * @returns seconds of training that the last record tells; 0 without one
 * @throws DataError for a damaged file; StorageError
 */
export async function cutHistory(folder: string, step: number): Promise<number> {
  const records = await readHistory(folder);
  if (records.length === 0) return 0;
  const saved = records.findLastIndex((record) => record.type === 'checkpoint' && record.step === step);
  const known = saved === -1 ? records : records.slice(0, saved + 1);
  const kept = known.filter((record) => record.type !== 'end' && record.step <= step);
  // Some at a time: all of a long training make a longer string than there can be.
  await writeAtomically(path.join(folder, historyName), async (handle) => {
    for (let start = 0; start < kept.length; start += recordsAtOnce)
      await handle.writeFile(
        kept
          .slice(start, start + recordsAtOnce)
          .map(lineOf)
          .join(''),
      );
  });
  return kept.reduce((latest, record) => ('seconds' in record ? Math.max(latest, record.seconds) : latest), 0);
}

/** A record as the file has it. */
export const lineOf = (record: HistoryRecord): string => `${JSON.stringify(record)}\n`;
