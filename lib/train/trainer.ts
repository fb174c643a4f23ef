/** Trains a native model on blocks of tokens or on sentence pairs, with the conventions of Hugging Face's Trainer. */
import { checkArgument } from '../arguments';
import { parseConfig } from '../config';
import { AbortError, ArgumentError, NonFiniteError } from '../errors';
import { trainingMetrics, type Metrics, type TrainerState } from '../metrics';
import { native, type NativeTrainStep } from '../native';
import { AdamW, decayGroups } from '../optim';
import { withSignal, type NativeObject } from '../tensor';
import { BlockData, type BlockSplits } from './block-data';
import { CheckpointKeeper, type Checkpoints } from './checkpoints';
import {
  autocastOf,
  pairTrainSchema,
  trainSchema,
  type PairTrainConfig,
  type PairTrainOptions,
  type TrainConfig,
  type TrainOptions,
} from './config';
import { checkSplits, type TrainingData, type TrainingPlan, type TrainingPosition, type TrainingTotals } from './data';
import type { EvaluationBatchEvent } from './evaluate';
import type { CheckpointEvent, EvaluationEvent, StepEvent, TrainEvent } from './events';
import { assertTrainable, type LanguageModel, type TranslationModel } from './model';
import { PairData, type PairSplits } from './pair-data';
import { learningRates } from './schedule';

interface RunOptions {
  /** Without it nothing is written. */
  checkpoints?: Checkpoints | undefined;
  /** Ends the training with an AbortError between two parts of a step; the weights of the last whole step are kept in `checkpoints.last`. */
  signal?: AbortSignal | undefined;
}

/** A language model's training on blocks of tokens. */
export interface TrainerOptions extends TrainOptions, RunOptions {
  data: BlockSplits;
}

/** A translation model's training on sentence pairs. */
export interface PairTrainerOptions extends PairTrainOptions, RunOptions {
  data: PairSplits;
}

/**
 * Trains a model as its events are read:
 *
 *     for await (const event of new Trainer(model, { data, epochs: 5 })) if (event.type === 'evaluation') ...
 *
 * Each step is one native job on the compute thread. The same seed gives the same losses, to the bit. Leaving the loop early
 * stops the training after the step at hand.
 *
 * @throws ConfigError for options that cannot be run, ArgumentError for a model written in TypeScript, DataError, and while it runs
 *   AbortError, NonFiniteError (the weights are still those of the step before), DataError.
 */
export class Trainer implements AsyncIterable<TrainEvent> {
  readonly config: TrainConfig | PairTrainConfig;
  readonly plan: TrainingPlan;
  readonly #model: LanguageModel | TranslationModel;
  readonly #data: TrainingData;
  readonly #keeper: CheckpointKeeper | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #rateOf: (steps: number) => number;
  readonly #totals: TrainingTotals = { loss: 0, nll: 0, samples: 0, targets: 0 };
  #state: TrainerState;
  #started = false;

  constructor(model: LanguageModel, options: TrainerOptions);
  constructor(model: TranslationModel, options: PairTrainerOptions);
  constructor(model: LanguageModel | TranslationModel, options: TrainerOptions | PairTrainerOptions) {
    assertTrainable(model);
    checkArgument(options, 'object', 'The options of a Trainer, such as { data, epochs: 3 },');
    const { checkpoints, signal } = options;
    const { config, data } = open(model, options);
    if ((config.loadBestModelAtEnd || config.keepLast !== undefined) && checkpoints === undefined) {
      throw new ArgumentError('loadBestModelAtEnd and keepLast need `checkpoints`, which say where models are kept.');
    }
    this.config = config;
    this.plan = data.plan;
    this.#model = model;
    this.#data = data;
    this.#keeper = checkpoints && new CheckpointKeeper(checkpoints, config.keepLast ?? 0);
    this.#signal = signal;
    this.#rateOf = learningRates(config, data.plan);
    this.#state = initialState(config, data);
  }

  /** Where the training stands, with the fields of Hugging Face's `trainer_state.json`. */
  get state(): TrainerState {
    return this.#state;
  }

