/** What a loader gives, as a Trainer's data: batches of whatever form a module's own loss takes. */
import { ArgumentError, CheckpointError, ConfigError, DataError } from '../../errors';
import type { JsonValue } from '../../json';
import type { Metrics } from '../../metrics';
import { epochsOf, type ModuleTrainConfig } from '../config';
import type { TrainingData, TrainingPlan } from '../data';
import { firstBatches } from '../guards/overfit-data';
import { planSteps } from '../plan';
import { fromTheBeginning, keepingPlace, type Batches, type ModuleSplits } from './batches';

type Evaluate = NonNullable<TrainingData['evaluate']>;

interface SavedPosition {
  epoch: number;
  batch: number;
  loader: JsonValue;
}

/** Takes a loader's batches one after another. No step goes on into the next epoch. */
export class ModuleData<Batch> implements TrainingData {
  readonly endReason = 'epochs';
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
    this.#config = config;
    this.#train = firstBatches(keepingPlace(train), config);
    this.#length = typeof this.#train.length === 'number' ? this.#train.length : null;
    if (this.#length === 0) throw new DataError('data.train is empty: there is no batch to learn from.');
    if (validation?.length === 0) throw new DataError('data.validation is empty: there is no batch to evaluate on.');
    this.plan = this.#makePlan();
    if (validation === train && train.restore !== undefined)
      throw new ArgumentError(
        'data.train and data.validation are one loader, which keeps one place: make one for each.',
      );
    const evaluated = validation && fromTheBeginning(validation);
    this.evaluate = evaluated ? (epoch, signal) => evaluate(evaluated, epoch, signal) : null;
  }

  #makePlan(): TrainingPlan {
    const live = {
      epochAfter: () => this.#epoch + (this.#length === null ? 0 : this.#batch / this.#length),
      positionAfter: () => ({ epoch: this.#epoch, batch: this.#batch }),
    };
    const { maxSteps = null, warmupRatio, evalEvery, saveEvery } = this.#config;
    const planned = this.#length === null ? null : planSteps(this.#length, { ...this.#config, batchSize: 1 });
    if (planned && Number.isFinite(planned.totalSteps)) return { ...planned, ...live };
    const unknown = (key: string, instead: string) =>
      new ConfigError(
        `train.${key}: how many steps there will be, or are in an epoch, nobody knows before; give ${instead}.`,
      );
    if (evalEvery === 'epoch') throw unknown('evalEvery', 'a number of steps');
    if (saveEvery === 'epoch') throw unknown('saveEvery', 'a number of steps');
    if (warmupRatio !== undefined && maxSteps === null) throw unknown('warmupRatio', 'warmupSteps or maxSteps');
    const warmupSteps = this.#config.warmupSteps ?? Math.ceil((warmupRatio ?? 0) * (maxSteps ?? 0));
    return { ...live, totalSteps: maxSteps, epochs: Number.isFinite(this.#epochs) ? this.#epochs : 1, warmupSteps };
  }

  /** Epochs to go through where their length is not known: else the plan's steps say when training is over. */
  get #epochs(): number {
    return this.#length === null ? Math.ceil(epochsOf(this.#config)) : Infinity;
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
      if (this.#epoch >= this.#epochs) return;
      const next = await this.#draw();
      if (next.done) {
        if (this.#length !== null) throw this.#wrongLength();
        if (this.#batch === 0) throw this.#noBatch();
        this.#endEpoch();
        if (count > 0) return;
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

  #noBatch(): DataError {
    const again = this.#epoch === 0 ? '' : ' A generator can be read only once: give what begins anew each time.';
    return new DataError(`data.train gave no batch in epoch ${this.#epoch}, counted from 0.${again}`);
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
