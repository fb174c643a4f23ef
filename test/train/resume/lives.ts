/** Processes that train until they are killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';

import type { Kind } from './program';

const root = path.resolve(__dirname, '../../..');

/** What the program prints. */
export type Line =
  | { type: 'start'; step: number }
  | { type: 'step'; step: number; values: number[] }
  | { type: 'evaluation'; step: number; loss: number; best: boolean }
  | { type: 'checkpoint'; step: number; reason: string }
  | { type: 'warning'; message: string }
  | { type: 'error'; message: string }
  | { type: 'end'; best: object; recent: string[]; targets: number; weights: unknown[]; log: Record<string, number>[] };

export interface Life {
  lines: Line[];
  signal: NodeJS.Signals | null;
  code: number | null;
  errors: string;
}

export interface Place {
  kind: Kind;
  out: string;
  data: string;
}

/** Lets the program train until it ends. @param watch - is told every line, with the process */
export async function live(
  { kind, out, data }: Place,
  watch: (line: Line, child: ChildProcess) => void = () => undefined,
): Promise<Life> {
  const register = path.join(root, 'scripts/register.cjs');
  const program = path.join(__dirname, 'program.ts');
  const child = spawn(process.execPath, ['-r', register, program, kind, out, data], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  readline.createInterface({ input: child.stdout }).on('line', (text) => {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      return; // the last one may be cut off
    }
    lines.push(line);
    watch(line, child);
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  return { lines, code, signal, errors };
}
