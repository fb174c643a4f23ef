/** When a training is saved, and how it goes on from what was saved. */
import path from 'node:path';

import { ArgumentError, CheckpointError } from '../errors';
import { makeFolder } from '../files';
import type { JsonObject, JsonValue } from '../json';
import type { Device } from '../tensor';
import {
  CheckpointKeeper,
  checkpointNames,
  clearLeftovers,
  fillTraining,
  findResumable,
  generatorsOf,
  latestName,
  lockRun,
  StepBeginning,
  type ModelFiles,
  type Resumable,
  type TrainingParts,
} from './checkpoints';
import type { Course } from './course';
import type { CheckpointEvent } from './events';
import { modelFilesOf } from './model-files';
import type { RunOptions } from './options';
import type { Progress } from './progress';
import { comparedEnvironment, comparedSettings, environmentOf, settingsOf } from './settings';
import type { TrainStep } from './steps/step';

type Reason = CheckpointEvent['reason'];

/** What of a checkpoint is the trainer's own. */
interface SavedCourse {
  progress: JsonValue;
  /** Where the data are. */
  data: JsonValue;
  /** The highest rate, where it was set while training. */
  learningRate: number | null;
}

/** What a training goes on from. */
export interface Resumption {
  /** Steps made before. */
  step: number;
  /** The checkpoint's folder. */
  folder: string;
  /** The highest rate, where it was set while training. */
  learningRate: number | null;
  /** What the user had better know, in words. */
  warnings: string[];
}

/** The saving of one training, which has its run's folder for itself until this is disposed. */
export class Saving implements Disposable {
  /** Null where training begins anew. */
  resumed: Resumption | null = null;
  readonly #course: Course;
  readonly #progress: Progress;
  readonly #files: ModelFiles;
  readonly #keeper: CheckpointKeeper;
  readonly #generators: readonly Device[];
  readonly #settings: JsonObject;
  readonly #environment: JsonObject;
  readonly #beginning: StepBeginning;
  readonly #lock: Disposable;
  #found: Resumable | undefined;
  /** What was saved last, to see whether anything has changed since; and when. */
  #last = '';
  #savedAt = performance.now();

  private constructor(course: Course, progress: Progress, run: string, files: ModelFiles, lock: Disposable) {
    const { model, config } = course;
    this.#course = course;
    this.#progress = progress;
    this.#files = files;
    this.#keeper = new CheckpointKeeper(run, files, config.keepLast);
    const device = [...model.parameters()][0]?.device ?? 'cpu';
    this.#generators = generatorsOf(device);
    this.#settings = settingsOf(course);
    this.#environment = environmentOf(device);
    this.#beginning = new StepBeginning(model, this.#generators);
    this.#lock = lock;
  }

  /**
   * Takes the run's folder, and takes up the progress of the newest whole checkpoint where training is to go on.
   * @throws ArgumentError for a folder where somebody trains or has trained, for none to go on in, and for other settings than before;
   *   CheckpointError when no checkpoint is whole; StorageError
   */
  static async open(course: Course, progress: Progress, options: RunOptions & { out: string }): Promise<Saving> {
    const { out: run, resume = false, allowChanges = false } = options;
    const files = modelFilesOf(course.model, options);
    await makeFolder(run);
    const lock = lockRun(run);
    let saving: Saving | undefined;
    try {
      const names = await checkpointNames(run);
      if (!resume && names.length > 0)
        throw new ArgumentError(
          `There is a training in ${run}: resume it (resume: true, --resume), or give another folder.`,
        );
      await clearLeftovers(run);
      const found = await findResumable(run);
      if (found === undefined && resume === true)
        throw new ArgumentError(`There is no checkpoint in ${run} to resume from.`);
      saving = new Saving(course, progress, run, files, lock);
      if (found !== undefined) await saving.#takeUp(found, allowChanges);
      return saving;
    } catch (error) {
      (saving ?? lock)[Symbol.dispose]();
      throw error;
    }
  }

