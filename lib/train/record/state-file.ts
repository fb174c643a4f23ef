/** `trainer_state.json`, as Hugging Face's Trainer leaves it. */
import { StorageError } from '../../errors';
import { saveTrainerState } from '../../metrics';
import type { TrainEvent } from '../events';
import type { Training } from '../training';

/** Writes it at each checkpoint and when training ends, however. */
export class StateFile {
  readonly #folder: string;
  readonly #onFailure: (error: StorageError) => void;

  constructor(folder: string, onFailure: (error: StorageError) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
  }

  async onEvent({ type }: TrainEvent, { state }: Training): Promise<void> {
    if ((type !== 'checkpoint' && type !== 'end') || state.globalStep === 0) return;
    try {
      await saveTrainerState(this.#folder, state);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#onFailure(error);
    }
  }
}
