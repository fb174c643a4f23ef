/** Samples out of tar shards as webdataset has them: neighbouring files whose names are alike up to the first dot are one sample. */
import path from 'node:path';

import type { TarHeader } from 'modern-tar';
import { z } from 'zod';

import { DataError } from '../../../errors';
import { ByteStream } from '../../byte-stream';
import type { FileFormat } from '../files';
import { parseState } from '../source';
import { BlockReader, blockBytes, contentBlocks, isHeaderOfHeader, isZero } from './tar-blocks';

/** Files of a shard that belong together. */
export interface TarSample {
  /** Their name in the shard up to the first dot of its last part, such as `train/00017`. */
  key: string;
  /** Their bytes by what follows that dot, such as `json` and `seg.png`. */
  files: Record<string, Buffer>;
}

const entryForm = z.strictObject({ byte: z.int().nonnegative() }).nullable();

export const tarFormat: FileFormat<TarSample> = {
  kind: 'tar',
  options: {},
  endings: /\.(tar(\.gz|\.zst)?|tgz)$/i,
  async *read(file, from, signal) {
    const { byte } = parseState(entryForm, from, 'a tar file') ?? { byte: 0 };
    let begun: { start: number; sample: TarSample } | undefined;
    const group = ({ start, sample }: NonNullable<typeof begun>) => ({
      place: { byte: start },
      count: 1,
      sample: () => sample,
    });
    for await (const { name, data, start } of readEntries(file, byte, signal)) {
      const { key, extension } = partsOf(name);
      if (begun !== undefined && begun.sample.key !== key) {
        yield group(begun);
        begun = undefined;
      }
      begun ??= { start, sample: { key, files: Object.create(null) as Record<string, Buffer> } };
      begun.sample.files[extension] = data;
    }
    if (begun !== undefined) yield group(begun);
  },
};

interface TarEntry {
  name: string;
  data: Buffer;
  /** Where in the archive its headers begin. */
  start: number;
}

/** The regular files of an archive. */
async function* readEntries(file: string, start: number, signal: AbortSignal | undefined): AsyncGenerator<TarEntry> {
  const { unpackTar } = await import('modern-tar');
  const blocks = new BlockReader(new ByteStream(file, signal, start), file, start);
  const damaged = (at: number, reason: string, cause?: unknown) =>
    new DataError(`${file} is damaged at byte ${at}: ${reason}`, { cause });
  try {
    for (;;) {
      const at = blocks.position;
      const parts: Buffer[] = [];
      let header: Buffer;
      do {
        header = await blocks.read(1);
        parts.push(header);
        const content = contentBlocks(header);
        if (content === undefined) throw damaged(at, 'the header of a file has no size');
        parts.push(await blocks.read(content));
      } while (isHeaderOfHeader(header));
      if (isZero(header)) return;
      // The library reads one file with its headers, and the end of an archive behind it.
      const whole = Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
      const [entry] = await unpackTar(whole, { strict: true }).catch((cause: Error) => {
        throw damaged(at, cause.message, cause);
      });
      if (entry?.data === undefined || !isFile(entry.header)) continue;
      yield {
        name: entry.header.name,
        data: Buffer.from(entry.data.buffer, entry.data.byteOffset, entry.data.length),
        start: at,
      };
    }
  } finally {
    await blocks.close();
  }
}

const isFile = ({ type = 'file' }: TarHeader) => type === 'file';

function partsOf(name: string): { key: string; extension: string } {
  const base = path.posix.basename(name);
  const dot = base.indexOf('.');
  const length = dot === -1 ? base.length : dot;
  return { key: name.slice(0, name.length - base.length + length), extension: base.slice(length + 1) };
}
