/** Every overload of every exposed operator takes what its schema says: the values get as far as libtorch. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

test('every overload converts its arguments', () => {
  const program = ['-r', path.join(root, 'scripts/register.cjs'), path.join(__dirname, 'programs/smoke.ts')];
  const { status, signal, stdout } = spawnSync(process.execPath, program, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', OMP_NUM_THREADS: '1' },
    maxBuffer: 1 << 26,
  });
  expect([status, signal]).toEqual([0, null]);
  const outcome = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as {
    targets: number;
    calls: number;
    refused: string[];
  };
  expect(outcome.refused).toEqual([]);
  expect(outcome.targets).toBeGreaterThan(1600);
  expect(outcome.calls).toBeGreaterThan(2000);
});
