/** Trains a model as its events are read, and lets the rest of the process see and steer it. */
import { EventEmitter } from 'node:events';

import { checkArgument } from '../arguments';
import { AbortError, ArgumentError, NonFiniteError } from '../errors';
import type { TrainerState } from '../metrics';
import { native } from '../native';
import { CheckpointKeeper } from './checkpoints';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from './config';
import { Control } from './control';
import { courseOf, type Course } from './course';
import type { TrainingPlan, TrainingPosition } from './data';
import { EventReader } from './event-reader';
import type { EndEvent, EndReason, StepEvent, TrainEvent } from './events';
import type { LanguageModel, TranslationModel } from './model';
import { Audience, stopWaitingForCaller } from './observer';
import type { PairTrainerOptions, RunOptions, TrainerOptions } from './options';
import { Progress } from './progress';
import { learningRates } from './schedule';
import type { StepResult, TrainStep } from './steps/step';

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
export class Trainer extends EventEmitter<TrainerEvents> implements AsyncIterable<TrainEvent> {
  readonly config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly plan: TrainingPlan;
  readonly #course: Course;
  readonly #options: RunOptions;
  readonly #keeper: CheckpointKeeper | undefined;
  readonly #audience: Audience;
  readonly #progress: Progress;
  readonly #control = new Control();
  #learningRate: number;
  #rateOf: (steps: number) => number;
  #reader: EventReader<TrainEvent> | undefined;
  #end: EndEvent | undefined;

  constructor(model: LanguageModel, options: TrainerOptions);
  constructor(model: TranslationModel, options: PairTrainerOptions);
  constructor(model: LanguageModel | TranslationModel, options: TrainerOptions | PairTrainerOptions) {
    super();
    checkArgument(options, 'object', 'The options of a Trainer, such as { data, epochs: 3 },');
    const course = courseOf(model, options);
    const { config, data } = course;
    if ((config.loadBestModelAtEnd || config.keepLast !== undefined) && options.checkpoints === undefined) {
      throw new ArgumentError('loadBestModelAtEnd and keepLast need `checkpoints`, which say where models are kept.');
    }
    this.config = config;
    this.plan = data.plan;
    this.#course = course;
    this.#options = options;
    this.#keeper = options.checkpoints && new CheckpointKeeper(options.checkpoints, config.keepLast ?? 0);
    this.#audience = new Audience(this, options.observers ?? []);
    this.#learningRate = config.learningRate;
    this.#rateOf = learningRates(config, data.plan);
    this.#progress = new Progress(config, data);
  }

  /** Where the training stands, with the fields of Hugging Face's `trainer_state.json`. */
  get state(): TrainerState {
    return this.#progress.state;
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
    this.#learningRate = learningRate;
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
    if (this.#keeper === undefined)
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
      await this.#audience.close();
      this.#control.end(this.#end!, failure);
    }
  }

