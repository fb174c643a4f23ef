/** Files of all kinds that streams are read from. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** Texts that tell where they are from; some longer than others, and not all ASCII. */
export const textOf = (shard: number, row: number) =>
  `shard ${shard} row ${row} ${'wal '.repeat((shard * 7 + row) % 5)}\u{1f433}`;

export interface ShardOptions {
  shards?: number;
  rows?: number;
}

/** JSONL, every second one compressed, with blank lines; the paths. */
export function writeJsonl(folder: string, { shards = 4, rows = 25 }: ShardOptions = {}): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: shards }, (_, shard) => {
    const lines = Array.from({ length: rows }, (_, row) => JSON.stringify({ text: textOf(shard, row), row }));
    const content = Buffer.from(`${lines.join('\n').replace('\n', '\n\n')}\n`);
    const file = path.join(folder, `shard-${shard}.jsonl${shard % 2 === 1 ? '.gz' : ''}`);
    writeFileSync(file, shard % 2 === 1 ? gzipSync(content) : content);
    return file;
  });
}

/** Tar shards of samples of two files each; the paths. */
export async function writeTar(folder: string, { shards = 3, rows = 8 }: ShardOptions = {}): Promise<string[]> {
  const { packTar } = await import('modern-tar');
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const entries = Array.from({ length: rows }, (_, row) => {
      // Names beyond 100 characters are written in headers of their own.
      const key = `part/${row % 3 === 0 ? 'long'.repeat(60) : 'short'}/${String(row).padStart(4, '0')}`;
      const [text, cls] = [Buffer.from(textOf(shard, row)), Buffer.from([shard, row])];
      return [
        { header: { name: `${key}.txt`, size: text.length }, body: text },
        { header: { name: `${key}.seg.bin`, size: cls.length }, body: cls },
      ];
    }).flat();
    const file = path.join(folder, `shard-${shard}.tar${shard % 2 === 1 ? '.gz' : ''}`);
    const bytes = Buffer.from(await packTar([{ header: { name: 'part/', type: 'directory', size: 0 } }, ...entries]));
    writeFileSync(file, shard % 2 === 1 ? gzipSync(bytes) : bytes);
    files.push(file);
  }
  return files;
}

/** All samples of a stream, or the first ones. */
export async function read<T>(stream: AsyncIterable<T>, most = Infinity): Promise<T[]> {
  const samples: T[] = [];
  if (most === 0) return samples;
  for await (const sample of stream) if (samples.push(sample) === most) break;
  return samples;
}
