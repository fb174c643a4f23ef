/** Where the records of a zip archive lie in its file, so that they can be read in place, and how to unpack those that are compressed. */
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

import { native } from '../../native';
import { openZip } from '../../zip';
import { readPart } from './open-file';

/** Of a record's bytes. */
export interface Place {
  offset: number;
  /** As they lie in the file. */
  size: number;
  /** Of the bytes when they are unpacked; `size` unless they are compressed. */
  unpackedSize: number;
  compressed: boolean;
  /** CRC-32 of the unpacked bytes. */
  checksum: number;
}

const stored = 0;
const deflated = 8;
/** No deflated byte unpacks to more: what says otherwise is damaged, or made to fill all memory. */
const mostUnpacked = 1032;

const inflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);

/** Every record by name. @throws Error for an archive that is damaged, encrypted, compressed in other ways than deflate, or holds a name twice */
export async function listRecords(handle: FileHandle): Promise<Map<string, Place>> {
  const archive = await openZip(handle);
  try {
    const records = new Map<string, Place>();
    for await (const entry of archive.eachEntry()) {
      const { fileName: name, compressedSize: size, uncompressedSize: unpackedSize, compressionMethod: method } = entry;
      if (entry.isEncrypted()) throw new Error(`${name} is encrypted`);
      if (method !== stored && method !== deflated) throw new Error(`${name} is compressed in a way that is not read`);
      const compressed = method === deflated;
      if (unpackedSize > (compressed ? size * mostUnpacked + mostUnpacked : size)) {
        throw new Error(`${name} is said to hold more than its bytes can`);
      }
      if (records.has(name)) throw new Error(`it holds ${name} twice`);
      const { fileDataStart: offset } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      records.set(name, { offset, size, unpackedSize, compressed, checksum: entry.crc32 });
    }
    return records;
  } finally {
    archive.close();
  }
}

/**
 * A record's bytes, unpacked.
 * @param longest - in bytes; a longer one is damage or an attack
 * @throws Error when it is longer or damaged
 */
export async function readRecord(handle: FileHandle, place: Place, longest: number): Promise<Buffer> {
  if (place.unpackedSize > longest) throw new Error(`it holds a record of ${place.unpackedSize} bytes`);
  const packed = await readPart(handle, place.offset, place.size);
  const bytes = place.compressed ? await inflate(packed, { maxOutputLength: place.unpackedSize + 1 }) : packed;
  if (bytes.length !== place.unpackedSize) throw new Error('a record is not of the length it should be');
  checkRecord(bytes, place);
  return bytes;
}

/** PyTorch can be told to write no checksums; it leaves 0 in their place. */
export const hasChecksum = ({ checksum }: Place) => checksum !== 0;

function checkRecord(bytes: Uint8Array, place: Place): void {
  if (hasChecksum(place) && native.crc32(0, bytes) !== place.checksum) {
    throw new Error('bytes have changed since it was written: a checksum is wrong');
  }
}
