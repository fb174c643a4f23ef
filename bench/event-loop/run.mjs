/**
 * How late timers come in a process that trains: the delay of its event loop, with libtorch on one core and on all of them.
 *
 *     npm run bench -- event-loop --seconds 15 --record
 *
 * Fails where a native model on one core delays the 99th percentile by 20 ms or more.
 */
import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';

import { recordSection, table } from '../results.mjs';

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '15' }, record: { type: 'boolean', default: false } },
});
const cores = os.availableParallelism();
const limit = 20;

const kinds = [
  { kind: 'idle', threads: 1, name: 'nothing' },
  {
    kind: 'native',
    threads: 1,
    name: 'a native decoder (4 layers of 128, 512 tokens a step), evaluated and saved every 10 steps',
  },
  { kind: 'native', threads: cores, name: 'the same' },
  { kind: 'small', threads: 1, name: "a module of one's own (perceptron of width 64, 64 rows a batch)" },
  { kind: 'large', threads: 1, name: 'the same, width 2,048' },
];

const rows = [];
let worst = 0;
for (const { kind, threads, name } of kinds) {
  const program = path.join(import.meta.dirname, 'train.mjs');
  const env = { ...process.env, OMP_NUM_THREADS: String(threads) };
  const { stdout } = await promisify(execFile)(process.execPath, [program, kind, options.seconds], { env });
  const { p50, p99, max, steps } = JSON.parse(stdout);
  if (kind === 'native' && threads === 1) worst = p99;
  const row = [name, `${threads}`, `${steps}`, ...[p50, p99, max].map((delay) => delay.toFixed(1))];
  console.log(row.join(' | '));
  rows.push(row);
}

if (options.record) {
  const header = ['what is trained', 'threads', 'steps', 'median', '99th percentile', 'most'];
  recordSection('Delay of the event loop while training', [
    `\`perf_hooks.monitorEventLoopDelay\`, a timer of 1 ms, whose interval is counted: milliseconds, over ${options.seconds} s. ` +
      `${os.cpus()[0]?.model ?? 'unknown CPU'}, ${cores} cores, load average ${os.loadavg()[0].toFixed(1)} at the end; Node ${process.version}.`,
    '',
    ...table(header, rows),
    '',
    'A native model computes on a thread of its own; a module written in TypeScript on the JavaScript thread, which has its turn between the parts of a step.',
  ]);
}
if (worst >= limit) {
  console.error(
    `The event loop came ${worst.toFixed(1)} ms late at the 99th percentile; less than ${limit} ms are promised.`,
  );
  process.exitCode = 1;
}
