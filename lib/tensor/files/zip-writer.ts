/** Writes zip archives, each record aligned as PyTorch aligns it. Source: PKWARE's APPNOTE, sections 4.3 and 4.4. */
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';

import { CheckpointError } from '../../errors';
import { native } from '../../native';

/** Records' bytes begin at multiples of this, so that they can be mapped. */
const alignment = 64;
/** Sizes and places have 32 bits; the wider form is not written. */
const limit = 2 ** 32 - 1;
const mostRecords = 65_535;
/** An extra field that only fills: its number, and the two bytes each of number and length. */
const fillField = 0x4246;
const fillHeader = 4;
const version = 20;
/** Names are UTF-8. */
const flags = 0x800;
const stored = 0;
const deflate = 8;
/** The first of January 1980, the earliest day there is: equal content makes equal files. */
const date = 0x21;

export class ZipWriter {
  readonly #directory: Buffer[] = [];
  #at = 0;

  /** @param file names it in errors */
  constructor(
    readonly handle: FileHandle,
    readonly file: string,
  ) {}

  /** A record of these bytes, one part after the other. @throws CheckpointError beyond 4 GiB or 65,535 records */
  async add(name: string, ...parts: Uint8Array[]): Promise<void> {
    await this.#record(name, parts, parts, stored);
  }

  /** A record whose deflated bytes are given too. */
  async addDeflated(name: string, parts: readonly Uint8Array[], deflated: Uint8Array): Promise<void> {
    await this.#record(name, parts, [deflated], deflate);
  }

  async #record(
    name: string,
    content: readonly Uint8Array[],
    packed: readonly Uint8Array[],
    method: number,
  ): Promise<void> {
    const [size, packedSize] = [content, packed].map((parts) => parts.reduce((sum, { length }) => sum + length, 0)) as [
      number,
      number,
    ];
    const encoded = Buffer.from(name);
    const offset = this.#at;
    const unfilled = offset + 30 + encoded.length + fillHeader;
    const extra = Buffer.alloc(fillHeader + ((alignment - (unfilled % alignment)) % alignment));
    extra.writeUInt16LE(fillField, 0);
    extra.writeUInt16LE(extra.length - fillHeader, 2);
    if (unfilled + alignment + Math.max(size, packedSize) > limit || this.#directory.length === mostRecords) {
      throw new CheckpointError(
        `${this.file} would be beyond 4 GiB or ${mostRecords} records. Save it as safetensors instead.`,
      );
    }
    // What the local header and the directory's entry have in common.
    const common = Buffer.alloc(24);
    common.writeUInt16LE(version, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt16LE(date, 8);
    common.writeUInt32LE(await checksumOf(content), 10);
    common.writeUInt32LE(packedSize, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(encoded.length, 22);
    await this.#write(Buffer.from('PK\x03\x04'), common, Buffer.from([extra.length & 0xff, extra.length >> 8]));
    await this.#write(encoded, extra, ...packed);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 'latin1');
    entry.writeUInt16LE(version, 4);
    common.copy(entry, 6);
    entry.writeUInt32LE(offset, 42);
    this.#directory.push(Buffer.concat([entry, encoded]));
  }

  /** Writes the directory; nothing can be added then. */
  async finish(): Promise<void> {
    const offset = this.#at;
    const directory = Buffer.concat(this.#directory);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(this.#directory.length, 8);
    end.writeUInt16LE(this.#directory.length, 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(offset, 16);
    await this.#write(directory, end);
  }

  async #write(...parts: Uint8Array[]): Promise<void> {
    for (const part of parts) {
      await this.handle.writeFile(part);
      this.#at += part.length;
    }
  }
}

/** Bytes that are summed before other work gets its turn. */
const piece = 2 ** 24;

async function checksumOf(parts: readonly Uint8Array[]): Promise<number> {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += piece) {
      if (at > 0) await turn();
      sum = native.crc32(sum, part.subarray(at, at + piece));
    }
  }
  return sum;
}
