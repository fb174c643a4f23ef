/**
 * The door between the two languages: the only room that loads the addon, and the one place that says what it offers.
 *
 * A tensor crosses as a `Handle`, a number made of a slot and a generation; the addon keeps the `at::Tensor`.
 * Every function that returns a handle gives the caller a new one, to be freed exactly once with `free`.
 * Synchronous functions run on the calling thread; functions that return a Promise run as one job, in order, on the
 * environment's own compute thread. Errors arrive as the classes of `errors.ts`.
 */
import path from 'node:path';

import nodeGypBuild from 'node-gyp-build';

import { describeLoadFailure, nativeErrorFactory, VersionError } from '../errors';
import { checkSupported } from '../setup/libtorch';
import type { Native } from './interface';
import type { NativeVersions } from './values';

export type { Native } from './interface';
export type * from './values';

const packageRoot = path.resolve(__dirname, '../..');

/**
 * OpenMP's threads spin while they wait for work, by default for milliseconds: beside other work that makes a training step
 * twice as slow, while not to spin at all makes it twice as slow on an idle machine. A short spin costs neither
 * (measured on two cores). GNU's OpenMP reads the setting as it loads; a user's own setting stands.
 */
function withShortSpin<T>(load: () => T): T {
  if (process.env.OMP_WAIT_POLICY !== undefined || process.env.GOMP_SPINCOUNT !== undefined) return load();
  process.env.GOMP_SPINCOUNT = '20000';
  try {
    return load();
  } finally {
    delete process.env.GOMP_SPINCOUNT;
  }
}

function load(): Native {
  let addon: Native;
  try {
    addon = withShortSpin(() => nodeGypBuild(packageRoot)) as Native;
  } catch (error) {
    throw describeLoadFailure(error);
  }
  addon.initialize(nativeErrorFactory);
  checkVersions(addon.versions());
  return addon;
}

/** Another minor version has other binary interfaces: it may load, and go wrong later. */
function checkVersions({ compiled, loaded }: NativeVersions): void {
  checkSupported({ version: compiled, root: 'the path the addon was built with' });
  const minor = (version: string) => version.split('.').slice(0, 2).join('.');
  if (loaded === '' || minor(loaded) === minor(compiled) || process.env.TORCHWRIGHT_SKIP_VERSION_CHECK === '1') return;
  throw new VersionError(
    `The native addon was built for libtorch ${compiled}, but libtorch ${loaded} is loaded. Run \`npx torchwright build\` ` +
      'to build it for that one, or set TORCHWRIGHT_SKIP_VERSION_CHECK=1 to use it all the same.',
  );
}

/** The loaded addon of this environment. */
export const native: Native = load();