  /** What the next step begins with. */
  get position(): TrainingPosition {
    return this.plan.positionAfter(this.#state.globalStep);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void, undefined> {
    if (this.#started) throw new ArgumentError('This Trainer has already run; make a new one to train on.');
    this.#started = true;
    const { totalSteps } = this.plan;
    await this.#data.check(this.#signal);
    native.manualSeed(this.config.seed);
    using optimizer = this.#makeOptimizer();
    using batches = this.#data.open();
    this.#model.train();
    const start = performance.now();
    const sinceLog = { loss: 0, nll: 0, steps: 0 };
    try {
      while (this.#state.globalStep < totalSteps) {
        const event = await this.#step(optimizer, batches);
        this.#log(event, sinceLog);
        yield event;
        if (this.#isEvaluated(event) || event.step === totalSteps) yield* this.#evaluate();
      }
    } catch (error) {
      throw error instanceof AbortError ? this.#stopped(error) : error;
    } finally {
      // However it ended, also when the reader leaves the loop: the weights of the last whole step are not lost.
      if (this.#state.globalStep > 0) await this.#keeper?.keepLast();
    }
    const metrics = await this.#finish(start);
    const recent = [...(this.#keeper?.recent ?? [])];
    yield { type: 'end', metrics, best: this.#best(), recent, targets: this.#totals.targets };
  }

  #makeOptimizer(): AdamW {
    const { optimizer, learningRate: lr, weightDecay, beta1, beta2, epsilon: eps } = this.config;
    const epsilonBeforeCorrection = optimizer === 'fairseq-adam';
    const groups = epsilonBeforeCorrection
      ? [{ params: this.#model.parameters(), weightDecay }]
      : decayGroups(this.#model, weightDecay);
    return new AdamW(groups, { lr, betas: [beta1, beta2], eps, epsilonBeforeCorrection });
  }

  #isEvaluated({ step, epoch }: StepEvent): boolean {
    const { evalEvery } = this.config;
    return evalEvery === 'epoch' ? Number.isInteger(epoch) : step % evalEvery === 0;
  }

  #stopped(error: AbortError): AbortError {
    const { globalStep, maxSteps } = this.#state;
    const kept =
      this.#keeper !== undefined && globalStep > 0 ? ` The weights of that step are in ${this.#keeper.last}.` : '';
    return new AbortError(`Training was stopped after step ${globalStep} of ${maxSteps}.${kept}`, { cause: error });
  }

  async #step(optimizer: AdamW, batches: NativeObject): Promise<StepEvent> {
    const { totalSteps } = this.plan;
    const done = this.#state.globalStep;
    const learningRate = this.#rateOf(done);
    const microBatches = this.#data.microBatches(batches, done);
    const start = performance.now();
    const result = await withSignal(this.#signal, (token) =>
      native.trainStep(token, {
        module: this.#model.id,
        batches: batches.id,
        optimizer: optimizer.id,
        microBatches,
        learningRates: optimizer.groups.map(() => learningRate),
        maxGradNorm: this.config.maxGradNorm || null,
        autocast: autocastOf(this.config.precision),
      }),
    );
    const step = done + 1;
    refuseNonFinite(step, result, learningRate);
    const { loss, nll, gradNorm, samples, targets, tokens } = result;
    const sums = this.#totals;
    sums.loss += loss;
    sums.nll += nll;
    sums.samples += samples;
    sums.targets += targets;
    const epoch = this.plan.epochAfter(step);
    this.#state = {
      ...this.#state,
      globalStep: step,
      epoch,
      numInputTokensSeen: this.#state.numInputTokensSeen + tokens,
      totalFlos: this.#state.totalFlos + tokens * this.#data.flopsPerToken,
    };
    const seconds = (performance.now() - start) / 1000;
    return { type: 'step', step, totalSteps, epoch, loss, nll, gradNorm, learningRate, tokens, targets, seconds };
  }

  /** Every `logEvery` steps, the mean loss since the last entry goes into the log; the plain one too, where it is another. */
  #log(event: StepEvent, since: { loss: number; nll: number; steps: number }): void {
    since.loss += event.loss;
    since.nll += event.nll;
    since.steps += 1;
    if (event.step % this.config.logEvery !== 0) return;
    const { step, epoch, gradNorm: grad_norm, learningRate: learning_rate } = event;
    const nll = since.nll === since.loss ? {} : { nll: since.nll / since.steps };
    this.#append({ epoch, grad_norm, learning_rate, loss: since.loss / since.steps, ...nll, step });
    since.loss = since.nll = since.steps = 0;
  }

  async *#evaluate(): AsyncGenerator<EvaluationBatchEvent | EvaluationEvent | CheckpointEvent, void, undefined> {
    const { globalStep: step, epoch, bestMetric } = this.#state;
    const metrics = yield* this.#data.evaluate(epoch, this.#signal);
    this.#append({ ...metrics, step });
    const loss = metrics.eval_loss ?? NaN;
    const best = loss < (bestMetric ?? Infinity);
    if (best) this.#state = { ...this.#state, bestGlobalStep: step, bestMetric: loss };
    yield { type: 'evaluation', step, metrics, best };
    if (this.#keeper === undefined) return;
    await this.#keeper.keepRecent(step);
    if (!best) return;
    const folder = await this.#keeper.keepBest();
    this.#state = { ...this.#state, bestModelCheckpoint: folder };
    yield { type: 'checkpoint', step, folder };
  }

  async #finish(start: number): Promise<Metrics> {
    const { bestModelCheckpoint, bestGlobalStep, globalStep, epoch, totalFlos } = this.#state;
    if (this.config.loadBestModelAtEnd && bestModelCheckpoint !== null && bestGlobalStep !== globalStep) {
      await this.#keeper?.restoreBest();
    }
    const runtimeSeconds = (performance.now() - start) / 1000;
    const { loss, samples: samplesSeen } = this.#totals;
    const summary = { epoch, totalFlos, loss: loss / globalStep, runtimeSeconds, samplesSeen, steps: globalStep };
    const metrics = {
      ...trainingMetrics({ ...summary, trainSamples: this.#data.samples }),
      ...this.#data.metrics(this.#totals, globalStep, runtimeSeconds),
    };
    this.#append({ ...metrics, step: globalStep });
    return metrics;
  }

  #best(): { step: number; loss: number } | null {
    const { bestGlobalStep: step, bestMetric: loss } = this.#state;
    return step === null || loss === null ? null : { step, loss };
  }

  #append(entry: Metrics): void {
    this.#state = { ...this.#state, logHistory: [...this.#state.logHistory, entry] };
  }
}

/** Chooses by the data: token files of pairs have a source and a target. */
function open(
  model: LanguageModel | TranslationModel,
  options: TrainerOptions | PairTrainerOptions,
): { config: TrainConfig | PairTrainConfig; data: TrainingData } {
  const { data, checkpoints: _checkpoints, signal: _signal, ...given } = options;
  checkSplits(data);
  if ('source' in data.train) {
    const config = parseConfig(given, pairTrainSchema, 'train');
    return { config, data: new PairData(model as TranslationModel, data as PairSplits, config) };
  }
  const config = parseConfig(given, trainSchema, 'train');
  return { config, data: new BlockData(model as LanguageModel, data as BlockSplits, config) };
}

function refuseNonFinite(step: number, { loss, gradNorm }: NativeTrainStep, learningRate: number): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new NonFiniteError(
    `Training diverged at step ${step}: the loss is ${loss} and the gradient norm ${gradNorm}, at learning rate ${learningRate}. ` +
      'The weights were left as the step before made them. Lower train.learningRate, warm up longer, or clip with train.maxGradNorm.',
  );
}

function initialState(
  { evalEvery, logEvery }: TrainConfig | PairTrainConfig,
  { plan, batchSize }: TrainingData,
): TrainerState {
  const evalSteps = evalEvery === 'epoch' ? Math.ceil(plan.totalSteps / plan.epochs) : evalEvery;
  return {
    bestGlobalStep: null,
    bestMetric: null,
    bestModelCheckpoint: null,
    epoch: 0,
    evalSteps,
    globalStep: 0,
    logHistory: [],
    loggingSteps: logEvery,
    maxSteps: plan.totalSteps,
    numInputTokensSeen: 0,
    numTrainEpochs: plan.epochs,
    saveSteps: evalSteps,
    totalFlos: 0,
    trainBatchSize: batchSize,
  };
}
