/** Files of lines: plain text and JSONL, also `.gz` and `.zst`. */
import { isUtf8 } from 'node:buffer';

import { z } from 'zod';

import { DataError } from '../../../errors';
import type { JsonValue } from '../../../json';
import { ByteStream } from '../../byte-stream';
import { parseRecord } from '../../jsonl';
import { lineOf } from '../../lines';
import { checkUtf8, cutRows, wholeRows } from '../../rows';
import type { FileFormat, Group } from '../files';
import { parseState } from '../source';

/** The line that begins at a byte, counted from 1. */
const lineForm = z.strictObject({ byte: z.int().nonnegative(), line: z.int().positive() }).nullable();

/** Lines without their breaks. */
export const textFormat: FileFormat<string> = {
  kind: 'text',
  options: {},
  endings: /\.txt(\.gz|\.zst)?$/i,
  read: (file, from, signal) => readLines(file, from, signal, (line) => line),
};

/** An object for each line that is not blank. */
export const jsonlFormat: FileFormat<object> = {
  kind: 'jsonl',
  options: {},
  endings: /\.jsonl(\.gz|\.zst)?$/i,
  read: (file, from, signal) => readLines(file, from, signal, parseRecord),
};

async function* readLines<T>(
  file: string,
  from: JsonValue,
  signal: AbortSignal | undefined,
  parse: (line: string, place: () => string) => T | undefined,
): AsyncGenerator<Group<T>> {
  const { byte, line } = parseState(lineForm, from, 'a file of lines') ?? { byte: 0, line: 1 };
  let first = line;
  for await (const { text, start } of wholeRows(new ByteStream(file, signal, byte), file, byte)) {
    const rows = cutRows(text);
    const at = first;
    first += rows.length;
    yield {
      place: { byte: start, line: at },
      count: rows.length,
      sample(index) {
        const place = () => `${file}:${at + index}`;
        const row = rows[index] as Buffer;
        if (!isUtf8(row)) checkUtf8(row, place());
        return parse(lineOf(row, start === 0 && index === 0), place);
      },
    };
  }
  if (first === line && byte === 0) throw new DataError(`${file} is empty`);
}
