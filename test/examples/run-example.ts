/** Runs the examples as a reader does: in a process of their own, against the built package. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(__dirname, '../..');
const fileOf = (example: string) => path.join(root, 'examples', example);

interface Place {
  cacheDir: string;
  cwd: string;
}

const environment = ({ cacheDir }: Place) => ({ ...process.env, TORCHWRIGHT_CACHE: cacheDir, NODE_OPTIONS: '' });

/** What an example prints on the standard output. */
export async function runExample(example: string, args: string[], place: Place): Promise<string> {
  const options = { env: environment(place), cwd: place.cwd };
  const { stdout } = await promisify(execFile)(process.execPath, [fileOf(example), ...args], options);
  return stdout;
}

export interface RunningExample {
  child: ChildProcess;
  /** What matched. */
  match: RegExpExecArray;
  /** Settles when the process has ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts an example, and waits until it has printed something. */
export function startExample(example: string, args: string[], place: Place, awaited: RegExp): Promise<RunningExample> {
  const options = { env: environment(place), cwd: place.cwd, stdio: ['ignore', 'pipe', 'pipe'] as const };
  const child = spawn(process.execPath, [fileOf(example), ...args], { ...options, stdio: [...options.stdio] });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Awaited<RunningExample['ended']>>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const match = awaited.exec(stdout);
      if (match) resolve({ child, match, ended });
    });
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${stdout}${stderr}`)));
  });
}
