import fs from 'node:fs';
import path from 'node:path';

import { writeFileAtomically } from '../files';
import type { Libtorch } from './libtorch';

/** What the addon in `build/` was built from and for. */
export interface BuildRecord extends Libtorch {
  /** How that libtorch had been found. */
  how: string;
  /** Hash of the sources. */
  sources: string;
}

/** Beside the addon, so that they go together. */
const recordFile = (packageRoot: string) => path.join(packageRoot, 'build', 'libtorch.json');

export const addonFile = (packageRoot: string) => path.join(packageRoot, 'build', 'Release', 'torchwright.node');

/** The record of the last build that succeeded, if it can be read. */
export function readRecord(packageRoot: string): BuildRecord | undefined {
  try {
    const { root, version, cuda, how, sources } = JSON.parse(
      fs.readFileSync(recordFile(packageRoot), 'utf8'),
    ) as BuildRecord;
    return typeof root === 'string' && typeof sources === 'string' ? { root, version, cuda, how, sources } : undefined;
  } catch {
    return undefined; // no record, or a broken one, which the next build replaces
  }
}

export function writeRecord(packageRoot: string, record: BuildRecord): Promise<void> {
  return writeFileAtomically(recordFile(packageRoot), `${JSON.stringify(record, null, 2)}\n`);
}
