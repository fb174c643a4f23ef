/** Trains a model as its events are read, and lets the rest of the process see and steer it. */
import { EventEmitter } from 'node:events';

import { checkArgument } from '../arguments';
import { AbortError, ArgumentError, StorageError } from '../errors';
import type { TrainerState } from '../metrics';
import { native } from '../native';
import type { Module } from '../nn';
import { deterministicScope } from '../tensor';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from './config';
import { Control } from './control';
import { courseOf, type Course } from './course';
import type { TrainingPlan, TrainingPosition } from './data';
import { EventReader } from './event-reader';
import type { CheckpointEvent, EndEvent, EndReason, StepEvent, TrainEvent } from './events';
import { refuseNonFinite, refuseNonFiniteEvaluation } from './guards/non-finite';
import type { LanguageModel, TranslationModel } from './model';
import { Audience, stopWaitingForCaller } from './observer';
import type {
  ModuleTrainerOptions,
  PairTrainerOptions,
  RunOptions,
  StreamTrainerOptions,
  TrainerOptions,
} from './options';
import { Progress } from './progress';
import { Recorder } from './record';
import { Saving } from './saving';
import { learningRates } from './schedule';
import type { TrainStep } from './steps/step';

/** What can be listened to: each kind of event by its type, and all of them as `event`. */
export type TrainerEvents = {
  [Type in TrainEvent['type']]: [event: Extract<TrainEvent, { type: Type }>, trainer: Trainer];
} & { event: [event: TrainEvent, trainer: Trainer] };

/**
 * Trains a model as its events are read:
 *
 *     for await (const event of new Trainer(model, { data, epochs: 5 })) if (event.type === 'evaluation') ...
 *
 * or all by itself, with `run()`. Meanwhile anything in the process may listen to it and steer it: `on`, `pause`, `continue`, `checkpoint`,
 * `learningRate`, `stop`. Listeners, like observers, are told before the reader, and training waits for their promises.
 *
 * Each step of a native model is one job on the compute thread. The same seed gives the same losses, to the bit. Leaving the loop early
 * stops the training after the step at hand.
 *
 * @throws ConfigError for options that cannot be run, ArgumentError, DataError, and while it runs AbortError, NonFiniteError (the weights
 *   are still those of the step before), DataError, ObserverError.
 */
