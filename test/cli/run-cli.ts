/** Runs the built command line in a child process, as a user does. `npm test` builds it. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

const main = path.resolve(__dirname, '../../dist/cli/main.js');

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd: string;
  cacheDir: string;
  /** Sees the child and what it has printed so far, whenever there is more. */
  watch?: (child: ChildProcess, printed: string) => void;
}

export function runCli(args: string[], { cwd, cacheDir, watch }: CliOptions): Promise<CliResult> {
  const env = { ...process.env, TORCHWRIGHT_CACHE: cacheDir, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, [main, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    watch?.(child, stderr);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
