/** Files and folders that are either whole or not there: written under a temporary name, synced, renamed. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { checkArgument } from './arguments';
import { ArgumentError, StorageError } from './errors';

/** What the system answers where there is no room or no permission to write. */
const refusals = /^E(?:NOSPC|DQUOT|FBIG|ROFS|ACCES|PERM|IO|NAMETOOLONG|MFILE|NFILE)$/;

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never comes back where the system refuses with "no such file" below a
 * folder that is there, as in /proc.
 *
 * @throws ArgumentError when it cannot be made, StorageError when the system has no room or gives no permission
 */
export async function makeFolder(folder: string): Promise<void> {
  checkArgument(folder, 'string', 'The path of a folder');
  if (folder === '') throw new ArgumentError('The path of a folder must not be empty.');
  const make = (above: (parent: string) => Promise<void>) =>
    fs.mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST' && (await fs.stat(folder)).isDirectory()) return;
      const parent = path.dirname(path.resolve(folder));
      if (error.code === 'ENOENT' && parent !== path.resolve(folder)) return above(parent);
      const Refusal = refusals.test(error.code ?? '') ? StorageError : ArgumentError;
      throw new Refusal(`The folder ${folder} cannot be made: ${error.message}`, { cause: error });
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
 * @throws ArgumentError when a folder is in its place, or its own folder cannot be made; StorageError
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
    throw failure(error, temporary, file);
  }
}

/**
 * What to throw where writing failed: the system's refusal as an error of this package, other errors as they are, all of them under the name
 * that was to be written.
 */
function failure(error: unknown, temporary: string, target: string): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (refusals.test(code)) return new StorageError(`${target} cannot be written: ${message}`, { cause: error });
  if (error instanceof Error) error.message = message.replaceAll(temporary, target);
  return error;
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
    throw failure(error, temporary, target);
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

/**
 * The bytes of a file that is read as a whole. Pipes, devices and the like, which may give bytes without end, are refused.
 *
 * @param longest - in bytes; a longer one is damage or an attack
 * @throws Error as Node's own, or with the reason alone
 */
export async function readWhole(file: string, longest: number): Promise<Buffer> {
  // Asked before it is opened, since opening a pipe waits for a writer.
  if (!(await fs.stat(file)).isFile()) throw new Error('it is not a file');
  const handle = await fs.open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size > longest) throw new Error(`it has ${size} bytes, and at most ${longest} are read`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/**
 * Puts the files that `write` makes in an empty folder into `folder`, in the order of their names, each in place of one that stood there.
 * None is replaced before all are complete; if `write` fails, everything stays as it was.
 *
 * @param outdated - names files of the folder that are to go where they are not made anew
 */
export async function replaceFiles(
  folder: string,
  write: (temporary: string) => Promise<void>,
  outdated: (name: string) => boolean = () => false,
): Promise<void> {
  await makeFolder(folder);
  const temporary = temporaryName(path.join(folder, '.files'));
  await makeFolder(temporary);
  try {
    await write(temporary);
    const made = (await fs.readdir(temporary)).sort();
    for (const name of made) {
      if ((await fs.stat(path.join(folder, name)).catch(() => undefined))?.isDirectory())
        throw new ArgumentError(`${path.join(folder, name)} is a folder; a file is to be written.`);
    }
    for (const name of made) await fs.rename(path.join(temporary, name), path.join(folder, name));
    for (const name of await fs.readdir(folder)) {
      if (!made.includes(name) && outdated(name)) await fs.rm(path.join(folder, name), { force: true });
    }
  } catch (error) {
    throw failure(error, temporary, folder);
  } finally {
    await fs.rm(temporary, { recursive: true, force: true });
  }
}
