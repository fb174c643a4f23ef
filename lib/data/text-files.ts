/** Which files a text is in, and in which form each has it. */
import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../errors';
import { throwIfAborted } from './abort';

/** Lines, objects a line, or a table. */
export type TextForm = 'text' | 'jsonl' | 'parquet';

export interface TextFile {
  file: string;
  form: TextForm;
  /** Bytes on disk. */
  size: number;
  /** When it was last written to, in milliseconds. */
  modified: number;
}

export interface FoundFiles {
  files: TextFile[];
  /** Files in folders that have another ending. */
  skipped: string[];
}

const known = /\.(txt|jsonl|parquet)(\.gz|\.zst)?$/i;
const knownEndings = '.txt, .jsonl (each also .gz or .zst) and .parquet';

/** Forms that would be read as lines of text, which they are not. */
const foreign: [RegExp, string][] = [
  [/\.parquet\.(gz|zst)$/i, 'Parquet is compressed inside; give the .parquet file itself'],
  [/\.json(\.gz|\.zst)?$/i, 'a text is in .jsonl, an object a line; write it so'],
  [/\.(csv|tsv)(\.gz|\.zst)?$/i, 'tables of text are read from .jsonl and .parquet; convert it'],
  [/\.(arrow|feather|avro|orc)$/i, 'tables of text are read from .jsonl and .parquet; convert it'],
  [/\.(zip|tar|tgz|7z|rar|bz2|xz|lz4)$|\.tar\./i, 'it must be unpacked, or be compressed by gzip or zstd'],
  [/\.(pdf|docx?|odt|epub)$/i, 'it is no plain text; convert it'],
];

/**
 * Files at paths, in their order. A folder stands for the files below it that have a known ending, sorted by path; names that begin
 * with a dot are passed over. A file named by itself and of unknown ending is plain text.
 *
 * @param except - real paths to leave out of folders
 * @throws DataError for a path that is missing or empty, a form that is not read, or a file of `except` named by itself
 */
export async function findTextFiles(
  paths: readonly string[],
  except: ReadonlySet<string> = new Set(),
): Promise<FoundFiles> {
  const found: FoundFiles = { files: [], skipped: [] };
  for (const name of paths) {
    if ((await statOf(name)).isDirectory()) await addFolder(name, except, found);
    else if (except.size > 0 && except.has(await realpath(name)))
      throw new DataError(`${name} is in the training text and in the validation text; leave it out of one`);
    else found.files.push(await textFile(name, formOf(name)));
  }
  return found;
}

async function addFolder(folder: string, except: ReadonlySet<string>, { files, skipped }: FoundFiles): Promise<void> {
  const names = (await filesBelow(folder)).sort();
  const before = files.length;
  for (const name of names) {
    const form = known.exec(name)?.[1]?.toLowerCase();
    if (form === undefined || foreign[0]?.[0].test(name)) skipped.push(name);
    else if (except.size === 0 || !except.has(await realpath(name)))
      files.push(await textFile(name, form === 'txt' ? 'text' : (form as TextForm)));
  }
  if (files.length > before) return;
  const others = names.length === 0 ? 'it is empty' : `it has ${names.slice(0, 5).map(baseName).join(', ')}`;
  throw new DataError(`the folder ${folder} has no text: looked for ${knownEndings}; ${others}`);
}

const baseName = (file: string) => path.basename(file);

/** Files of a folder and those below, links to files among them, links to folders not. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new DataError(`cannot read the folder ${folder}: ${cause.message}`, { cause });
  });
  const below = async (entry: Dirent): Promise<string[]> => {
    const name = path.join(folder, entry.name);
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return filesBelow(name);
    const isFile = entry.isFile() || (entry.isSymbolicLink() && (await statOf(name)).isFile());
    return isFile ? [name] : [];
  };
  const files: string[] = [];
  for (const entry of entries) files.push(...(await below(entry)));
  return files;
}

/** @throws DataError for a form that is not read */
function formOf(file: string): TextForm {
  for (const [ending, advice] of foreign) {
    if (ending.test(file)) throw new DataError(`cannot read the text ${file}: ${advice}`);
  }
  const form = known.exec(file)?.[1]?.toLowerCase();
  return form === 'jsonl' || form === 'parquet' ? form : 'text';
}

/** @throws DataError for a file that is missing, not a file, or empty */
export async function textFile(file: string, form: TextForm = 'text'): Promise<TextFile> {
  const status = await statOf(file);
  if (!status.isFile()) throw new DataError(`cannot read the text ${file}: it is not a file`);
  if (status.size === 0) throw new DataError(`the text ${file} is empty`);
  return { file, form, size: status.size, modified: status.mtimeMs };
}

function statOf(file: string) {
  return stat(file).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new DataError(`cannot read the text ${file}: ${reason}`, { cause });
  });
}

/** @throws DataError where a file is no longer the one that was opened */
export async function checkUnchanged(files: readonly TextFile[]): Promise<void> {
  for (const { file, size, modified } of files) {
    const now = await statOf(file);
    if (now.size !== size || now.mtimeMs !== modified)
      throw new DataError(`the text ${file} changed while it was read; run again when it is finished`);
  }
}

export interface HashOptions {
  signal?: AbortSignal | undefined;
  /** Called with the bytes read so far, of all. */
  onRead?: ((bytes: number, totalBytes: number) => void) | undefined;
}

/** SHA-256 of files' bytes and borders. */
export async function hashFiles(files: readonly TextFile[], { signal, onRead }: HashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(files.map(({ size }) => size)));
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  for (const { file } of files) {
    const stream = createReadStream(file, { highWaterMark: 1 << 20 });
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        throwIfAborted(signal);
        hash.update(chunk);
        onRead?.((bytes += chunk.length), totalBytes);
      }
    } catch (error) {
      if (error !== stream.errored) throw error;
      throw new DataError(`cannot read the text ${file}: ${stream.errored?.message}`, { cause: error });
    } finally {
      stream.destroy();
    }
  }
  return hash.digest('hex');
}
