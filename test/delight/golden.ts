/** The golden fixtures of DeLighT, and what tests ask of them. */
import fs from 'node:fs';
import path from 'node:path';

export const goldenFolder = path.resolve(__dirname, '../fixtures/delight');

/** An entry of the index, as JSON gives it. */
export type Entry = Record<string, unknown>;

export function readIndex(): { files: Record<string, Entry> } {
  return JSON.parse(fs.readFileSync(path.join(goldenFolder, 'index.json'), 'utf8')) as { files: Record<string, Entry> };
}
