import path from 'node:path';

import type { Command } from 'commander';

import { buildAddon } from '../setup/build';
import { locateLibtorch } from '../setup/locate';
import { terminalProgress } from '../setup/progress';

const packageRoot = path.resolve(__dirname, '../..');

/** Adds `build`, which builds the native addon on this machine. */
export function addBuild(program: Command): void {
  program
    .command('build')
    .description('build the native addon for the libtorch on this machine, fetching one (some 200 MB) if there is none')
    .addHelpText(
      'after',
      `
Which libtorch: TORCHWRIGHT_LIBTORCH or LIBTORCH (a folder), the last one built for, the torch of python3 or python, the
cache (TORCHWRIGHT_CACHE), else one is fetched with pip, or from the official archive (TORCHWRIGHT_LIBTORCH_URL and
TORCHWRIGHT_LIBTORCH_SHA256 name another).`,
    )
    .action(async () => {
      const libtorch = await locateLibtorch({ packageRoot, fetch: true, progress: terminalProgress });
      await buildAddon(packageRoot, libtorch, terminalProgress);
    });
}
