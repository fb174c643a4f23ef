/** Runs another program to its end. */
import { spawn } from 'node:child_process';

import { throwIfAborted } from './abort';

export interface ProgramResult {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  /** The end of what it wrote. */
  output: string;
}

export interface ProgramOptions {
  signal?: AbortSignal | undefined;
  /** Leave out what it writes on stderr. */
  dropStderr?: boolean;
  /** The folder to run it in. */
  cwd?: string;
  /** How much of the end of what it wrote is kept. Default 4000 characters. */
  keptCharacters?: number;
}

/** @throws AbortError when aborted; the error of `spawn` (`ENOENT`, ...) when it cannot be started */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { signal, dropStderr = false, cwd, keptCharacters = 4000 } = options;
  throwIfAborted(signal);
  const { env } = process;
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', dropStderr ? 'ignore' : 'pipe'] });
  const end = () => child.kill();
  signal?.addEventListener('abort', end, { once: true });
  try {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-keptCharacters);
      });
    }
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    throwIfAborted(signal);
    return { code, output: output.trim() };
  } finally {
    signal?.removeEventListener('abort', end);
  }
}
