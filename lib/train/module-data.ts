/** What a loader gives, as a Trainer's data: batches of whatever form a module's own loss takes. */
import { checkArgument } from '../arguments';
import { ArgumentError, CheckpointError, ConfigError, DataError } from '../errors';
import type { JsonValue } from '../json';
import type { Metrics } from '../metrics';
import type { ModuleTrainConfig } from './config';
import type { TrainingData, TrainingPlan } from './data';
import { planSteps } from './plan';

/**
 * Gives the batches of an epoch, and of the next one when it is iterated again: an array of batches, a `DataLoader`, a stream, or anything
 * of your own with `[Symbol.iterator]` or `[Symbol.asyncIterator]`. A generator, which can be iterated only once, is one epoch.
 */
export type Batches<Batch> = (Iterable<Batch> | AsyncIterable<Batch>) & {
  /** Batches in an epoch, where that is known. */
  readonly length?: number | null;
  /** Where the next batch comes from, in this epoch or the next; called before each step. Without it, a resumed epoch leaves out the batches that were taken. */
  state?(): JsonValue;
  /** Makes the next iteration begin there. */
  restore?(state: JsonValue): void | Promise<void>;
};

export interface ModuleSplits<Batch> {
  train: Batches<Batch>;
  validation?: Batches<Batch> | undefined;
}

/** @throws ArgumentError */
export function checkBatches(data: unknown): void {
  const origin = 'such as { train: batches, validation: batches },';
  checkArgument(data, 'object', `The data of a Trainer with its own loss, ${origin}`);
  const { train, validation } = data as Partial<Record<string, unknown>>;
  for (const [name, batches] of Object.entries({ train, validation })) {
    if (name === 'validation' && batches === undefined) continue;
    const { [Symbol.iterator]: iterate, [Symbol.asyncIterator]: iterateAsync } = Object(batches) as Batches<unknown> &
      Partial<Iterable<unknown> & AsyncIterable<unknown>>;
    if (typeof batches === 'object' && (iterate !== undefined || iterateAsync !== undefined)) continue;
    throw new ArgumentError(
      `data.${name} gives no batches: an array of them, a DataLoader or another iterable is wanted.`,
    );
  }
}

type Evaluate = NonNullable<TrainingData['evaluate']>;

interface SavedPosition {
  epoch: number;
  batch: number;
  loader: JsonValue;
}

/** Takes a loader's batches one after another. No step goes on into the next epoch. */
export class ModuleData<Batch> implements TrainingData {
  readonly plan: TrainingPlan;
  readonly samples = null;
  readonly batchSize = null;
  readonly flopsPerToken = 0;
  readonly evaluate: TrainingData['evaluate'];
  readonly #train: Batches<Batch>;
  readonly #config: ModuleTrainConfig;
  /** Batches of an epoch; null where that is not known. */
  readonly #length: number | null;
  #iterator: Iterator<Batch> | AsyncIterator<Batch> | undefined;
  /** Where the step after so many finished ones began. */
  #begun: { steps: number; position: SavedPosition } | undefined;
  /** Where the next batch is. */
  #epoch = 0;
  #batch = 0;

