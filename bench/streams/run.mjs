/**
 * Memory and speed of a stream of text: JSONL shards, read in a drawn order, shuffled, tokenised (bytes), packed and put into batches.
 *
 *     npm run bench -- streams --gigabytes 10 --record
 *
 * Memory is flat where what the process holds in the last tenth of the text is what it held in the second.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';

import { recordSection, table } from '../results.mjs';
import { writeShards } from './write.mjs';

const { values: options } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '1' },
    folder: { type: 'string', default: os.tmpdir() },
    record: { type: 'boolean', default: false },
  },
});
const gigabytes = Number(options.gigabytes);
if (!(gigabytes > 0)) {
  console.error('--gigabytes must be a number above 0');
  process.exit(2);
}
const shape = { buffer: 10_000, blockSize: 1024, batchSize: 32 };

const folder = fs.mkdtempSync(path.join(options.folder, 'bench-streams-'));
let result;
let written;
try {
  const start = performance.now();
  const shards = await writeShards(folder, { bytes: gigabytes * 1e9, shards: Math.max(8, Math.round(gigabytes * 8)) });
  written = shards.written;
  console.log(`${(written / 1e9).toFixed(2)} GB written in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  const program = path.join(import.meta.dirname, 'pass.mjs');
  const request = JSON.stringify({ files: shards.files, ...shape });
  const { stdout } = await promisify(execFile)(process.execPath, [program, request], { maxBuffer: 2 ** 28 });
  result = JSON.parse(stdout);
} finally {
  fs.rmSync(folder, { recursive: true });
}

const mebibytes = (bytes) => Math.round(bytes / 2 ** 20);
/** The most that was held while a tenth of the tokens passed. */
const mostIn = (tenth) => {
  const inside = result.samples.filter(
    ({ tokens }) => Math.min(9, Math.floor((10 * tokens) / result.tokens)) === tenth,
  );
  return Math.max(...inside.map(({ rss }) => rss));
};
const rows = Array.from({ length: 10 }, (_, tenth) => [`${tenth + 1}`, `${mebibytes(mostIn(tenth))}`]);
const { tokens, batches, seconds, cpuSeconds, delay } = result;
const growth = mebibytes(mostIn(9)) - mebibytes(mostIn(1));
const summary =
  `${tokens} tokens in ${batches} batches of ${shape.batchSize} x ${shape.blockSize}, ${seconds.toFixed(0)} s (${(written / 1e6 / seconds).toFixed(0)} MB/s; ` +
  `${cpuSeconds.toFixed(0)} s of CPU); from the second tenth to the last, resident memory grew by ${growth} MiB. Delay of the event loop: median ${delay.p50.toFixed(1)} ms, ` +
  `99th percentile ${delay.p99.toFixed(1)} ms, most ${delay.max.toFixed(0)} ms.`;
const header = ['tenth of the text', 'most resident memory, MiB'];
console.log([...table(header, rows), summary].join('\n'));
if (options.record) {
  recordSection(`A stream of ${gigabytes} GB of text`, [
    `Synthetic JSONL in shards, every eighth one gzip: read in a drawn order, shuffled in a buffer of ${shape.buffer} texts, tokenised (bytes), packed, batched, once through. ` +
      `${os.cpus()[0]?.model ?? 'unknown CPU'}, ${os.availableParallelism()} cores, load average ${os.loadavg()[0].toFixed(1)} at the end; Node ${process.version}.`,
    '',
    ...table(header, rows),
    '',
    summary,
  ]);
}
