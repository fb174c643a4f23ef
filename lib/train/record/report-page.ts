/** `report.html` in a run's folder, once its training is over. */
import path from 'node:path';

import { reportFolders, reportName } from '../../curves';
import { StorageError, TorchwrightError } from '../../errors';
import type { TrainEvent } from '../events';

/** Made of `metrics.jsonl`, so it comes after what writes that. */
export class ReportPage {
  readonly #folder: string;
  readonly #onFailure: (error: StorageError) => void;
  #hasBegun = false;

  constructor(folder: string, onFailure: (error: StorageError) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
  }

  onEvent({ type }: TrainEvent): void {
    this.#hasBegun ||= type === 'start';
  }

  async close(): Promise<void> {
    if (!this.#hasBegun) return;
    try {
      await reportFolders([this.#folder], path.join(this.#folder, reportName));
    } catch (error) {
      if (error instanceof StorageError) this.#onFailure(error);
      // Records that could not be written, or that somebody damaged: the training itself is none the worse.
      else if (error instanceof TorchwrightError)
        process.emitWarning(`There is no report of the training: ${error.message}`, 'TorchwrightWarning');
      else throw error;
    }
  }
}