  async *#train(): AsyncGenerator<TrainEvent, void, undefined> {
    const { data, config, model } = this.#course;
    await data.check(this.#options.signal);
    native.manualSeed(config.seed);
    using step = this.#course.open(0);
    model.train();
    this.#progress.startClock();
    const parameters = [...model.parameters()].reduce((sum, { numel }) => sum + numel, 0);
    const { totalSteps } = this.plan;
    yield this.#tell({ type: 'start', step: 0, totalSteps, config, parameters, resumedFrom: null });
    let reason: EndReason;
    try {
      reason = yield* this.#steps(step);
      if (reason !== 'stopped' && !this.#progress.isEvaluated) yield* this.#evaluate();
    } catch (error) {
      throw error instanceof AbortError ? this.#stopped(error) : error;
    } finally {
      // However it ended, also when the reader leaves the loop: the weights of the last whole step are not lost.
      if (this.state.globalStep > 0) await this.#keepLast();
    }
    if (reason !== 'stopped') await this.#restoreBest();
    yield this.#tell(this.#endWith(reason, null));
  }

  async *#steps(step: TrainStep): AsyncGenerator<TrainEvent, EndReason, undefined> {
    for (;;) {
      yield* this.#answer();
      if (this.#control.stopping) return 'stopped';
      if (this.state.globalStep === this.plan.totalSteps)
        return this.config.maxSteps === undefined ? 'epochs' : 'steps';
      const event = await this.#step(step);
      if (event === undefined) return 'data-ended';
      yield this.#tell(event);
      if (this.#isEvaluated(event)) yield* this.#evaluate();
    }
  }

  /** Does between two steps what was asked for. */
  async *#answer(): AsyncGenerator<TrainEvent, void, undefined> {
    const { signal } = this.#options;
    const { globalStep: step } = this.state;
    let rested = false;
    for (;;) {
      const asked = this.#control.takeCheckpoints();
      if (asked.length > 0) {
        const folder = await this.#keepLast();
        for (const { resolve } of asked) resolve(folder!);
        yield this.#tell({ type: 'checkpoint', step, folder: folder!, reason: 'asked', best: false });
      }
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

  #isEvaluated({ step, epoch }: StepEvent): boolean {
    const { evalEvery } = this.config;
    return evalEvery === 'epoch' ? Number.isInteger(epoch) : step % evalEvery === 0;
  }

  async #step(trainStep: TrainStep): Promise<StepEvent | undefined> {
    const steps = this.state.globalStep;
    const learningRate = this.#rateOf(steps);
    const start = performance.now();
    const result = await trainStep.run({ steps, learningRate, signal: this.#options.signal });
    if (result === undefined) return undefined;
    const step = steps + 1;
    refuseNonFinite(step, result, learningRate);
    const { nonFinite: _, ...told } = result;
    const { elapsed } = this.#progress;
    const { totalSteps } = this.plan;
    const epoch = this.plan.epochAfter(step);
    const seconds = (performance.now() - start) / 1000;
    const event: StepEvent = { type: 'step', step, totalSteps, epoch, learningRate, seconds, elapsed, ...told };
    this.#progress.addStep(event);
    this.#progress.log(event);
    return event;
  }

  async *#evaluate(): AsyncGenerator<TrainEvent, void, undefined> {
    const { globalStep: step, epoch } = this.state;
    const { sample, signal } = this.#options;
    const evaluation = this.#course.data.evaluate?.(epoch, signal);
    if (evaluation === undefined) return;
    const metrics = yield* this.#toldBatches(evaluation);
    const best = this.#progress.addEvaluation(metrics);
    yield this.#tell({ type: 'evaluation', step, metrics, best });
    if (this.#keeper) yield* this.#keepEvaluated(this.#keeper, best);
    if (sample) yield this.#tell({ type: 'sample', step, samples: await sample(signal) });
  }

  async *#toldBatches<Event extends TrainEvent, Result>(
    events: AsyncGenerator<Event, Result, undefined>,
  ): AsyncGenerator<Event, Result, undefined> {
    try {
      for (;;) {
        const next = await events.next();
        if (next.done) return next.value;
        yield this.#tell(next.value);
      }
    } finally {
      await events.return(undefined as Result);
    }
  }

  async *#keepEvaluated(keeper: CheckpointKeeper, best: boolean): AsyncGenerator<TrainEvent, void, undefined> {
    const { globalStep: step } = this.state;
    await this.#audience.flush();
    await keeper.keepRecent(step);
    if (!best) return;
    const folder = await keeper.keepBest();
    this.#progress.state = { ...this.state, bestModelCheckpoint: folder };
    yield this.#tell({ type: 'checkpoint', step, folder, reason: 'evaluation', best });
  }

  async #keepLast(): Promise<string | undefined> {
    await this.#audience.flush();
    return this.#keeper?.keepLast();
  }

  async #restoreBest(): Promise<void> {
    const { bestModelCheckpoint, bestGlobalStep, globalStep } = this.state;
    if (!this.config.loadBestModelAtEnd || bestModelCheckpoint === null || bestGlobalStep === globalStep) return;
    await this.#keeper?.restoreBest();
  }

  #tell<Event extends TrainEvent>(event: Event): Promise<Event> {
    return this.#audience.tell(event);
  }

  #endWith(reason: EndReason, error: string | null): EndEvent {
    const metrics = this.#progress.summarize();
    const recent = [...(this.#keeper?.recent ?? [])];
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
    const kept =
      this.#keeper !== undefined && globalStep > 0 ? ` The weights of that step are in ${this.#keeper.last}.` : '';
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

function refuseNonFinite(step: number, { loss, gradNorm, nonFinite }: StepResult, learningRate: number): void {
  if (nonFinite === null) return;
  const where = nonFinite.parameter === null ? '' : ` ${nonFinite.parameter} is the first parameter that it shows in.`;
  throw new NonFiniteError(
    `Training diverged at step ${step}: the loss is ${loss} and the gradient norm ${gradNorm}, at learning rate ${learningRate}.${where} ` +
      'The weights were left as the step before made them. Lower train.learningRate, warm up longer, or clip with train.maxGradNorm.',
  );
}
