/** Trains a model as its events are read, and lets the rest of the process see and steer it. */
import { EventEmitter } from 'node:events';

import { checkArgument } from '../arguments';
import { AbortError, ArgumentError } from '../errors';
import type { TrainerState } from '../metrics';
import type { Module } from '../nn';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from './config';
import { Control } from './control';
import { courseOf } from './choose-course';
import type { TrainingPlan, TrainingPosition } from './data';
import { EventReader } from './event-reader';
import type { EndEvent, TrainEvent } from './events';
import { TrainingLoop } from './loop';
import type { LanguageModel, TranslationModel } from './model';
import { Audience, stopWaitingForCaller } from './observer';
import {
  checkRunOptions,
  type ModuleTrainerOptions,
  type PairTrainerOptions,
  type StreamTrainerOptions,
  type TrainerOptions,
} from './options';
import { Progress } from './progress';
import { Recorder } from './record';
import type { Training } from './training';

/** What can be listened to: each kind of event by its type, and all of them as `event`. */
export type TrainerEvents = {
  [Type in TrainEvent['type']]: [event: Extract<TrainEvent, { type: Type }>, training: Training];
} & { event: [event: TrainEvent, training: Training] };

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
  implements AsyncIterable<TrainEvent>, Training
{
  readonly config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly plan: TrainingPlan;
  readonly #hasFolder: boolean;
  readonly #progress: Progress;
  readonly #control = new Control();
  readonly #loop: TrainingLoop;
  #reader: EventReader<TrainEvent> | undefined;

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
    checkRunOptions(options);
    const course = courseOf(model, options);
    const { config, data } = course;
    if ((config.loadBestModelAtEnd || config.averageLast !== undefined) && options.out === undefined)
      throw new ArgumentError('loadBestModelAtEnd and averageLast need `out`, the folder of the run.');
    this.config = config;
    this.plan = data.plan;
    this.#hasFolder = options.out !== undefined;
    const progress = (this.#progress = new Progress(config, data));
    const recorder = new Recorder(course, options);
    const audience = new Audience(this, [...recorder.observers, ...(options.observers ?? [])]);
    this.#loop = new TrainingLoop({ course, options, progress, control: this.#control, recorder, audience });
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
    return this.#loop.learningRate;
  }

  /** @throws ArgumentError unless it is a finite number from 0 on */
  set learningRate(learningRate: number) {
    if (typeof learningRate !== 'number' || !(learningRate >= 0 && learningRate < Infinity))
      throw new ArgumentError(`learningRate must be a finite number from 0 on, not ${String(learningRate)}.`);
    this.#loop.learningRate = learningRate;
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
    if (!this.#hasFolder) throw new ArgumentError('This Trainer has no place for checkpoints: give it `out`.');
    return drawUntil(reader, this.#control.checkpoint());
  }

  /**
   * Ends the training in good order when the step at hand is done: saves, and tells `end` with reason `stopped`. The events not read yet
   * can still be read. Once training is over it gives the event that ended it.
   *
   * @throws ArgumentError where the training has not begun, or has ended with an error
   */
  async stop(): Promise<EndEvent> {
    const { end } = this.#loop;
    if (end?.error === null) return end;
    const reader = this.#going('stopped');
    return drawUntil(reader, this.#control.stop());
  }

  #going(what: string): EventReader<TrainEvent> {
    if (this.#reader === undefined)
      throw new ArgumentError(`A training that has not begun cannot be ${what}: read its events, or call run().`);
    if (this.#loop.end !== undefined) throw new ArgumentError(`A training that is over cannot be ${what}.`);
    stopWaitingForCaller();
    return this.#reader;
  }

  [Symbol.asyncIterator](): AsyncIterator<TrainEvent, void, undefined> {
    if (this.#reader) throw new ArgumentError('This Trainer has already run; make a new one to train on.');
    const reader = (this.#reader = new EventReader(this.#loop.events()));
    return {
      next: () => reader.next(),
      return: () => {
        void this.#control.stop().catch(() => undefined);
        return reader.return();
      },
    };
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
