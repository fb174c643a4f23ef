import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Progress } from './progress';

/** Whether the process that wrote its id into the lock is still there. */
function isHeld(file: string): boolean {
  const holder = Number(fs.readFileSync(file, 'utf8'));
  // A file without an id has just been made: its holder is about to write it.
  if (!holder) return Date.now() - fs.statSync(file).mtimeMs < 5000;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs `job` while no other process runs one under the same lock file; waits for it first. */
export async function withLock<T>(file: string, progress: Progress, job: () => Promise<T>): Promise<T> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (let told = false; ; await sleep(500)) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    try {
      if (!isHeld(file)) fs.rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // released in between
      continue;
    }
    if (!told) progress.line(`waiting for another process that holds ${file}`);
    told = true;
  }
  try {
    return await job();
  } finally {
    fs.rmSync(file, { force: true });
  }
}
