/** `metrics.jsonl`: every training with a folder writes one. */
import { rm } from 'node:fs/promises';
import path from 'node:path';

import type { StorageError } from '../../errors';
import { cutHistory, historyName, lineOf } from '../../metrics';
import type { TrainEvent } from '../events';
import type { Training } from '../training';
import { AppendedFile } from './appended-file';
import { recordOf, type RecordFacts } from './records';

/** Writes the file as the training goes on; one that is resumed goes on with what was so at its checkpoint. */
export class HistoryFile {
  readonly #facts: RecordFacts;
  readonly #onFailure: (error: StorageError) => void;
  #file: AppendedFile | undefined;

  constructor(facts: RecordFacts, onFailure: (error: StorageError) => void) {
    this.#facts = facts;
    this.#onFailure = onFailure;
  }

  async onEvent(event: TrainEvent, { elapsed: seconds, state: { epoch } }: Training): Promise<void> {
    // A training that is refused before it begins leaves the records of the one before as they are.
    if (event.type === 'start') this.#file = await this.#open(event.step);
    const record = recordOf(event, { seconds, epoch }, this.#facts);
    if (record !== undefined) this.#file?.add(Buffer.from(lineOf(record)));
  }

  async flush(): Promise<void> {
    await this.#file?.flush();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #open(step: number): Promise<AppendedFile> {
    const { folder } = this.#facts;
    const file = path.join(folder, historyName);
    if (step === 0) await rm(file, { force: true });
    else await cutHistory(folder, step);
    return AppendedFile.open(file, this.#onFailure);
  }
}
