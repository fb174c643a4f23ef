/**
 * `manifest.json`: size and SHA-256 of every file of a checkpoint, written last. A folder without it was never finished; files that differ
 * from it are damaged.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { CheckpointError } from '../../errors';
import { readWhole, writeFileAtomically } from '../../files';
import { parseJson } from '../../json';
import { filesIn } from './durable';

export const manifestName = 'manifest.json';
const longestManifest = 2 ** 26;
const format = 'torchwright-checkpoint-1';

const manifestSchema = z.object({
  format: z.literal(format),
  step: z.int().nonnegative(),
  /** Names of other checkpoints of the run that a training that goes on from this one may still ask for: the best, those to be averaged. */
  needs: z.array(z.string()),
  files: z.record(z.string(), z.object({ bytes: z.int().nonnegative(), sha256: z.string() })),
});
export type Manifest = z.output<typeof manifestSchema>;

/** Bytes that are hashed at once: little enough that the event loop is not held up. */
const pieceBytes = 2 ** 20;

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await fs.open(file, 'r');
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Writes the manifest of a folder whose files are complete. */
export async function writeManifest(folder: string, { step, needs }: Pick<Manifest, 'step' | 'needs'>): Promise<void> {
  const files: Manifest['files'] = {};
  for (const name of await filesIn(folder)) {
    const file = path.join(folder, name);
    files[name] = { bytes: (await fs.stat(file)).size, sha256: await sha256Of(file) };
  }
  const manifest: Manifest = { format, step, needs, files };
  await writeFileAtomically(path.join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The manifest by itself, without a look at the files. @throws CheckpointError with the reason alone */
export async function readManifest(folder: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = parseJson(await readWhole(path.join(folder, manifestName), longestManifest));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'is missing: it was never finished' : `cannot be read (${(cause as Error).message})`;
    throw new CheckpointError(`${manifestName} ${reason}`, { cause });
  }
  const { data, success } = manifestSchema.safeParse(value);
  if (success) return data;
  throw new CheckpointError(`${manifestName} is not that of a checkpoint of this version`);
}

/**
 * Reads every file of a checkpoint.
 * @throws CheckpointError with the files that are damaged or missing
 */
export async function verify(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const problems: string[] = [];
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    const problem = await problemOf(path.join(folder, name), bytes, sha256);
    if (problem !== undefined) problems.push(`${name} ${problem}`);
  }
  if (problems.length > 0) throw new CheckpointError(problems.join('; '));
  return manifest;
}

async function problemOf(file: string, bytes: number, sha256: string): Promise<string | undefined> {
  try {
    const status = await fs.stat(file);
    // Asked before it is opened, since opening a pipe waits for a writer.
    if (!status.isFile()) return 'is not a file';
    if (status.size !== bytes) return `has ${status.size} of ${bytes} bytes`;
    return (await sha256Of(file)) === sha256 ? undefined : 'has changed since it was written: its SHA-256 differs';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'is missing' : `cannot be read (${message})`;
  }
}
