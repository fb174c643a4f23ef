/** A training itself: steps, evaluations and checkpoints one after another, and between them what is asked of it. */
import { AbortError, NonFiniteError, StorageError } from '../errors';
import { native } from '../native';
import { deterministicScope } from '../tensor';
import type { Control } from './control';
import type { Course } from './course';
import type { CheckpointEvent, EndEvent, EndReason, StepEvent, TrainEvent } from './events';
import { refuseNonFinite, nonFiniteEvaluation } from './guards/non-finite';
import type { Audience } from './observer';
import type { RunOptions } from './options';
import type { Progress } from './progress';
import type { Recorder } from './record';
import { Saving } from './saving';
import { learningRates } from './schedule';
import type { TrainStep } from './steps/step';

export interface LoopParts {
  course: Course;
  options: RunOptions;
  progress: Progress;
  control: Control;
  recorder: Recorder;
  audience: Audience;
}

export class TrainingLoop {
  readonly #course: Course;
  readonly #options: RunOptions;
  readonly #progress: Progress;
  readonly #control: Control;
  readonly #recorder: Recorder;
  readonly #audience: Audience;
  /** Once it has begun, where it has a folder. */
  #saving: Saving | undefined;
  /** Why the last checkpoint could not be written. */
  #unsaved: unknown;
  #learningRate: number;
  /** The same, once it was set; null while it is the config's. */
  #setRate: number | null = null;
  #rateOf: (steps: number) => number;
  /** What ended it, once it has ended. */
  end: EndEvent | undefined;

  /** @throws ConfigError for a schedule that does not fit the training's length */
  constructor({ course, options, progress, control, recorder, audience }: LoopParts) {
    this.#course = course;
    this.#options = options;
    this.#progress = progress;
    this.#control = control;
    this.#recorder = recorder;
    this.#audience = audience;
    this.#learningRate = course.learningRate;
    this.#rateOf = this.#ratesBelow(course.learningRate);
  }

  /** The highest rate, which the schedule scales. */
  get learningRate(): number {
    return this.#learningRate;
  }

  set learningRate(learningRate: number) {
    this.#rateOf = this.#ratesBelow(learningRate);
    this.#learningRate = this.#setRate = learningRate;
  }

