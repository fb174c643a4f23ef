/** The models that a training leaves behind. */
import { rm } from 'node:fs/promises';
import path from 'node:path';

import { replaceFolder } from '../files';

/** Where and how models are kept. The trainer knows no model family and no file format. Folders are replaced as a whole, never half-written. */
export interface Checkpoints {
  /** Folder of the best model so far. */
  best: string;
  /** Folder of the model as training ended, also when it was stopped or diverged. Beside it, in `checkpoints/step-N`, the models that `keepLast` asks for. */
  last: string;
  /** Writes the model into an empty folder. */
  save(folder: string): Promise<void>;
  /** Reads the model's weights back. */
  restore(folder: string): Promise<void>;
}

/** Writes them. */
export class CheckpointKeeper {
  readonly #checkpoints: Checkpoints;
  readonly #count: number;
  readonly #recent: string[] = [];

  /** @param count how many recent models are kept beside the best and the last */
  constructor(checkpoints: Checkpoints, count: number) {
    this.#checkpoints = checkpoints;
    this.#count = count;
  }

  /** Folders of the recent models, the oldest first. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /** Folder of the last model. */
  get last(): string {
    return this.#checkpoints.last;
  }

  async keepBest(): Promise<string> {
    return this.#keep(this.#checkpoints.best);
  }

  async keepLast(): Promise<string> {
    return this.#keep(this.#checkpoints.last);
  }

  /** Keeps the model of this step among the recent ones, and drops the oldest when there are too many. */
  async keepRecent(step: number): Promise<void> {
    if (this.#count === 0) return;
    const parent = path.join(path.dirname(path.resolve(this.#checkpoints.last)), 'checkpoints');
    this.#recent.push(await this.#keep(path.join(parent, `step-${step}`)));
    while (this.#recent.length > this.#count) await rm(this.#recent.shift()!, { recursive: true, force: true });
  }

  async restoreBest(): Promise<void> {
    await this.#checkpoints.restore(this.#checkpoints.best);
  }

  async #keep(folder: string): Promise<string> {
    await replaceFolder(folder, (empty) => this.#checkpoints.save(empty));
    return folder;
  }
}
