/** Writes the checkpoints of a run. */
import path from 'node:path';

import { CheckpointError } from '../../errors';
import { replaceFolder } from '../../files';
import { syncFolder, syncTree } from './durable';
import { bestName, checkpointName, checkpointsName, latestName, stepOf } from './layout';
import { linkedName, pointLink, removeLink } from './links';
import { readManifest, verify, writeManifest } from './manifest';
import { dropOld } from './retention';
import { writeTraining, type TrainingFacts, type TrainingParts } from './state';

/** How a model is written and read. The trainer knows no model family and no file format. */
export interface ModelFiles {
  /** Writes the model into an empty folder. */
  save: (folder: string) => Promise<void>;
  /** Reads the model's weights back. */
  restore: (folder: string) => Promise<void>;
}

/** The steps whose checkpoints matter, besides the newest. */
export interface Landmarks {
  /** With the lowest `eval_loss`. */
  best: number | null;
  /** Of the last evaluations, whose weights are to be averaged, the oldest first. */
  recent: readonly number[];
}

export class CheckpointKeeper {
  /** The run's folder. */
  readonly run: string;
  readonly #model: ModelFiles;
  readonly #keepLast: number;

  /** @param keepLast - how many of the newest checkpoints stay */
  constructor(run: string, model: ModelFiles, keepLast: number) {
    this.run = run;
    this.#model = model;
    this.#keepLast = keepLast;
  }

  /** The folder of a step's checkpoint. */
  folderOf(step: number): string {
    return path.join(this.run, checkpointsName, checkpointName(step));
  }

  /**
   * Writes a checkpoint: complete and on the disk before it has its name, then the links, then old ones go. Whenever the process is
   * killed, the checkpoint before is there.
   *
   * @returns its folder
   * @throws StorageError when the system has no room or gives no permission; checkpoints that were there stay as they are
   */
  async save(facts: TrainingFacts, parts: TrainingParts, { best, recent }: Landmarks): Promise<string> {
    const { step } = facts;
    const folder = this.folderOf(step);
    const needs = [...new Set([...(best === null ? [] : [best]), ...recent])].filter((each) => each !== step);
    await replaceFolder(folder, async (temporary) => {
      await this.#model.save(temporary);
      await writeTraining(temporary, facts, parts);
      await writeManifest(temporary, { step, needs: needs.map(checkpointName) });
      await syncTree(temporary);
    });
    await syncFolder(path.dirname(folder));
    await this.#link(step, best);
    await dropOld(this.run, { step, keepLast: this.#keepLast });
    return folder;
  }

  /** Lets the links lead where they led when this step's checkpoint was the newest. */
  async goBackTo(step: number, best: number | null): Promise<void> {
    await this.#link(step, best);
    const linked = await linkedName(this.run, bestName);
    if (best === null && linked !== undefined && stepOf(linked)! > step) await removeLink(this.run, bestName);
  }

  async #link(step: number, best: number | null): Promise<void> {
    await pointLink(this.run, latestName, checkpointName(step));
    if (best !== null) await pointLink(this.run, bestName, checkpointName(best));
  }

  /** Whether there is a checkpoint of this step. */
  async has(step: number): Promise<boolean> {
    return readManifest(this.folderOf(step)).then(
      () => true,
      () => false,
    );
  }

  /** @throws CheckpointError when the best checkpoint is damaged */
  async restoreBest(): Promise<void> {
    const folder = path.join(this.run, bestName);
    try {
      await verify(folder);
    } catch (error) {
      throw new CheckpointError(`The best checkpoint, ${folder}, is damaged: ${(error as Error).message}.`, {
        cause: error,
      });
    }
    await this.#model.restore(folder);
  }
}
