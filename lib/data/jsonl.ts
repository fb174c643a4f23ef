/** Records of a JSONL file: an object a line. */
import { DataError } from '../errors';
import { parseJson } from '../json';
import type { ByteStream } from './byte-stream';
import { numberedLines } from './lines';

export interface JsonRecords {
  /** One for each line; undefined for a blank one. */
  records: (object | undefined)[];
  /** `file:line` of one of them, for errors. */
  place: (index: number) => string;
}

/** @throws DataError, with the line, for one that is no JSON object */
export async function* readJsonl(bytes: ByteStream): AsyncGenerator<JsonRecords> {
  for await (const { lines, place } of numberedLines(bytes)) {
    yield { records: lines.map((line, index) => parseRecord(line, () => place(index))), place };
  }
}

/** @throws DataError, naming the place, for a line that is no JSON object; undefined for a blank one */
export function parseRecord(line: string, place: () => string): object | undefined {
  if (line.trim() === '') return undefined;
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (cause) {
    throw new DataError(`${place()} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new DataError(`${place()} is not a JSON object`);
}
