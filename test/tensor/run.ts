/** Runs one of `programs` in a process of its own. */
import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

export function run(
  program: string,
  ...args: string[]
): Promise<{ code: number | null; signal: string | null; output: string; errors: string }> {
  const hook = path.join(root, 'scripts/register.cjs');
  const child = spawn(process.execPath, ['-r', hook, path.join(__dirname, 'programs', program), ...args], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', OMP_NUM_THREADS: '1' },
  });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, output, errors }));
  });
}
