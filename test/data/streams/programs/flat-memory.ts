/** Passes a stream of text from files to batches, in a process of its own, and prints the memory held in each tenth of it, in MiB. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { finished } from 'node:stream/promises';

import { ByteTokenizer } from '../../../../lib/data/byte-tokenizer';
import * as streams from '../../../../lib/data/streams';

const [folder, megabytes] = process.argv.slice(2) as [string, string];
const shardBytes = 10e6;

async function writeShard(file: string, shard: number): Promise<void> {
  const out = createWriteStream(file);
  for (let written = 0; written < shardBytes;) {
    const text = `${shard} ${written} ${'the whale and the sea '.repeat(20 + ((written >> 4) % 100))}`;
    const lines = `${JSON.stringify({ text })}\n`.repeat(20);
    written += lines.length;
    if (!out.write(lines)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}

async function run(): Promise<void> {
  const files: string[] = [];
  for (let shard = 0; shard < (Number(megabytes) * 1e6) / shardBytes; shard++) {
    files.push(path.join(folder, `${shard}.jsonl`));
    await writeShard(files[shard]!, shard);
  }
  const texts = streams
    .jsonl<{ text: string }>(files, { shuffleFiles: 1 })
    .map(({ text }) => text)
    .shuffle({ buffer: 2000, seed: 1 });
  const batches = streams.tokenize(texts, new ByteTokenizer()).pack({ blockSize: 512 }).batch(16);
  const held = Array<number>(10).fill(0);
  let tokens = 0;
  for await (const batch of batches) {
    tokens += batch.length * 512;
    const tenth = Math.min(9, Math.floor(tokens / (Number(megabytes) * 1e5)));
    held[tenth] = Math.max(held[tenth]!, Math.round(process.memoryUsage.rss() / 2 ** 20));
  }
  console.log(JSON.stringify({ tokens, held }));
}

void run();
