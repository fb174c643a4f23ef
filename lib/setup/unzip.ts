import fs from 'node:fs';
import path from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';

import type yauzl from 'yauzl';

import { LoadError } from '../errors';
import { openZip } from '../zip';
import type { Progress } from './progress';

const megabyte = 2 ** 20;
const isLink = (entry: yauzl.Entry) => ((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000;

/** Passes bytes on and computes their CRC-32 on the way, where Node can (from 20.15). */
class Crc extends Transform {
  value = 0;
  static readonly available = typeof zlib.crc32 === 'function';

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (Crc.available) this.value = zlib.crc32(chunk, this.value);
    done(null, chunk);
  }
}

/**
 * Extracts the files that `place` gives a path to, relative to `folder`. Nothing is ever written outside `folder`.
 * @throws LoadError when the file is no zip, is damaged, or names a place outside.
 */
export async function extract(
  zip: string,
  folder: string,
  place: (name: string) => string | undefined,
  progress: Progress,
): Promise<void> {
  const handle = await fs.promises.open(zip);
  let archive: yauzl.ZipFile | undefined;
  try {
    archive = await openZip(handle);
    const bar = progress.bar('unpacking', archive.entryCount, 'files');
    try {
      for await (const entry of archive.eachEntry()) {
        bar.update(archive.entriesRead);
        const relative = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
        if (relative !== undefined) await extractEntry(archive, entry, folder, relative);
      }
    } finally {
      bar.stop();
    }
  } catch (error) {
    if (error instanceof LoadError || (error as NodeJS.ErrnoException).syscall) throw error; // a full disk is not the zip's fault
    throw new LoadError(`${zip} cannot be unpacked: ${(error as Error).message}`, { cause: error });
  } finally {
    archive?.close();
    await handle.close();
  }
}

async function extractEntry(
  archive: yauzl.ZipFile,
  entry: yauzl.Entry,
  folder: string,
  relative: string,
): Promise<void> {
  const target = path.resolve(folder, relative);
  if (!target.startsWith(path.resolve(folder) + path.sep))
    throw new LoadError(`${entry.fileName} points outside the archive.`);
  if (isLink(entry)) throw new LoadError(`${entry.fileName} is a link, which a libtorch archive never holds.`);
  await fs.promises.mkdir(path.dirname(target), { recursive: true });
  const crc = new Crc();
  const write = fs.createWriteStream(target, { flags: 'wx', highWaterMark: megabyte });
  await pipeline(await archive.openReadStreamPromise(entry), crc, write);
  if (Crc.available && crc.value !== entry.crc32)
    throw new LoadError(`${entry.fileName} is damaged: its CRC-32 is wrong.`);
}