  #ratesBelow(learningRate: number): (steps: number) => number {
    return learningRates({ ...this.#course.config, learningRate }, this.#course.data.plan);
  }

  /** Trains as they are drawn. */
  async *events(): AsyncGenerator<TrainEvent, void, undefined> {
    let failure: Error | undefined;
    try {
      yield* this.#train();
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      await this.#close(failure);
    }
  }

  /** Tells the end to those who have not been told it, and lets go of everything. @throws what fails on the way, unless training has failed before */
  async #close(failure: Error | undefined): Promise<void> {
    let error: unknown = failure;
    const attempt = (work: () => Promise<void>) => work().catch((caught: unknown) => void (error ??= caught));
    // Readers that left, and errors, come here without an end having been told.
    if (this.end === undefined) await attempt(() => this.#endEarly(failure));
    await attempt(() => this.#audience.close());
    this.#saving?.[Symbol.dispose]();
    this.#control.end(this.end!, error);
    await attempt(() => this.#audience.settle());
    if (failure === undefined && error !== undefined) throw error as Error;
  }

  async *#train(): AsyncGenerator<TrainEvent, void, undefined> {
    const { data, config } = this.#course;
    const { out, signal } = this.#options;
    await data.check(signal);
    if (out !== undefined) this.#saving = await Saving.open(this.#course, this.#progress, { ...this.#options, out });
    using _deterministic = config.deterministic ? deterministicScope() : null;
    native.manualSeed(config.seed);
    await using step = this.#course.open(this.#progress.state.globalStep);
    await this.#resume(step);
    yield* this.#begin();
    let reason: EndReason = 'failed';
    let failure: Error | undefined;
    try {
      if (config.sanity && this.#progress.state.globalStep === 0) yield* this.#checkSanity();
      reason = yield* this.#steps(step);
      if (reason !== 'stopped' && !this.#progress.isEvaluated) yield* this.#evaluate(step);
      yield* this.#save(step, reason === 'stopped' ? 'stopped' : 'end');
    } catch (error) {
      failure = error as Error;
    } finally {
      // However it ended, also when the reader leaves the loop, the last whole step is not lost.
      await this.#saveBrokenOff(step, failure);
    }
    if (failure !== undefined) throw failure instanceof AbortError ? this.#stopped(failure) : failure;
    if (reason !== 'stopped') {
      this.#progress.checkLearned();
      await this.#restoreBest();
    }
    yield this.#tell(this.#endWith(reason, null));
  }

  /** Fills everything with what was saved, where there is a checkpoint to go on from. */
  async #resume(step: TrainStep): Promise<void> {
    const resumed = this.#saving?.resumed;
    if (!resumed) return;
    await this.#saving!.fill(step);
    if (resumed.learningRate !== null) this.learningRate = resumed.learningRate;
  }

  async *#begin(): AsyncGenerator<TrainEvent, void, undefined> {
    const { config, model } = this.#course;
    const resumed = this.#saving?.resumed ?? null;
    await this.#recorder.open(this.#options.signal);
    model.train();
    this.#progress.startClock();
    const { globalStep: step } = this.#progress.state;
    const parameters = [...model.parameters()].reduce((sum, { numel }) => sum + numel, 0);
    const { totalSteps } = this.#course.data.plan;
    yield this.#tell({ type: 'start', step, totalSteps, config, parameters, resumedFrom: resumed?.folder ?? null });
    for (const message of resumed?.warnings ?? []) yield this.#tell({ type: 'warning', step, message });
    // Whoever was told may have drawn random numbers.
    if (resumed) this.#saving!.putBack();
  }

  async *#steps(step: TrainStep): AsyncGenerator<TrainEvent, EndReason, undefined> {
    // A training that was stopped in the middle of an evaluation makes up for it.
    if (this.#progress.state.globalStep > 0) yield* this.#complete(step);
    for (;;) {
      yield* this.#answer(step);
      if (this.#control.stopping) return 'stopped';
      const reached = this.#progress.reached;
      if (reached !== null) return reached;
      const event = await this.#step(step);
      for (const message of this.#course.data.takeWarnings?.() ?? [])
        yield this.#tell({ type: 'warning', step: this.#progress.state.globalStep, message });
      if (event === undefined && this.#control.stopping) return 'stopped';
      if (event === undefined) return this.#course.data.endReason;
      yield this.#tell(event);
      yield* this.#complete(step);
    }
  }

  /** What belongs to a step that was made: an evaluation and a checkpoint, where they are due. */
  async *#complete(step: TrainStep): AsyncGenerator<TrainEvent, void, undefined> {
    const isEvaluated = this.#isEvaluated();
    const evaluation = isEvaluated && !this.#progress.isEvaluated ? yield* this.#evaluate(step) : null;
    const reason = this.#saving?.reasonAfter(evaluation, isEvaluated) ?? null;
    if (reason !== null) yield* this.#save(step, reason);
  }

  /** Does between two steps what was asked for. */
  async *#answer(trainStep: TrainStep): AsyncGenerator<TrainEvent, void, undefined> {
    const { signal } = this.#options;
    const { globalStep: step } = this.#progress.state;
    let rested = false;
    for (;;) {
      const asked = this.#control.takeCheckpoints();
      if (asked.length > 0) yield* this.#save(trainStep, 'asked', asked);
      if (!this.#control.paused || signal?.aborted) break;
      if (!rested) {
        rested = true;
        this.#progress.stopClock();
        const event = await this.#tell({ type: 'paused', step });
        this.#control.rests();
        yield event;
      } else await this.#control.change(signal);
    }
    if (!rested) return;
    this.#progress.startClock();
    yield this.#tell({ type: 'continued', step });
  }

  /** Whether the model is to be evaluated after the step that was made. */
  #isEvaluated(): boolean {
    const { globalStep: step, epoch } = this.#progress.state;
    const { evalEvery } = this.#course.config;
    return evalEvery === 'epoch' ? Number.isInteger(epoch) : step % evalEvery === 0;
  }

  async #step(trainStep: TrainStep): Promise<StepEvent | undefined> {
    const steps = this.#progress.state.globalStep;
    const learningRate = this.#rateOf(steps);
    const start = performance.now();
    const step = steps + 1;
    const result = await this.#undoing(async () => {
      const made = await trainStep.run({
        steps,
        learningRate,
        signal: this.#options.signal,
        stopped: this.#control.stopped,
      });
      if (made !== undefined) refuseNonFinite(step, made, learningRate);
      return made;
    });
    if (result === undefined) return undefined;
    const { nonFinite: _, ...told } = result;
    const { elapsed } = this.#progress;
    const { totalSteps } = this.#course.data.plan;
    const epoch = this.#course.data.plan.epochAfter(step);
    const seconds = (performance.now() - start) / 1000;
    const speed = this.#recorder.measure({ step, totalSteps, tokens: result.tokens, seconds, elapsed });
    const event: StepEvent = {
      type: 'step',
      step,
      totalSteps,
      epoch,
      learningRate,
      seconds,
      elapsed,
      ...speed,
      ...told,
    };
    this.#progress.addStep(event);
    this.#progress.log(event);
    return event;
  }

