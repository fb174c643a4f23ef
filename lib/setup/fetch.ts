import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { LoadError } from '../errors';
import { download, downloadText, sha256Of } from './download';
import { checkSupported, describeLibtorch, pinnedVersion, type Libtorch } from './libtorch';
import { withLock } from './lock';
import type { Progress } from './progress';
import { askPython, pythonCommands } from './python';
import { run } from './run';
import { extract } from './unzip';

/** The pinned libtorch for the CPU as pip knows it. On macOS there is no other and the name has no suffix. */
const requirement = `torch==${pinnedVersion}${process.platform === 'darwin' ? '' : '+cpu'}`;
/** A wheel's libtorch does not depend on its Python, so when the Python at hand has no wheel another one's will do. */
const otherPythons = ['3.11', '3.12', '3.13', '3.10', '3.14'];

const host = 'https://download.pytorch.org/libtorch/cpu';
/** The official archives, by machine. */
const officialArchives: Record<string, string> = {
  'linux-x64': `${host}/libtorch-shared-with-deps-${pinnedVersion}%2Bcpu.zip`,
  'darwin-arm64': `${host}/libtorch-macos-arm64-${pinnedVersion}.zip`,
  'win32-x64': `${host}/libtorch-win-shared-with-deps-${pinnedVersion}%2Bcpu.zip`,
};
const officialArchive = officialArchives[`${process.platform}-${process.arch}`];

/** How fetching went; `tried` has a line for each way that failed. */
export interface FetchOutcome {
  libtorch: Libtorch | undefined;
  how: string;
  tried: string[];
}

/**
 * Fetches a libtorch into the cache: from `TORCHWRIGHT_LIBTORCH_URL` when set, else with pip, else the official archive.
 * An archive is checked against `TORCHWRIGHT_LIBTORCH_SHA256`, else against the `.sha256` file beside it if there is one.
 */
export function fetchLibtorch(cache: string, progress: Progress): Promise<FetchOutcome> {
  const url = process.env.TORCHWRIGHT_LIBTORCH_URL;
  const ways: [name: string, fetch: (folder: string) => Promise<string>][] = url
    ? [[url, () => fetchArchive(url, cache, progress)]]
    : [
        [`pip download ${requirement}`, (folder) => fetchWheel(folder, progress)],
        [officialArchive ?? 'the official archive', () => fetchArchive(officialArchive, cache, progress)],
      ];
  return withLock(path.join(cache, 'fetch.lock'), progress, async () => {
    const tried: string[] = [];
    for (const [how, fetch] of ways) {
      const folder = path.join(cache, `unpacking-${randomBytes(6).toString('hex')}`);
      fs.mkdirSync(folder, { recursive: true });
      try {
        return { libtorch: await unpack(await fetch(folder), folder, cache, progress), how, tried };
      } catch (error) {
        tried.push(`${how}: ${(error as Error).message}`);
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    }
    return { libtorch: undefined, how: '', tried };
  });
}

/** Downloads the pinned wheel with the user's pip and its configuration. */
async function fetchWheel(folder: string, progress: Progress): Promise<string> {
  const failures: string[] = [];
  const asked = new Set<string>();
  for (const command of pythonCommands) {
    const python = askPython(command);
    if (typeof python === 'string') failures.push(`${command} ${python}`);
    else if (!asked.has(python.executable)) {
      asked.add(python.executable);
      progress.line(`Fetching ${requirement} with ${command} -m pip (some 200 MB) ...`);
      const failure = await pipDownload(command, folder);
      const wheel = fs.readdirSync(folder).find((name) => name.endsWith('.whl'));
      if (failure === undefined && wheel !== undefined) return path.join(folder, wheel);
      failures.push(`${command} -m pip: ${failure ?? 'no wheel came'}`);
    }
  }
  throw new LoadError(failures.join('; '));
}

/** Why pip could not download the wheel, or undefined when it did. */
async function pipDownload(command: string, folder: string): Promise<string | undefined> {
  const args = ['-m', 'pip', 'download', requirement, '--no-deps', '--only-binary=:all:', '--progress-bar=off'];
  const first = await run(command, [...args, '--dest', folder]);
  if (first.status === 0) return undefined;
  if (/No matching distribution/.test(first.output)) {
    for (const version of otherPythons) {
      // An index that cannot be reached has been waited for once; the wheel may still be among the user's find-links.
      const target = ['--python-version', version, '--retries=0', '--timeout=10'];
      if ((await run(command, [...args, '--dest', folder, ...target])).status === 0) return undefined;
    }
  }
  const errors = first.output.split('\n').filter((line) => /^ERROR:|No module named/.test(line));
  return (errors.at(-1) ?? first.output.trim().split('\n').at(-1) ?? '').replace(/^ERROR: /, '');
}

/** Downloads an archive, or takes it from the disk, and checks it as far as it can be checked. */
async function fetchArchive(url: string | undefined, cache: string, progress: Progress): Promise<string> {
  if (url === undefined) throw new LoadError(`there is none for ${process.platform} on ${process.arch}`);
  const given = process.env.TORCHWRIGHT_LIBTORCH_SHA256;
  if (!/^https?:/.test(url))
    return checkedFile(url.startsWith('file:') ? fileURLToPath(url) : path.resolve(url), given);
  progress.line(`Fetching ${url} ...`);
  const sha256 = given ?? (await publishedSha256(url));
  const file = path.join(cache, decodeURIComponent(path.posix.basename(new URL(url).pathname)) || 'libtorch.zip');
  const found = await download(url, file, { progress, sha256 });
  if (sha256 === undefined) {
    progress.line(
      `Nobody states a SHA-256 for it, so only its length and the checksums inside the zip are checked. It has ${found}; ` +
        'set TORCHWRIGHT_LIBTORCH_SHA256 to demand one.',
    );
  }
  return file;
}

async function checkedFile(file: string, sha256: string | undefined): Promise<string> {
  if (!fs.existsSync(file)) throw new LoadError(`${file} does not exist.`);
  if (sha256 === undefined) return file;
  const found = await sha256Of(file);
  if (found !== sha256.toLowerCase())
    throw new LoadError(`${file} has the SHA-256 ${found}, not ${sha256} as demanded.`);
  return file;
}

/** The first word of the file `url.sha256`, if the server has one. It guards against damage, not against the server. */
async function publishedSha256(url: string): Promise<string | undefined> {
  const text = await downloadText(`${url}.sha256`);
  return text === undefined ? undefined : /^[0-9a-f]{64}\b/i.exec(text.trim())?.[0];
}

/** Moves `include/` and `lib/` of a wheel or an archive to their place in the cache, all or nothing. */
async function unpack(zip: string, folder: string, cache: string, progress: Progress): Promise<Libtorch> {
  const inside = path.join(folder, 'libtorch');
  await extract(zip, inside, (name) => /^(?:lib)?torch\/((?:include|lib)\/.+)$/.exec(name)?.[1], progress);
  const unpacked = describeLibtorch(inside);
  checkSupported(unpacked);
  const root = path.join(cache, `libtorch-${unpacked.version}-${unpacked.cuda ? 'cuda' : 'cpu'}`);
  fs.rmSync(root, { recursive: true, force: true });
  fs.renameSync(inside, root);
  if (path.dirname(zip) === cache) fs.rmSync(zip);
  progress.line(`libtorch ${unpacked.version} is in ${root}`);
  return { ...unpacked, root };
}
