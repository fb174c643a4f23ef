import { buildAddon, isBuilt } from './build';
import { locateLibtorch } from './locate';
import { terminalProgress } from './progress';

/**
 * What `npm install` of the published package does: builds the addon for the libtorch that is there. It fetches none unless
 * `TORCHWRIGHT_FETCH=1`, and never fails the installation: loading the package explains what is missing, too.
 */
export async function install(packageRoot: string): Promise<void> {
  try {
    if (isBuilt(packageRoot)) return;
    const fetch = process.env.TORCHWRIGHT_FETCH === '1';
    const libtorch = await locateLibtorch({ packageRoot, fetch, progress: terminalProgress });
    await buildAddon(packageRoot, libtorch, terminalProgress);
  } catch (error) {
    const { message } = error as Error;
    console.error(`Torchwright is installed, but its native addon is not built yet.\n${message}`);
  }
}
