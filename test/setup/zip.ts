import zlib from 'node:zlib';

export interface ZipEntry {
  name: string;
  data?: string | Buffer;
  /** A Unix mode, for entries that are no plain files. */
  mode?: number;
  /** Written in place of the right one. */
  crc?: number;
}

/** Makes a zip of stored entries, also of such as no honest program would make. */
export function makeZip(entries: ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data = '', mode = 0o100644, crc } of entries) {
    const bytes = Buffer.from(data);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26); // version, flags, method, time, date, crc, sizes, name and extra lengths
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc ?? zlib.crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, bytes]);
    const tail = Buffer.alloc(14); // comment length, disk, attributes, offset
    tail.writeUInt32LE(mode * 0x10000, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, tail, nameBytes);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