  /** Does what changes random generators and buffers; if it is broken off, nothing has changed. */
  async #undoing<T>(work: () => Promise<T>): Promise<T> {
    this.#saving?.remember();
    try {
      return await work();
    } catch (error) {
      this.#saving?.putBack();
      throw error;
    }
  }

  /** @returns null where there is nothing to evaluate on */
  async *#evaluate(trainStep: TrainStep): AsyncGenerator<TrainEvent, { best: boolean } | null, undefined> {
    const { globalStep: step, epoch } = this.#progress.state;
    const { sample, signal } = this.#options;
    // A model that learns a few batches by heart gets no better otherwise.
    const evaluation = this.#course.config.overfit ? undefined : this.#course.data.evaluate?.(epoch, signal);
    if (evaluation === undefined) return null;
    const metrics = yield* this.#toldBatches(evaluation);
    trainStep.evaluated(metrics.eval_loss ?? NaN);
    const best = this.#progress.addEvaluation(metrics, this.#saving?.folderOf(step) ?? null);
    const layerWeights = await this.#options.layerWeights?.();
    yield this.#tell({ type: 'evaluation', step, metrics, best, ...(layerWeights && { layerWeights }) });
    const problem = nonFiniteEvaluation(metrics);
    if (problem !== null) yield this.#tell({ type: 'warning', step, message: problem });
    if (sample) yield this.#tell({ type: 'sample', step, samples: await sample(signal) });
    return { best };
  }

  /** Does once what comes after hundreds of steps, so that what fails there fails now. */
  async *#checkSanity(): AsyncGenerator<TrainEvent, void, undefined> {
    const { sample, signal } = this.#options;
    const metrics = yield* this.#toldBatches(this.#course.data.evaluate!(0, signal));
    const problem = nonFiniteEvaluation(metrics);
    if (problem !== null) throw new NonFiniteError(`Before training: ${problem}`);
    this.#progress.addSanity(metrics);
    yield this.#tell({ type: 'evaluation', step: 0, metrics, best: false });
    if (sample) yield this.#tell({ type: 'sample', step: 0, samples: await sample(signal) });
  }

  /** Tells an evaluation's batches. If it is broken off, or its reader leaves, nothing has changed. */
  async *#toldBatches<Event extends TrainEvent, Result>(
    events: AsyncGenerator<Event, Result, undefined>,
  ): AsyncGenerator<Event, Result, undefined> {
    this.#saving?.remember();
    let isWhole = false;
    try {
      for (;;) {
        const next = await events.next();
        if (next.done) {
          isWhole = true;
          return next.value;
        }
        yield this.#tell(next.value);
      }
    } finally {
      await events.return(undefined as Result);
      if (!isWhole) this.#saving?.putBack();
    }
  }

  /** Writes a checkpoint, unless nothing has changed since the last. @param asked - those who wait for it */
  async *#save(
    step: TrainStep,
    reason: CheckpointEvent['reason'],
    asked: ReturnType<Control['takeCheckpoints']> = [],
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { globalStep } = this.#progress.state;
    const isLast = reason === 'end' || reason === 'stopped';
    if (asked.length === 0 && (!this.#saving?.isDue(this.#setRate) || (isLast && globalStep === 0))) return;
    let folder: string;
    try {
      folder = await this.#write(step);
    } catch (error) {
      this.#unsaved = error;
      for (const { reject } of asked) reject(error);
      if (isLast || this.#course.config.onSaveFailure === 'stop') throw error;
      this.#progress.withdraw();
      const message = `No checkpoint could be written after step ${globalStep}: ${(error as Error).message}`;
      yield this.#tell({ type: 'warning', step: globalStep, message });
      return;
    }
    for (const { resolve } of asked) resolve(folder);
    yield this.#tellCheckpoint(folder, reason);
  }

  /** @returns the folder of the checkpoint, which is the last one where nothing has changed since */
  async #write(step: TrainStep): Promise<string> {
    await this.#audience.flush();
    const saving = this.#saving!;
    return saving.isDue(this.#setRate)
      ? saving.save(step, this.#setRate)
      : saving.folderOf(this.#progress.state.globalStep);
  }

  #tellCheckpoint(folder: string, reason: CheckpointEvent['reason']): Promise<CheckpointEvent> {
    const { globalStep: step } = this.#progress.state;
    return this.#tell({ type: 'checkpoint', step, folder, reason, best: this.#progress.best?.step === step });
  }

  /** Saves the last whole step of a training that ended otherwise than by its limits. @throws StorageError that tells both faults */
  async #saveBrokenOff(step: TrainStep, failure: Error | undefined): Promise<void> {
    if (this.#progress.state.globalStep === 0 || !this.#saving?.isDue(this.#setRate)) return;
    if (failure !== undefined && failure === this.#unsaved) return;
    try {
      await this.#tellCheckpoint(await this.#write(step), 'stopped');
    } catch (error) {
      if (failure === undefined) throw error;
      throw new StorageError(`${failure.message} And the last step could not be saved: ${(error as Error).message}`, {
        cause: failure,
      });
    }
  }

  async #restoreBest(): Promise<void> {
    const { bestGlobalStep, globalStep } = this.#progress.state;
    if (!this.#course.config.loadBestModelAtEnd || bestGlobalStep === null || bestGlobalStep === globalStep) return;
    await this.#saving?.restoreBest();
  }

  #tell<Event extends TrainEvent>(event: Event): Promise<Event> {
    return this.#audience.tell(event);
  }

  #endWith(reason: EndReason, error: string | null): EndEvent {
    const metrics = this.#progress.summarize();
    const recent = this.#progress.recent.map((step) => this.#saving!.folderOf(step));
    const { targets } = this.#progress.totals;
    const { best } = this.#progress;
    this.end = { type: 'end', step: this.#progress.state.globalStep, reason, error, metrics, best, recent, targets };
    return this.end;
  }

  async #endEarly(failure: Error | undefined): Promise<void> {
    const isFailed = failure !== undefined && !(failure instanceof AbortError);
    await this.#tell(this.#endWith(isFailed ? 'failed' : 'stopped', isFailed ? failure.message : null));
  }

  #stopped(error: AbortError): AbortError {
    const { globalStep, maxSteps } = this.#progress.state;
    const kept = this.#saving !== undefined && globalStep > 0 ? ` It can be resumed from ${this.#saving.latest}.` : '';
    return new AbortError(`Training was stopped after step ${globalStep} of ${maxSteps}.${kept}`, { cause: error });
  }
}
