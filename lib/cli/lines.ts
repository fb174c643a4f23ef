/** Lines of text that commands read and write. */
import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';

import { linesOf } from '../data/lines';
import { AbortError, DataError } from '../errors';
import { writeAtomically } from '../files';

/** Stands for the standard input. */
export const standardInput = '-';

/**
 * Lines of a file, or of the standard input, without their line breaks.
 * @throws DataError for a file that cannot be read or is not UTF-8; AbortError
 */
export async function* readLines(file: string, signal?: AbortSignal): AsyncGenerator<string, void, undefined> {
  const stream: Readable = file === standardInput ? process.stdin : createReadStream(file);
  if (signal !== undefined) addAbortSignal(signal, stream);
  const name = file === standardInput ? 'the standard input' : file;
  try {
    for await (const lines of linesOf(stream as AsyncIterable<Buffer>, name)) yield* lines;
  } catch (error) {
    if (error !== stream.errored) throw error;
    if (signal?.aborted) throw new AbortError('reading was cancelled', { cause: signal.reason });
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message;
    throw new DataError(`cannot read ${name}: ${reason}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

/** Lines into a file, which is there only once all are, or to the standard output, as they come. */
export async function writeLines(file: string | undefined, lines: AsyncIterable<string>): Promise<void> {
  if (file === undefined) return print(withBreaks(lines));
  await writeAtomically(file, async (handle) => {
    for await (const line of lines) await handle.writeFile(`${line}\n`);
  });
}

async function* withBreaks(lines: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  for await (const line of lines) yield `${line}\n`;
}

/** Text as a terminal may show it: what would steer it, as models of bytes write at times, is shown as such. */
export function harmless(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** Text to the standard output, as it comes; made harmless where that is a terminal. Ends quietly when nobody reads any more, as in `... | head`. */
export async function print(pieces: AsyncIterable<string>): Promise<void> {
  const ignore = () => {}; // the failed write tells
  process.stdout.on('error', ignore);
  try {
    for await (const piece of pieces) {
      await new Promise<void>((resolve, reject) => {
        process.stdout.write(process.stdout.isTTY ? harmless(piece) : piece, (error) =>
          error ? reject(error) : resolve(),
        );
      });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    process.stdout.off('error', ignore);
  }
}