  async #takeUp(found: Resumable, allowChanges: boolean): Promise<void> {
    const { folder, saved } = found;
    const changes = comparedSettings(found, this.#settings, allowChanges);
    const { progress, data, learningRate } = saved.progress as object as SavedCourse;
    await this.#course.data.restore(data, saved.step);
    this.#progress.restore(progress, (step) => this.#keeper.folderOf(step));
    const warnings = [...found.warnings, ...changes, ...comparedEnvironment(found, this.#environment)];
    const { best } = this.#progress;
    if (best !== null && !(await this.#keeper.has(best.step))) {
      this.#progress.forgetBest();
      warnings.push(
        `The best checkpoint so far, that of step ${best.step} with an eval_loss of ${best.loss}, is no longer in ${this.#keeper.run}: ` +
          'the next evaluation counts as the best.',
      );
    }
    this.#found = found;
    this.resumed = { step: saved.step, folder, learningRate, warnings };
  }

  /** Fills the model, the optimiser and the random generators with what was saved, and remembers it. */
  async fill(step: TrainStep): Promise<void> {
    if (this.#found === undefined || this.resumed === null) return;
    const { folder, saved } = this.#found;
    try {
      await this.#files.restore(folder);
      await fillTraining(folder, saved, this.#partsOf(step));
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      throw new CheckpointError(`The checkpoint ${folder} does not fit: ${error.message}`, { cause: error });
    }
    this.remember();
    await this.#keeper.goBackTo(saved.step, this.#progress.best?.step ?? null);
    this.#last = this.#stageAt(this.resumed.learningRate);
    this.#found = undefined;
  }

  #partsOf(step: TrainStep): TrainingParts {
    const { optimizer, scaler } = step;
    return { optimizer, scaler, others: step, generators: this.#generators };
  }

  /** Where the newest checkpoint can be found. */
  get latest(): string {
    return path.join(this.#keeper.run, latestName);
  }

  /** To be called before each step. */
  remember(): void {
    this.#beginning.remember();
  }

  /** Undoes what a step has changed that was broken off. */
  putBack(): void {
    this.#beginning.putBack();
  }

  /** Why there must be a checkpoint now, after a step and what belongs to it; null where there need not. */
  reasonAfter(evaluated: { best: boolean } | null, atEvaluation: boolean): Reason | null {
    const { globalStep: step, epoch } = this.#progress.state;
    const { saveEvery, averageLast } = this.#course.config;
    if (evaluated !== null && (evaluated.best || averageLast !== undefined)) return 'evaluation';
    if (saveEvery === 'evaluation') return atEvaluation ? 'evaluation' : null;
    if (saveEvery === 'epoch') return Number.isInteger(epoch) ? 'step' : null;
    if (typeof saveEvery === 'number') return step % saveEvery === 0 ? 'step' : null;
    return performance.now() - this.#savedAt >= saveEvery.minutes * 60_000 ? 'time' : null;
  }

  #courseAt(learningRate: number | null): SavedCourse {
    const data = this.#course.data.state(this.#progress.state.globalStep);
    return { progress: this.#progress.toJSON(), data, learningRate };
  }

  /** What all else of it follows from, but the clock, which never stands still. */
  #stageAt(learningRate: number | null): string {
    const { state, isEvaluated, best } = this.#progress;
    return JSON.stringify([state.globalStep, isEvaluated, best?.step, learningRate]);
  }

  /** Whether anything has changed since the last checkpoint. */
  isDue(learningRate: number | null): boolean {
    return this.#stageAt(learningRate) !== this.#last;
  }

  /** Writes a checkpoint. @returns its folder @throws StorageError; what was saved before is still there */
  async save(step: TrainStep, learningRate: number | null): Promise<string> {
    // Also where it fails: after so many minutes it is tried again, not after the next step.
    this.#savedAt = performance.now();
    const facts = {
      step: this.#progress.state.globalStep,
      settings: this.#settings,
      environment: this.#environment,
      progress: this.#courseAt(learningRate) as object as JsonValue,
    };
    const landmarks = { best: this.#progress.best?.step ?? null, recent: this.#progress.recent };
    const folder = await this.#keeper.save(facts, this.#partsOf(step), landmarks);
    this.#last = this.#stageAt(learningRate);
    this.#savedAt = performance.now();
    return folder;
  }

  async restoreBest(): Promise<void> {
    await this.#keeper.restoreBest();
  }

  /** The folder of a step's checkpoint. */
  folderOf(step: number): string {
    return this.#keeper.folderOf(step);
  }

  [Symbol.dispose](): void {
    this.#beginning[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }
}
