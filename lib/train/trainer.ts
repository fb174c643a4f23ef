/** Trains a native model on blocks of tokens, with the conventions of Hugging Face's Trainer. */
import { parseConfig } from '../config';
import type { TokenBlocks } from '../data';
import { AbortError, ArgumentError, NonFiniteError } from '../errors';
import { replaceFolder } from '../files';
import { trainingMetrics, type Metrics, type TrainerState } from '../metrics';
import { native, type NativeTrainStep } from '../native';
import { AdamW, decayGroups, learningRateFactor } from '../optim';
import { withSignal, type NativeObject } from '../tensor';
import { openBatches } from './batches';
import { autocastOf, trainSchema, type TrainConfig, type TrainOptions } from './config';
import { evaluateBlocks, type EvaluationBatchEvent } from './evaluate';
import type { CheckpointEvent, EvaluationEvent, StepEvent, TrainEvent } from './events';
import { assertTrainable, checkVocabulary, deviceOf, type LanguageModel } from './model';
import { epochAfter, microBatchesOf, planSteps, type StepPlan } from './plan';

/** Where and how models are kept. The trainer knows no model family and no file format. Folders are replaced as a whole, never half-written. */
export interface Checkpoints {
  /** Folder of the best model so far. */
  best: string;
  /** Folder of the model as training ended, also when it was stopped or diverged. */
  last: string;
  /** Writes the model into an empty folder. */
  save(folder: string): Promise<void>;
  /** Reads the model's weights back. */
  restore(folder: string): Promise<void>;
}

export interface TrainerOptions extends TrainOptions {
  data: { train: TokenBlocks; validation: TokenBlocks };
  /** Without it nothing is written. */
  checkpoints?: Checkpoints | undefined;
  /** Ends the training with an AbortError between two parts of a step; the weights of the last whole step are kept in `checkpoints.last`. */
  signal?: AbortSignal | undefined;
}

/**
 * Trains a model as its events are read:
 *
 *     for await (const event of new Trainer(model, { data, epochs: 5 })) if (event.type === 'evaluation') ...
 *
 * Each step is one native job on the compute thread. The same seed gives the same losses, to the bit. Leaving the loop early
 * stops the training after the step at hand.
 *
 * @throws ConfigError for options that cannot be run, ArgumentError for a model written in TypeScript, and while it runs AbortError,
 *   NonFiniteError (the weights are still those of the step before), DataError.
 */
export class Trainer implements AsyncIterable<TrainEvent> {
  readonly config: TrainConfig;
  readonly plan: StepPlan;
  readonly #model: LanguageModel;
  readonly #options: Pick<TrainerOptions, 'data' | 'checkpoints' | 'signal'>;
  #state: TrainerState;
  #started = false;

  constructor(model: LanguageModel, options: TrainerOptions) {
    assertTrainable(model);
    const { data, checkpoints, signal, ...train } = options;
    this.config = parseConfig(train, trainSchema, 'train');
    if (this.config.loadBestModelAtEnd && checkpoints === undefined) {
      throw new ArgumentError('loadBestModelAtEnd needs `checkpoints`, which say where the best model is kept.');
    }
    this.plan = planSteps(data.train.offsets.length, this.config);
    this.#model = model;
    this.#options = { data, checkpoints, signal };
    this.#state = initialState(this.config, this.plan);
  }

