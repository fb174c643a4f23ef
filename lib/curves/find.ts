/** Finds runs: folders with a `metrics.jsonl`, themselves or inside those that were given. */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

import { historyName } from '../metrics';

/** A comparison holds runs, a sweep perhaps comparisons: deeper than that nobody looks. */
const deepest = 3;
/** Of a run's own folders, none holds a run. */
const inRuns = new Set(['checkpoints', 'best', 'latest', 'figures', 'node_modules']);

/**
 * The folders of the runs in a given folder, sorted by name, itself first; links are not followed. A folder that is not there yet, or cannot be
 * read, has none.
 */
export async function findRuns(folder: string, depth = 0): Promise<string[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  const isRun = entries.some((entry) => entry.name === historyName && entry.isFile());
  if (isRun || depth === deepest) return isRun ? [folder] : [];
  const inside = entries.filter(
    (entry) => entry.isDirectory() && !inRuns.has(entry.name) && !entry.name.startsWith('.'),
  );
  const names = inside.map(({ name }) => name).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const found = await Promise.all(names.map((name) => findRuns(path.join(folder, name), depth + 1)));
  return found.flat();
}
