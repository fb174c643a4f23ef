import fs from 'node:fs';
import path from 'node:path';

import { LoadError, TorchwrightError } from '../errors';
import { cacheFolder } from './cache';
import { namedLibtorch, pinnedVersion, supportedRange, usableLibtorch, type Found } from './libtorch';
import type { Progress } from './progress';
import { askPython, pythonCommands } from './python';
import { readRecord } from './record';

export interface LocateOptions {
  /** The folder of this package's package.json. */
  packageRoot: string;
  /** Fetch one (some 200 MB) when there is none. */
  fetch: boolean;
  progress: Progress;
}

/**
 * Finds a libtorch: `TORCHWRIGHT_LIBTORCH` or `LIBTORCH`; the one a former set-up used; the active Python's; the cache; or,
 * if wanted, fetched into the cache.
 * @throws LoadError or VersionError when a variable names a libtorch that cannot be used.
 * @throws LoadError when there is none, with all that was tried and what to do.
 */
export async function locateLibtorch({ packageRoot, fetch, progress }: LocateOptions): Promise<Found> {
  const named = namedLibtorch();
  if (named) return named;
  const tried = ['TORCHWRIGHT_LIBTORCH and LIBTORCH: not set'];
  for (const source of [() => fromRecord(packageRoot, tried), () => fromPython(tried), () => fromCache(tried)]) {
    const found = source();
    if (found) return found;
  }
  if (!fetch) tried.push('fetching it: not done here, `npx torchwright build` does');
  else {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the HTTP client is slow to load, and seldom needed
    const { fetchLibtorch } = require('./fetch') as typeof import('./fetch');
    const outcome = await fetchLibtorch(cacheFolder(), progress);
    if (outcome.libtorch) return { ...outcome.libtorch, how: `fetched by ${outcome.how}` };
    tried.push(...outcome.tried);
  }
  throw new LoadError(diagnosis(tried));
}

/** Takes the folder if it holds a usable libtorch; else notes why not. */
function attempt(folder: string, where: string, how: string, tried: string[]): Found | undefined {
  try {
    return { ...usableLibtorch(folder), how };
  } catch (error) {
    if (!(error instanceof TorchwrightError)) throw error;
    tried.push(`${where}: ${error.message}`);
    return undefined;
  }
}

function fromRecord(packageRoot: string, tried: string[]): Found | undefined {
  const record = readRecord(packageRoot);
  if (record) return attempt(record.root, 'the libtorch of the last build', record.how, tried);
  tried.push('the libtorch of the last build: nothing has been built yet');
  return undefined;
}

function fromPython(tried: string[]): Found | undefined {
  for (const command of pythonCommands) {
    const python = askPython(command);
    if (typeof python === 'string') tried.push(`${command}: ${python}`);
    else if (python.torch === null) tried.push(`${command}: Python ${python.version} has no torch`);
    else {
      const found = attempt(python.torch, command, `the torch of ${command} (Python ${python.version})`, tried);
      if (found) return found;
    }
  }
  return undefined;
}

/** The pinned version if it is there, else the newest. */
function fromCache(tried: string[]): Found | undefined {
  const cache = cacheFolder();
  const names = fs.existsSync(cache) ? fs.readdirSync(cache).filter((name) => name.startsWith('libtorch-')) : [];
  const folders = names.filter((name) => fs.statSync(path.join(cache, name)).isDirectory());
  const rank = (name: string) => (name === `libtorch-${pinnedVersion}-cpu` ? 1 : 0);
  folders.sort((a, b) => rank(b) - rank(a) || b.localeCompare(a, 'en', { numeric: true }));
  for (const name of folders) {
    const found = attempt(path.join(cache, name), 'the cache', 'the cache', tried);
    if (found) return found;
  }
  if (folders.length === 0) tried.push(`the cache ${cache}: holds none`);
  return undefined;
}

function diagnosis(tried: string[]): string {
  return [
    'No libtorch was found. What was tried:',
    ...tried.map((line, index) => `  ${index + 1}. ${line}`),
    'Do one of these, then `npx torchwright build`:',
    `  - pip install torch (a version from ${supportedRange}) for the Python that python3 starts;`,
    '  - unpack an archive from pytorch.org/get-started (LibTorch) and set TORCHWRIGHT_LIBTORCH to its folder, the one with',
    '    include/ and lib/;',
    '  - set TORCHWRIGHT_LIBTORCH_URL to a mirror or to the archive as a file, or HTTPS_PROXY if you are behind a proxy.',
  ].join('\n');
}
