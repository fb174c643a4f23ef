/** A header and tensors' bytes behind it: what safetensors and npy files are. */
import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';

import { AbortError, CheckpointError, StorageError } from '../../errors';
import { native } from '../../native';
import { withSignal } from '../job';
import type { Tensor } from '../tensor';

/**
 * Writes a file, whole or not at all, off the JavaScript thread.
 * @throws CheckpointError when there is no such folder, StorageError when the system has no room or gives no permission
 */
export async function writeTensors(
  file: string,
  header: Uint8Array,
  tensors: readonly Tensor[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  const handles = tensors.map(({ handle }) => handle);
  try {
    await withSignal(signal, (token) => native.tensorsSave(token, temporary, header, handles));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof AbortError) throw error;
    const reason = (error as Error).message.replace(`${temporary}: `, '');
    const Failure = error instanceof StorageError ? StorageError : CheckpointError;
    throw new Failure(`${file} cannot be written: ${reason}`, { cause: error });
  }
}
