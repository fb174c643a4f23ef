/** What a training does about a file of its record that cannot be written. */
import type { StorageError } from '../../errors';

/** As its checkpoints do: it stops, or goes on and warns; what could not be written is tried again later. */
export type OnSaveFailure = 'stop' | 'continue';

/** @returns what a file of the record tells its failures to; of several in a row only the first is warned of */
export function failureHandler(onSaveFailure: OnSaveFailure): (error: StorageError) => void {
  let warned = false;
  return (error) => {
    if (onSaveFailure === 'stop') throw error;
    if (!warned)
      process.emitWarning(`${error.message}. Training goes on, and tries again later.`, 'TorchwrightWarning');
    warned = true;
  };
}