export class Trainer<Net extends Module = Module, Batch = unknown>
  extends EventEmitter<TrainerEvents>
  implements AsyncIterable<TrainEvent>
{
  readonly config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly plan: TrainingPlan;
  readonly #course: Course;
  readonly #options: RunOptions;
  readonly #recorder: Recorder;
  readonly #audience: Audience;
  readonly #progress: Progress;
  readonly #control = new Control();
  /** Once it has begun, where it has a folder. */
  #saving: Saving | undefined;
  #learningRate: number;
  /** The same, once it was set; null while it is the config's. */
  #setRate: number | null = null;
  #rateOf: (steps: number) => number;
  #reader: EventReader<TrainEvent> | undefined;
  #end: EndEvent | undefined;

  constructor(model: LanguageModel, options: TrainerOptions);
  constructor(model: LanguageModel, options: StreamTrainerOptions);
  constructor(model: TranslationModel, options: PairTrainerOptions);
  constructor(net: Net, options: ModuleTrainerOptions<Net, Batch>);
  constructor(
    model: Module,
    options: TrainerOptions | StreamTrainerOptions | PairTrainerOptions | ModuleTrainerOptions<Net, Batch>,
  ) {
    super();
    checkArgument(options, 'object', 'The options of a Trainer, such as { data, epochs: 3 },');
    const course = courseOf(model, options);
    const { config, data } = course;
    const inFolder =
      config.loadBestModelAtEnd || config.averageLast !== undefined || (options.resume ?? false) !== false;
    if (inFolder && options.out === undefined)
      throw new ArgumentError('loadBestModelAtEnd, averageLast and resume need `out`, the folder of the run.');
    this.config = config;
    this.plan = data.plan;
    this.#course = course;
    this.#options = options;
    this.#recorder = new Recorder(course, options);
    this.#audience = new Audience(this, [...this.#recorder.observers, ...(options.observers ?? [])]);
    this.#learningRate = course.learningRate;
    this.#rateOf = learningRates({ ...config, learningRate: course.learningRate }, data.plan);
    this.#progress = new Progress(config, data);
  }

  /** Where the training stands, with the fields of Hugging Face's `trainer_state.json`. */
  get state(): TrainerState {
    return this.#progress.state;
  }

  /** Seconds of training so far, those before it was resumed included; pauses are not. */
  get elapsed(): number {
    return this.#progress.elapsed;
  }

  /** What the next step begins with. */
  get position(): TrainingPosition {
    return this.plan.positionAfter(this.state.globalStep);
  }

  /** The highest learning rate, which the schedule scales. Set, it holds from the next step on, and is kept in checkpoints. */
  get learningRate(): number {
    return this.#learningRate;
  }

  /** @throws ArgumentError unless it is a finite number from 0 on */
  set learningRate(learningRate: number) {
    if (typeof learningRate !== 'number' || !(learningRate >= 0 && learningRate < Infinity))
      throw new ArgumentError(`learningRate must be a finite number from 0 on, not ${String(learningRate)}.`);
    this.#rateOf = learningRates({ ...this.config, learningRate }, this.plan);
    this.#learningRate = this.#setRate = learningRate;
  }

  /** Whether `pause()` was asked for, and `continue()` not since. */
  get isPaused(): boolean {
    return this.#control.paused;
  }

  /** Trains to the end. @throws as reading the events does */
  async run(): Promise<EndEvent> {
    for await (const event of this) if (event.type === 'end') return event;
    throw new AbortError('The training was stopped by another reader of its events.');
  }

  /** Rests when the step at hand, and an evaluation after it, is done. @throws ArgumentError unless the training is going on */
  async pause(): Promise<void> {
    const reader = this.#going('paused');
    await drawUntil(reader, this.#control.pause());
  }

  /** Ends a pause. */
  continue(): void {
    this.#control.continue();
  }

  /**
   * Writes a checkpoint when the step at hand, and an evaluation after it, is done; in a pause, now.
   * @returns its folder
   * @throws ArgumentError unless the training is going on and has a place for checkpoints
   */
  async checkpoint(): Promise<string> {
    const reader = this.#going('saved');
    if (this.#options.out === undefined)
      throw new ArgumentError('This Trainer has no place for checkpoints: give it `out`.');
    return drawUntil(reader, this.#control.checkpoint());
  }

  /**
   * Ends the training in good order when the step at hand is done: saves, and tells `end` with reason `stopped`. The events not read yet
   * can still be read. Once training is over it gives the event that ended it.
   *
   * @throws ArgumentError where the training has not begun, or has ended with an error
   */
  async stop(): Promise<EndEvent> {
    if (this.#end?.error === null) return this.#end;
    const reader = this.#going('stopped');
    return drawUntil(reader, this.#control.stop());
  }

  #going(what: string): EventReader<TrainEvent> {
    if (this.#reader === undefined)
      throw new ArgumentError(`A training that has not begun cannot be ${what}: read its events, or call run().`);
    if (this.#end !== undefined) throw new ArgumentError(`A training that is over cannot be ${what}.`);
    stopWaitingForCaller();
    return this.#reader;
  }

  [Symbol.asyncIterator](): AsyncIterator<TrainEvent, void, undefined> {
    if (this.#reader) throw new ArgumentError('This Trainer has already run; make a new one to train on.');
    const reader = (this.#reader = new EventReader(this.#events()));
    return {
      next: () => reader.next(),
      return: () => {
        void this.#control.stop().catch(() => undefined);
        return reader.return();
      },
    };
  }

  async *#events(): AsyncGenerator<TrainEvent, void, undefined> {
    let failure: Error | undefined;
    try {
      yield* this.#train();
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // Readers that left, and errors, come here without an end having been told.
      if (this.#end === undefined) await this.#endEarly(failure);
      this.#saving?.[Symbol.dispose]();
      await this.#audience.close();
      this.#control.end(this.#end!, failure);
    }
  }

  async *#train(): AsyncGenerator<TrainEvent, void, undefined> {
    const { data, config } = this.#course;
    const { out, signal } = this.#options;
    await data.check(signal);
    if (out !== undefined) this.#saving = await Saving.open(this.#course, this.#progress, { ...this.#options, out });
    using _deterministic = config.deterministic ? deterministicScope() : null;
    native.manualSeed(config.seed);
    await using step = this.#course.open(this.state.globalStep);
    await this.#resume(step);
    yield* this.#begin();
    let reason: EndReason = 'failed';
    let failure: Error | undefined;
    try {
      if (config.sanity && this.state.globalStep === 0) yield* this.#checkSanity();
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
    const { globalStep: step } = this.state;
    const parameters = [...model.parameters()].reduce((sum, { numel }) => sum + numel, 0);
    const { totalSteps } = this.plan;
    yield this.#tell({ type: 'start', step, totalSteps, config, parameters, resumedFrom: resumed?.folder ?? null });
    for (const message of resumed?.warnings ?? []) yield this.#tell({ type: 'warning', step, message });
    // Whoever was told may have drawn random numbers.
    if (resumed) this.#saving!.putBack();
  }

  async *#steps(step: TrainStep): AsyncGenerator<TrainEvent, EndReason, undefined> {
    // A training that was stopped in the middle of an evaluation makes up for it.
    if (this.state.globalStep > 0) yield* this.#complete(step);
    for (;;) {
      yield* this.#answer(step);
      if (this.#control.stopping) return 'stopped';
      const reached = this.#progress.reached;
      if (reached !== null) return reached;
      const event = await this.#step(step);
      for (const message of this.#course.data.takeWarnings?.() ?? [])
        yield this.#tell({ type: 'warning', step: this.state.globalStep, message });
      if (event === undefined) return 'data-ended';
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
    const { globalStep: step } = this.state;
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
    const { globalStep: step, epoch } = this.state;
    const { evalEvery } = this.config;
    return evalEvery === 'epoch' ? Number.isInteger(epoch) : step % evalEvery === 0;
  }

  async #step(trainStep: TrainStep): Promise<StepEvent | undefined> {
    const steps = this.state.globalStep;
    const learningRate = this.#rateOf(steps);
    const start = performance.now();
    const step = steps + 1;
    const result = await this.#undoing(async () => {
      const made = await trainStep.run({ steps, learningRate, signal: this.#options.signal });
      if (made !== undefined) refuseNonFinite(step, made, learningRate);
      return made;
    });
    if (result === undefined) return undefined;
    const { nonFinite: _, ...told } = result;
    const { elapsed } = this.#progress;
    const { totalSteps } = this.plan;
    const epoch = this.plan.epochAfter(step);
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
    const { globalStep: step, epoch } = this.state;
    const { sample, signal } = this.#options;
    // A model that learns a few batches by heart gets no better otherwise.
    const evaluation = this.config.overfit ? undefined : this.#course.data.evaluate?.(epoch, signal);
    if (evaluation === undefined) return null;
    const metrics = yield* this.#toldBatches(evaluation);
    trainStep.evaluated(metrics.eval_loss ?? NaN);
    const best = this.#progress.addEvaluation(metrics, this.#saving?.folderOf(step) ?? null);
    const layerWeights = await this.#options.layerWeights?.();
    yield this.#tell({ type: 'evaluation', step, metrics, best, ...(layerWeights && { layerWeights }) });
    if (sample) yield this.#tell({ type: 'sample', step, samples: await sample(signal) });
    return { best };
  }

  /** Tells an evaluation's batches. If it is broken off, or its reader leaves, nothing has changed. */
  /** Does once what comes after hundreds of steps, so that what fails there fails now. */
  async *#checkSanity(): AsyncGenerator<TrainEvent, void, undefined> {
    const { sample, signal } = this.#options;
    const metrics = yield* this.#toldBatches(this.#course.data.evaluate!(0, signal));
    refuseNonFiniteEvaluation(metrics);
    this.#progress.addSanity(metrics);
    yield this.#tell({ type: 'evaluation', step: 0, metrics, best: false });
    if (sample) yield this.#tell({ type: 'sample', step: 0, samples: await sample(signal) });
  }

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
    const { globalStep } = this.state;
    const isLast = reason === 'end' || reason === 'stopped';
    if (asked.length === 0 && (!this.#saving?.isDue(this.#setRate) || (isLast && globalStep === 0))) return;
    try {
      const event = await this.#checkpoint(step, reason);
      for (const { resolve } of asked) resolve(event.folder);
      yield event;
    } catch (error) {
      for (const { reject } of asked) reject(error);
      if (isLast || this.config.onSaveFailure === 'stop') throw error;
      this.#progress.withdraw();
      const message = `No checkpoint could be written after step ${globalStep}: ${(error as Error).message}`;
      yield this.#tell({ type: 'warning', step: globalStep, message });
    }
  }

  async #checkpoint(step: TrainStep, reason: CheckpointEvent['reason']): Promise<CheckpointEvent> {
    const saving = this.#saving!;
    const { globalStep } = this.state;
    await this.#audience.flush();
    const folder = saving.isDue(this.#setRate) ? await saving.save(step, this.#setRate) : saving.folderOf(globalStep);
    return this.#tell({
      type: 'checkpoint',
      step: globalStep,
      folder,
      reason,
      best: this.#progress.best?.step === globalStep,
    });
  }

  /** Saves the last whole step of a training that ended otherwise than by its limits. @throws StorageError that tells both faults */
  async #saveBrokenOff(step: TrainStep, failure: Error | undefined): Promise<void> {
    if (this.state.globalStep === 0 || !this.#saving?.isDue(this.#setRate) || failure instanceof StorageError) return;
    try {
      await this.#checkpoint(step, 'stopped');
    } catch (error) {
      if (failure === undefined) throw error;
      throw new StorageError(`${failure.message} And the last step could not be saved: ${(error as Error).message}`, {
        cause: failure,
      });
    }
  }

  async #restoreBest(): Promise<void> {
    const { bestGlobalStep, globalStep } = this.state;
    if (!this.config.loadBestModelAtEnd || bestGlobalStep === null || bestGlobalStep === globalStep) return;
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
    this.#end = { type: 'end', step: this.state.globalStep, reason, error, metrics, best, recent, targets };
    return this.#end;
  }

  /** Tells the end of a training whose reader will not: the error that ended it is what counts, should telling fail too. */
  async #endEarly(failure: Error | undefined): Promise<void> {
    const isFailed = failure !== undefined && !(failure instanceof AbortError);
    const end = this.#endWith(isFailed ? 'failed' : 'stopped', isFailed ? failure.message : null);
    await this.#tell(end).catch((error: unknown) => {
      if (failure === undefined) throw error;
    });
  }

  #stopped(error: AbortError): AbortError {
    const { globalStep, maxSteps } = this.state;
    const kept = this.#saving !== undefined && globalStep > 0 ? ` It can be resumed from ${this.#saving.latest}.` : '';
    return new AbortError(`Training was stopped after step ${globalStep} of ${maxSteps}.${kept}`, { cause: error });
  }
}

/** Lets the training go on until what was asked is done. */
async function drawUntil<T>(reader: EventReader<TrainEvent>, asked: Promise<T>): Promise<T> {
  let done = false;
  const settled = asked.finally(() => {
    done = true;
  });
  const drawn = (async () => {
    while (await reader.draw(() => !done));
    return asked;
  })();
  return Promise.race([settled, drawn]);
}
