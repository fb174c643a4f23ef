/** Passes shards once from files to batches, in a process of its own, and tells what it held: one line of JSON. */
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
const { streams } = require('../../dist');
const { ByteTokenizer } = require('../../dist/data/byte-tokenizer');

const { files, buffer, blockSize, batchSize } = JSON.parse(process.argv[2]);
const texts = streams
  .jsonl(files, { shuffleFiles: 1 })
  .map(({ text }) => text)
  .shuffle({ buffer, seed: 1 });
const batches = streams.tokenize(texts, new ByteTokenizer()).pack({ blockSize, endToken: 0 }).batch(batchSize);

const delay = monitorEventLoopDelay({ resolution: 1 });
const start = performance.now();
const samples = [];
let tokens = 0;
let count = 0;
const sample = () => {
  samples.push({ tokens, rss: process.memoryUsage.rss() });
};
delay.enable();
for await (const batch of batches) {
  for (const block of batch) tokens += block.length;
  if (count++ % 16 === 0) sample();
}
delay.disable();
sample();
const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((nanoseconds) => nanoseconds / 1e6);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    tokens,
    batches: count,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    delay: { p50, p99, max },
    samples,
  }),
);
