/** `trainer_state.json`, as Hugging Face's Trainer leaves it. */
import { saveTrainerState } from '../../metrics';
import type { TrainEvent } from '../events';
import type { Training } from '../training';

/** Writes it at each checkpoint and when training ends, however. */
export class StateFile {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async onEvent({ type }: TrainEvent, { state }: Training): Promise<void> {
    if ((type === 'checkpoint' || type === 'end') && state.globalStep > 0) await saveTrainerState(this.#folder, state);
  }
}