  /** Where the training stands, with the fields of Hugging Face's `trainer_state.json`. */
  get state(): TrainerState {
    return this.#state;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void, undefined> {
    if (this.#started) throw new ArgumentError('This Trainer has already run; make a new one to train on.');
    this.#started = true;
    const { config, plan } = this;
    const { data, signal } = this.#options;
    await checkVocabulary(this.#model, data.train, signal);
    await checkVocabulary(this.#model, data.validation, signal);
    native.manualSeed(config.seed);
    using optimizer = new AdamW(decayGroups(this.#model, config.weightDecay), {
      lr: config.learningRate,
      betas: [config.beta1, config.beta2],
      eps: config.epsilon,
    });
    const order = config.dataSeed ?? config.seed;
    using batches = openBatches(data.train, {
      batchSize: config.batchSize,
      seed: order,
      device: deviceOf(this.#model),
    });
    this.#model.train();
    const start = performance.now();
    const totals = { loss: 0, samples: 0 };
    const sinceLog = { loss: 0, steps: 0 };
    try {
      while (this.#state.globalStep < plan.totalSteps) {
        const event = await this.#step(optimizer, batches, totals);
        this.#log(event, sinceLog);
        yield event;
        if (event.step % config.evalEvery === 0 || event.step === plan.totalSteps) yield* this.#evaluate();
      }
    } catch (error) {
      throw error instanceof AbortError ? this.#stopped(error) : error;
    } finally {
      // However it ended, also when the reader leaves the loop: the weights of the last whole step are not lost.
      if (this.#state.globalStep > 0) await this.#keepLast();
    }
    yield { type: 'end', metrics: await this.#finish(start, totals), best: this.#best() };
  }

  #stopped(error: AbortError): AbortError {
    const { checkpoints } = this.#options;
    const { globalStep, maxSteps } = this.#state;
    const kept =
      checkpoints !== undefined && globalStep > 0 ? ` The weights of that step are in ${checkpoints.last}.` : '';
    return new AbortError(`Training was stopped after step ${globalStep} of ${maxSteps}.${kept}`, { cause: error });
  }

  async #keepLast(): Promise<void> {
    const { checkpoints } = this.#options;
    if (checkpoints !== undefined) await replaceFolder(checkpoints.last, (folder) => checkpoints.save(folder));
  }

  async #step(optimizer: AdamW, batches: NativeObject, totals: { loss: number; samples: number }): Promise<StepEvent> {
    const { config, plan } = this;
    const done = this.#state.globalStep;
    const learningRate =
      config.learningRate * learningRateFactor(config.schedule, done, plan.totalSteps, plan.warmupSteps);
    const start = performance.now();
    const result = await withSignal(this.#options.signal, (token) =>
      native.trainStep(token, {
        module: this.#model.id,
        batches: batches.id,
        optimizer: optimizer.id,
        microBatches: microBatchesOf(done, plan, config.accumulation),
        learningRates: optimizer.groups.map(() => learningRate),
        maxGradNorm: config.maxGradNorm,
        autocast: autocastOf(config.precision),
      }),
    );
    const step = done + 1;
    refuseNonFinite(step, result, learningRate);
    totals.loss += result.loss;
    totals.samples += result.samples;
    const epoch = epochAfter(step, plan, config.accumulation);
    this.#state = {
      ...this.#state,
      globalStep: step,
      epoch,
      numInputTokensSeen: this.#state.numInputTokensSeen + result.tokens,
      totalFlos: this.#state.totalFlos + 6 * result.tokens * this.#model.nonEmbeddingParameters,
    };
    const { loss, gradNorm, tokens } = result;
    const seconds = (performance.now() - start) / 1000;
    return { type: 'step', step, totalSteps: plan.totalSteps, epoch, loss, gradNorm, learningRate, tokens, seconds };
  }

  /** Every `logEvery` steps, the mean loss since the last entry goes into the log. */
  #log(event: StepEvent, since: { loss: number; steps: number }): void {
    since.loss += event.loss;
    since.steps += 1;
    if (event.step % this.config.logEvery !== 0) return;
    const { step, epoch, gradNorm: grad_norm, learningRate: learning_rate } = event;
    this.#append({ epoch, grad_norm, learning_rate, loss: since.loss / since.steps, step });
    since.loss = since.steps = 0;
  }

  async *#evaluate(): AsyncGenerator<EvaluationBatchEvent | EvaluationEvent | CheckpointEvent, void, undefined> {
    const { data, checkpoints, signal } = this.#options;
    const { evalBatchSize: batchSize, precision } = this.config;
    const { globalStep: step, epoch, bestMetric } = this.#state;
    const metrics = yield* evaluateBlocks(this.#model, data.validation, { batchSize, precision, epoch, signal });
    this.#append({ ...metrics, step });
    const loss = metrics.eval_loss ?? NaN;
    const best = loss < (bestMetric ?? Infinity);
    if (best) this.#state = { ...this.#state, bestGlobalStep: step, bestMetric: loss };
    yield { type: 'evaluation', step, metrics, best };
    if (!best || checkpoints === undefined) return;
    await replaceFolder(checkpoints.best, (folder) => checkpoints.save(folder));
    this.#state = { ...this.#state, bestModelCheckpoint: checkpoints.best };
    yield { type: 'checkpoint', step, folder: checkpoints.best };
  }

  async #finish(start: number, totals: { loss: number; samples: number }): Promise<Metrics> {
    const { checkpoints } = this.#options;
    const { bestModelCheckpoint, bestGlobalStep, globalStep, epoch, totalFlos } = this.#state;
    if (this.config.loadBestModelAtEnd && bestModelCheckpoint !== null && bestGlobalStep !== globalStep) {
      await checkpoints?.restore(bestModelCheckpoint);
    }
    const metrics = trainingMetrics({
      epoch,
      totalFlos,
      loss: totals.loss / globalStep,
      runtimeSeconds: (performance.now() - start) / 1000,
      trainSamples: this.#options.data.train.offsets.length,
      samplesSeen: totals.samples,
      steps: globalStep,
    });
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

function refuseNonFinite(step: number, { loss, gradNorm }: NativeTrainStep, learningRate: number): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new NonFiniteError(
    `Training diverged at step ${step}: the loss is ${loss} and the gradient norm ${gradNorm}, at learning rate ${learningRate}. ` +
      'The weights were left as the step before made them. Lower train.learningRate, warm up longer, or clip with train.maxGradNorm.',
  );
}

function initialState(config: TrainConfig, plan: StepPlan): TrainerState {
  return {
    bestGlobalStep: null,
    bestMetric: null,
    bestModelCheckpoint: null,
    epoch: 0,
    evalSteps: config.evalEvery,
    globalStep: 0,
    logHistory: [],
    loggingSteps: config.logEvery,
    maxSteps: plan.totalSteps,
    numInputTokensSeen: 0,
    numTrainEpochs: plan.epochs,
    saveSteps: config.evalEvery,
    totalFlos: 0,
    trainBatchSize: config.batchSize,
  };
}
