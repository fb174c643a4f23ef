/**
 * What `torchwright plan` estimates against what a training holds: the peak of its process's resident memory, and that of its tensors, as the
 * allocator counts them. Each side in a process of its own.
 *
 *     npm run bench -- memory --threads 2 --record
 *
 * Fails when an estimate is off by more than 15 %.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { recordSection, table } from '../results.mjs';
import { studies } from './studies.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: '2' },
    record: { type: 'boolean', default: false },
  },
});
const side = path.join(import.meta.dirname, 'side.mjs');
const env = { ...process.env, OMP_NUM_THREADS: options.threads };
const run = (what, study) => {
  const output = execFileSync(process.execPath, [side, what, JSON.stringify(study)], { env, encoding: 'utf8' });
  return JSON.parse(output.trim().split('\n').at(-1));
};

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
const parts = ['weights', 'gradients', 'optimizer', 'activations', 'loss', 'heap', 'process'];
const header = ['training', ...parts, 'estimate', 'measured', 'ratio', 'tensors alone: ratio'];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-memory-'));
const rows = [];
let worst = 0;
try {
  for (const { title, study } of studies(folder)) {
    if (!study.name.includes(options.only)) continue;
    const { training: estimate } = run('plan', study);
    const measured = run('train', study);
    const ratio = estimate.total / measured.training;
    const tensors = (estimate.total - estimate.heap - estimate.process) / measured.tensors;
    worst = Math.max(worst, Math.abs(ratio - 1));
    const cells = [...parts.map((part) => estimate[part]), estimate.total, measured.training].map(megabytes);
    rows.push([title, ...cells, ratio.toFixed(3), tensors.toFixed(3)]);
    console.log(rows.at(-1).join('  '));
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
if (options.record) {
  const { native } = createRequire(import.meta.url)('../../dist/native/index.js');
  recordSection(`Memory: plans and what they plan, ${options.threads} threads`, [
    'Megabytes at the peak of a training step, estimated by `torchwright plan`, and the most resident memory that a process had which made three such steps. ' +
      `${os.type()} ${os.arch()}, libtorch ${native.versions().loaded}, Node ${process.version}.`,
    '',
    ...table(header, rows),
    '',
    'Heap is the room between tensors that glibc keeps, taken as 15 % of the tensors that come and go, and as 60 % with several micro-batches; the last column compares tensors alone with the allocator’s count.',
  ]);
}
if (worst > 0.15) {
  console.error(`An estimate is off by ${(100 * worst).toFixed(0)} %.`);
  process.exitCode = 1;
}
