import fs from 'node:fs';
import path from 'node:path';

import { LoadError, VersionError } from '../errors';

/** A libtorch on this machine. */
export interface Libtorch {
  /** The folder that holds `include/` and `lib/`. */
  root: string;
  /** Such as `2.13.0`. */
  version: string;
  /** Whether it comes with its CUDA library. */
  cuda: boolean;
}

/** A libtorch and where it came from. */
export interface Found extends Libtorch {
  how: string;
}

/** The version that is fetched when none is found. */
export const pinnedVersion = '2.13.0';
const oldestSupported = [2, 11] as const;
const newestSupported = [2, 14] as const;
export const supportedRange = `${oldestSupported.join('.')} to ${newestSupported.join('.')}`;

const libraryFile = (name: string) =>
  ({ win32: `${name}.dll`, darwin: `lib${name}.dylib` })[process.platform as string] ?? `lib${name}.so`;

/** Where libtorch keeps its version, newest layout first. */
const versionHeaders = ['include/torch/headeronly/version.h', 'include/torch/csrc/api/include/torch/version.h'];

function readVersion(root: string): string | undefined {
  for (const header of versionHeaders) {
    const file = path.join(root, header);
    if (!fs.existsSync(file)) continue;
    const text = fs.readFileSync(file, 'utf8');
    const part = (name: string) => new RegExp(`#define TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1];
    const parts = [part('MAJOR'), part('MINOR'), part('PATCH')];
    if (!parts.includes(undefined)) return parts.join('.');
  }
  return undefined;
}

/**
 * Describes the libtorch in `folder`, which may be its own folder or one around it (`libtorch/`, or a Python's `torch/`).
 * @throws LoadError saying what is missing there.
 */
export function describeLibtorch(folder: string): Libtorch {
  const library = path.join('lib', libraryFile('torch_cpu'));
  const candidates = ['', 'libtorch', 'torch'].map((inner) => path.resolve(folder, inner));
  const root = candidates.find((candidate) => fs.existsSync(path.join(candidate, library)));
  if (root === undefined) {
    const reason = fs.existsSync(folder) ? `it has no ${library}` : 'there is no such folder';
    throw new LoadError(`${folder} is not a libtorch: ${reason}.`);
  }
  if (!fs.existsSync(path.join(root, 'include/ATen/ATen.h'))) {
    throw new LoadError(`${root} is not a complete libtorch: it has no include/ATen/ATen.h.`);
  }
  const version = readVersion(root);
  if (version === undefined) throw new LoadError(`${root} is not a known libtorch: its headers name no version.`);
  return { root, version, cuda: fs.existsSync(path.join(root, 'lib', libraryFile('torch_cuda'))) };
}

function isSupported(version: string): boolean {
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  const order = (pair: readonly [number, number]) => pair[0] * 1000 + pair[1];
  const value = order([major, minor]);
  return value >= order(oldestSupported) && value <= order(newestSupported);
}

/**
 * Checks that this package works with a libtorch of this version.
 * @throws VersionError unless it does or `TORCHWRIGHT_SKIP_VERSION_CHECK=1` is set.
 */
export function checkSupported({ version, root }: Pick<Libtorch, 'version' | 'root'>): void {
  if (isSupported(version) || process.env.TORCHWRIGHT_SKIP_VERSION_CHECK === '1') return;
  throw new VersionError(
    `libtorch ${version} at ${root} is not supported: Torchwright works with ${supportedRange}. ` +
      'Set TORCHWRIGHT_SKIP_VERSION_CHECK=1 to use it all the same.',
  );
}

/** Describes the libtorch in `folder` and checks its version. */
export function usableLibtorch(folder: string): Libtorch {
  const libtorch = describeLibtorch(folder);
  checkSupported(libtorch);
  return libtorch;
}

/**
 * The libtorch that the user names by `TORCHWRIGHT_LIBTORCH` or `LIBTORCH`; undefined when neither is set. It is taken or
 * refused, never passed over.
 * @throws LoadError or VersionError when it cannot be used.
 */
export function namedLibtorch(): Found | undefined {
  for (const variable of ['TORCHWRIGHT_LIBTORCH', 'LIBTORCH']) {
    const folder = process.env[variable];
    if (!folder) continue;
    try {
      return { ...usableLibtorch(folder), how: `named by ${variable}` };
    } catch (error) {
      const message = `${variable}: ${(error as Error).message}`;
      throw error instanceof VersionError ? new VersionError(message) : new LoadError(message);
    }
  }
  return undefined;
}
