/** Files and folders that are either whole or not there: written under a temporary name, synced, renamed. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { ArgumentError } from './errors';

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never comes back where the system refuses with "no such file" below a
 * folder that is there, as in /proc.
 *
 * @throws ArgumentError when it cannot be made
 */
export async function makeFolder(folder: string): Promise<void> {
  const make = (above: (parent: string) => Promise<void>) =>
    fs.mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST' && (await fs.stat(folder)).isDirectory()) return;
      const parent = path.dirname(path.resolve(folder));
      if (error.code === 'ENOENT' && parent !== path.resolve(folder)) return above(parent);
      throw new ArgumentError(`The folder ${folder} cannot be made: ${error.message}`, { cause: error });
    });
  await make(async (parent) => {
    await makeFolder(parent);
    await make(() => {
      throw new ArgumentError(`The folder ${folder} cannot be made: the system takes no new folders in ${parent}.`);
    });
  });
}

const temporaryName = (target: string) => `${target}.${randomBytes(4).toString('hex')}.tmp`;

/** Writes a text file in one piece; its folder is made if need be. */
export async function writeFileAtomically(file: string, text: string): Promise<void> {
  await writeAtomically(file, (handle) => handle.writeFile(text));
}

/**
 * Makes a file of what `write` puts into the open one it is given; if `write` fails, what stood there stays.
 *
 * @throws ArgumentError when a folder is in its place, or its own folder cannot be made
 */
export async function writeAtomically(file: string, write: (handle: fs.FileHandle) => Promise<void>): Promise<void> {
  await makeFolder(path.dirname(file));
  const inPlace = await fs.stat(file).catch(() => undefined);
  if (inPlace?.isDirectory()) throw new ArgumentError(`${file} is a folder; a file is to be written.`);
  const temporary = temporaryName(file);
  try {
    const handle = await fs.open(temporary, 'wx');
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Makes `folder` hold exactly what `write` puts into the empty folder it is given. What stood there before is removed only
 * once the new one is complete; if `write` fails, it stays as it was.
 */
export async function replaceFolder(folder: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const target = path.resolve(folder);
  const temporary = temporaryName(target);
  const old = temporaryName(target);
  await makeFolder(temporary);
  try {
    await write(temporary);
    await exchange(temporary, target, old);
    await fs.rm(old, { recursive: true, force: true });
  } catch (error) {
    await fs.rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Another process may put its own folder there between the two renames: then that one is moved away in its turn. */
const exchangeAttempts = 5;

async function exchange(temporary: string, target: string, old: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await fs.rm(old, { recursive: true, force: true });
    const replaces = await moveAway(target, old);
    try {
      return await fs.rename(temporary, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code === 'ENOTEMPTY' || code === 'EEXIST') && attempt < exchangeAttempts) continue;
      if (replaces) await fs.rename(old, target);
      throw error;
    }
  }
}

/** Whether there was anything to move. */
async function moveAway(from: string, to: string): Promise<boolean> {
  try {
    await fs.rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