  /** @param evaluate - evaluates on the validation batches, where there are any */
  constructor(
    { train, validation }: ModuleSplits<Batch>,
    config: ModuleTrainConfig,
    evaluate: (validation: Batches<Batch>, ...rest: Parameters<Evaluate>) => ReturnType<Evaluate>,
  ) {
    this.#train = train;
    this.#config = config;
    this.#length = typeof train.length === 'number' ? train.length : null;
    if (this.#length === 0) throw new DataError('data.train is empty: there is no batch to learn from.');
    if (validation?.length === 0) throw new DataError('data.validation is empty: there is no batch to evaluate on.');
    this.plan = this.#makePlan();
    this.evaluate = validation ? (epoch, signal) => evaluate(validation, epoch, signal) : null;
  }

  #makePlan(): TrainingPlan {
    const live = {
      epochAfter: () => this.#epoch + (this.#length === null ? 0 : this.#batch / this.#length),
      positionAfter: () => ({ epoch: this.#epoch, batch: this.#batch }),
    };
    if (this.#length !== null) return { ...planSteps(this.#length, { ...this.#config, batchSize: 1 }), ...live };
    const { maxSteps: totalSteps = null, warmupRatio, evalEvery } = this.#config;
    const unknown = (key: string, instead: string) =>
      new ConfigError(`train.${key}: how long an epoch of data.train is nobody knows before; give ${instead}.`);
    if (evalEvery === 'epoch') throw unknown('evalEvery', 'a number of steps');
    if (warmupRatio !== undefined && totalSteps === null) throw unknown('warmupRatio', 'warmupSteps or maxSteps');
    const warmupSteps = this.#config.warmupSteps ?? Math.ceil((warmupRatio ?? 0) * (totalSteps ?? 0));
    return { ...live, totalSteps, epochs: totalSteps === null ? this.#epochs : 1, warmupSteps };
  }

  /** Epochs to go through where their length is not known and no number of steps is given. */
  get #epochs(): number {
    const { maxSteps, epochs = 3 } = this.#config;
    return maxSteps === undefined ? Math.ceil(epochs) : Infinity;
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  state(steps: number): JsonValue {
    return { ...(this.#begun?.steps === steps ? this.#begun.position : this.#position()) };
  }

  #position(): SavedPosition {
    return { epoch: this.#epoch, batch: this.#batch, loader: this.#train.state?.() ?? null };
  }

  async restore(state: JsonValue): Promise<void> {
    const { epoch, batch, loader } = state as unknown as SavedPosition;
    if ((loader === null) !== (this.#train.state === undefined))
      throw new CheckpointError(
        'data.train keeps its own place, and that of the checkpoint did not, or the other way round: they are different loaders.',
      );
    this.#epoch = epoch;
    this.#batch = batch;
    if (loader !== null) return this.#train.restore?.(loader);
    for (let taken = 0; taken < batch; taken++) {
      if (!(await this.#draw()).done) continue;
      throw new CheckpointError(
        `data.train ends after ${taken} batches; of the checkpoint's, ${batch} had been taken.`,
      );
    }
  }

  /** The batches of the step that follows so many finished ones, drawn as they are taken. None where the data have ended. */
  async *step(steps: number): AsyncGenerator<Batch, void, undefined> {
    this.#begun = { steps, position: this.#position() };
    for (let count = 0; count < this.#config.accumulation; count++) {
      const next = await this.#draw();
      if (next.done) {
        if (this.#length !== null) throw this.#wrongLength();
        if (this.#batch === 0) throw new DataError(`data.train gave no batch in epoch ${this.#epoch}.`);
        this.#endEpoch();
        if (count > 0 || this.#epoch >= this.#epochs) return;
        count--;
        continue;
      }
      this.#batch++;
      yield next.value;
      if (this.#batch !== this.#length) continue;
      if (!(await this.#draw()).done) throw this.#wrongLength();
      return this.#endEpoch();
    }
  }

  #wrongLength(): DataError {
    return new DataError(
      `data.train.length is ${this.#length}, but epoch ${this.#epoch} ${this.#batch < this.#length! ? 'ended after' : 'has more than'} ${this.#batch}.`,
    );
  }

  #endEpoch(): void {
    this.#iterator = undefined;
    this.#epoch += 1;
    this.#batch = 0;
  }

  async #draw(): Promise<IteratorResult<Batch>> {
    this.#iterator ??= iteratorOf(this.#train);
    return this.#iterator.next();
  }

  metrics(): Metrics {
    return {};
  }

  /** Lets go of an epoch that is not read to its end. */
  async close(): Promise<void> {
    await this.#iterator?.return?.();
    this.#iterator = undefined;
  }
}

function iteratorOf<Batch>(batches: Batches<Batch>): Iterator<Batch> | AsyncIterator<Batch> {
  return Symbol.asyncIterator in batches
    ? batches[Symbol.asyncIterator]()
    : (batches as Iterable<Batch>)[Symbol.iterator]();
}
