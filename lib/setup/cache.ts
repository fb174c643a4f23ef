import os from 'node:os';
import path from 'node:path';

/** Where fetched things are kept: `TORCHWRIGHT_CACHE`, else `torchwright` in the user's cache folder. */
export function cacheFolder(): string {
  const { TORCHWRIGHT_CACHE, XDG_CACHE_HOME } = process.env;
  if (TORCHWRIGHT_CACHE) return path.resolve(TORCHWRIGHT_CACHE);
  // The XDG rules: a relative path there is invalid and to be ignored.
  const userCache =
    XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : path.join(os.homedir(), '.cache');
  return path.join(userCache, 'torchwright');
}
