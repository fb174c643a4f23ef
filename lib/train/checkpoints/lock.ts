/** One training at a time in a run's folder. */
import { ArgumentError } from '../../errors';
import { native } from '../../native';
import { NativeObject } from '../../tensor';

/**
 * Takes a run's folder until it is disposed, or the process ends, however it does.
 * @throws ArgumentError while another training has it
 */
export function lockRun(run: string): NativeObject {
  const id = native.folderLock(run);
  if (id !== null) return new NativeObject(id, 'lock');
  throw new ArgumentError(`Another training is going on in ${run}; wait until it has ended, or give another folder.`);
}
