/**
 * Things made once and kept: a folder for each, named by a hash of all that it was made from, with a manifest of its files'
 * hashes. An entry that is damaged in any way is made again. Processes that make the same one at once all go on with the first that is
 * finished, whose files stay where they are.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import { DataError, StorageError } from '../errors';
import { replaceFolder, writeFileAtomically } from '../files';

export interface CacheEntry<Facts> {
  folder: string;
  /** What `make` returned, as JSON keeps it. */
  facts: Facts;
}

interface Manifest<Facts> {
  facts: Facts;
  /** SHA-256 of each file. */
  files: Record<string, string>;
}

const manifestName = 'manifest.json';

/**
 * The entry `kind/key` below `root`, made if it is not there whole.
 * @param make fills the empty folder it is given, without subfolders, and returns facts to keep, plain data
 * @throws DataError when the cache cannot be read or written
 */
export async function cached<Facts>(
  root: string,
  kind: string,
  key: string,
  make: (folder: string) => Promise<Facts>,
): Promise<CacheEntry<Facts>> {
  const folder = path.join(root, kind, key);
  try {
    const known = await readManifest<Facts>(folder);
    return { folder, facts: known ? known.facts : await fill(folder, make) };
  } catch (error) {
    const reason = error instanceof StorageError ? error.cause : error;
    const { code = '', message = '' } = (reason ?? {}) as Partial<NodeJS.ErrnoException>;
    if (!/^E[A-Z]+$/.test(code)) throw error;
    const advice = 'give TORCHWRIGHT_CACHE a folder that can be written and has room';
    throw new DataError(`the cache ${folder} cannot be used: ${message}; ${advice}`, { cause: error });
  }
}

async function fill<Facts>(folder: string, make: (folder: string) => Promise<Facts>): Promise<Facts> {
  await removeAbandoned(path.dirname(folder));
  let made: Facts | undefined;
  const own = `${folder}.${randomBytes(4).toString('hex')}`;
  await replaceFolder(own, async (temporary) => {
    made = await make(temporary);
    const files: Record<string, string> = {};
    for (const name of await readdir(temporary)) {
      await sync(path.join(temporary, name));
      files[name] = await hashFile(path.join(temporary, name));
    }
    await writeFileAtomically(path.join(temporary, manifestName), sealed({ facts: made, files }));
  });
  try {
    await place(own, folder);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return made as Facts;
}

/** What is to be gone on with has this ending; it is kept for a month. */
export const partialEnding = '.partial';

const dayMs = 24 * 60 * 60 * 1000;

/** Clears away what processes that were killed have left unfinished: it has not changed for a day, or a month. */
async function removeAbandoned(kindFolder: string): Promise<void> {
  const names = await readdir(kindFolder).catch(() => []);
  for (const name of names) {
    const days = name.endsWith('.tmp') ? 1 : name.endsWith(partialEnding) ? 30 : Infinity;
    if (days === Infinity) continue;
    const folder = path.join(kindFolder, name);
    const inside = await readdir(folder).catch(() => []);
    const changed = await Promise.all(
      [folder, ...inside.map((file) => path.join(folder, file))].map((file) =>
        stat(file).then(
          ({ mtimeMs }) => mtimeMs,
          () => Infinity, // somebody has just taken it away, and may be making it anew
        ),
      ),
    );
    if (Date.now() - Math.max(...changed) > days * dayMs) await rm(folder, { recursive: true, force: true });
  }
}

/** Moves a finished entry to its place, unless a whole one is there by now. */
async function place(entry: string, folder: string): Promise<void> {
  try {
    return await rename(entry, folder);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EPERM'].includes(code)) throw error;
  }
  if (await readManifest(folder)) return;
  await replaceFolder(folder, async (temporary) => {
    for (const name of await readdir(entry)) await rename(path.join(entry, name), path.join(temporary, name));
  });
}

/** The manifest, or undefined when it or any file is missing or not as it was written. */
async function readManifest<Facts>(folder: string): Promise<Manifest<Facts> | undefined> {
  try {
    const text = await readFile(path.join(folder, manifestName), 'utf8');
    const { content } = JSON.parse(text) as { content: Manifest<Facts> };
    if (sealed(content) !== text) return undefined;
    for (const [name, hash] of Object.entries(content.files)) {
      if ((await hashFile(path.join(folder, name))) !== hash) return undefined;
    }
    return content;
  } catch (error) {
    const { code = 'ENOENT' } = error as NodeJS.ErrnoException; // what is not a manifest at all counts as missing
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The manifest's text, with its own hash in it. */
function sealed(content: Manifest<unknown>): string {
  return JSON.stringify({ content, sha256: sha256(JSON.stringify(content)) });
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** SHA-256 of texts, told apart whatever they hold. */
export function sha256(...texts: string[]): string {
  return createHash('sha256')
    .update(texts.length === 1 ? (texts[0] ?? '') : JSON.stringify(texts))
    .digest('hex');
}
