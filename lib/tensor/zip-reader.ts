/** Where the records of an uncompressed zip archive lie in its file, so that they can be read in place. */
import type { FileHandle } from 'node:fs/promises';

import yauzl from 'yauzl';

/** Of a record's bytes. */
export interface Place {
  offset: number;
  size: number;
}

/** Reads for yauzl, which itself does not refuse the places beyond the file that a damaged archive names. */
class CheckedReader extends yauzl.RandomAccessReader {
  constructor(
    readonly handle: FileHandle,
    readonly size: number,
  ) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (!(position >= 0 && position + length <= this.size)) {
      setImmediate(() => callback(new Error(`it names a place beyond its end`)));
      return;
    }
    this.handle
      .read(buffer, offset, length, position)
      .then(({ bytesRead }) => callback(bytesRead < length ? new Error('it is truncated') : null), callback);
  }

  /** Whoever opened the file closes it. */
  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

/** Every record by name. @throws Error for an archive that is damaged, compressed, encrypted, or holds a name twice */
export async function listRecords(handle: FileHandle): Promise<Map<string, Place>> {
  const { size: fileSize } = await handle.stat();
  const archive = await yauzl.fromRandomAccessReaderPromise(new CheckedReader(handle, fileSize), fileSize);
  try {
    const records = new Map<string, Place>();
    for await (const entry of archive.eachEntry()) {
      const { fileName: name, uncompressedSize: size } = entry;
      if (entry.compressionMethod !== 0 || entry.isEncrypted())
        throw new Error(`${name} is compressed or encrypted, which torch.save never does`);
      if (records.has(name)) throw new Error(`it holds ${name} twice`);
      const { fileDataStart: offset } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      records.set(name, { offset, size });
    }
    return records;
  } finally {
    archive.close();
  }
}
