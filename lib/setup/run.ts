import { spawn, type SpawnOptions } from 'node:child_process';

export interface Outcome {
  /** Exit code, or null and the signal that ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  /** stdout and stderr, in the order they came. */
  output: string;
}

/** Runs a program to its end, handing on each line as it comes. Rejects when it cannot be started. */
export function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { onLine?: (line: string) => void } = {},
): Promise<Outcome> {
  const { onLine, ...spawnOptions } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: process.env, ...spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let pending = '';
    const take = (chunk: string) => {
      output += chunk;
      const lines = (pending + chunk).split(/\r?\n/);
      pending = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, output }));
  });
}
