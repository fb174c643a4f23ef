/**
 * Random calls of every operator with arguments that mean harm, in processes of their own: each returns or throws an error
 * of this package, none ends the process, none goes on for ever. `FUZZ_CALLS` and `FUZZ_SEED` make it longer or another.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { callsPerBatch } from './calls';

const root = path.resolve(__dirname, '../../..');
const calls = Number(process.env.FUZZ_CALLS ?? 210_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);
/** Address space of a child: what asks for more than it has gets an OutOfMemoryError. */
const kilobytes = 4_500_000;
const longestCall = 25_000;

interface Outcome {
  seed: number;
  calls: number;
  returned: number;
  complaints: string[];
}

/** Runs a share of the calls; fails with the call that was under way when the process died or stood still. */
function run(childSeed: number, batches: number, folder: string): Promise<Outcome> {
  const progress = path.join(folder, `progress-${childSeed}`);
  fs.writeFileSync(progress, '');
  const program = [
    ...['-r', path.join(root, 'scripts/register.cjs'), path.join(root, 'test/tensor/programs/fuzz.ts')],
    ...[childSeed, 0, batches].map(String),
    progress,
  ];
  const limited = `ulimit -v ${kilobytes}; ulimit -c 0; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', limited, process.execPath, ...program], {
    cwd: folder, // some calls name files
    env: { ...process.env, NODE_OPTIONS: '', OMP_NUM_THREADS: '1', CUDA_VISIBLE_DEVICES: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const at = (): string => fs.readFileSync(progress, 'utf8').trim();
  let last = '';
  let still = 0;
  const watch = setInterval(() => {
    const now = at();
    still = now === last ? still + 500 : 0;
    last = now;
    if (still > longestCall) child.kill('SIGKILL');
  }, 500);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      clearInterval(watch);
      // Libraries below print complaints of their own before it.
      const line = output.trimEnd().split('\n').at(-1) ?? '';
      if (code === 0) resolve(JSON.parse(line) as Outcome);
      else
        reject(new Error(`seed ${childSeed}: the process ended (${code ?? signal}) in batch, call, operator: ${at()}`));
    });
  });
}

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux(
  `${calls} hostile calls return or throw (seeds ${seed} and ${seed + 1})`,
  async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-fuzz-'));
    try {
      const batches = Math.ceil(calls / callsPerBatch / 2);
      const runs = await Promise.allSettled([run(seed, batches, folder), run(seed + 1, batches, folder)]);
      const outcomes = runs.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(runs.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))).toEqual([]);
      expect(outcomes.flatMap(({ complaints }) => complaints)).toEqual([]);
      expect(outcomes.reduce((sum, outcome) => sum + outcome.calls, 0)).toBeGreaterThanOrEqual(calls);
      // Enough of them fit to reach the kernels.
      for (const outcome of outcomes) expect(outcome.returned).toBeGreaterThan(outcome.calls / 8);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },
  Math.max(180_000, calls),
);
