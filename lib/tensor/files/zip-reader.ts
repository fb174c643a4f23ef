/** Where the records of an uncompressed zip archive lie in its file, so that they can be read in place. */
import type { FileHandle } from 'node:fs/promises';

import { openZip } from '../../zip';

/** Of a record's bytes. */
export interface Place {
  offset: number;
  size: number;
}

/** Every record by name. @throws Error for an archive that is damaged, compressed, encrypted, or holds a name twice */
export async function listRecords(handle: FileHandle): Promise<Map<string, Place>> {
  const archive = await openZip(handle);
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
