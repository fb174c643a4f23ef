/** How far a training is: counts, sums and its log. All of it goes into checkpoints. */
import { ConfigError } from '../errors';
import type { JsonValue } from '../json';
import { trainingMetrics, type Metrics, type TrainerState } from '../metrics';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from './config';
import type { TrainingData, TrainingTotals } from './data';
import type { EndReason, StepEvent } from './events';
import { Guards, type GuardsState } from './guards/guards';

type Config = TrainConfig | PairTrainConfig | ModuleTrainConfig;

export class Progress {
  readonly #config: Config;
  readonly #data: TrainingData;
  readonly #guards: Guards;
  #totals: TrainingTotals = { loss: 0, nll: 0, samples: 0, targets: 0 };
  /** Since the last entry of the log. */
  #sinceLog = { loss: 0, nll: 0, steps: 0 };
  /** Step of the last evaluation. */
  #evaluated = 0;
  /** Steps of the last evaluations, as many as are to be averaged, the oldest first. */
  #recent: number[] = [];
  /** What the last evaluation has changed of that. */
  #before:
    { recent: number[]; best: Pick<TrainerState, 'bestGlobalStep' | 'bestMetric' | 'bestModelCheckpoint'> } | undefined;
  /** Seconds before the clock was last started, and when that was. */
  #seconds = 0;
  #started: number | undefined;
  state: TrainerState;

  constructor(config: Config, data: TrainingData) {
    this.#config = config;
    this.#data = data;
    this.#guards = new Guards(config, { totalSteps: data.plan.totalSteps, evaluates: data.evaluate !== null });
    this.state = initialState(config, data);
  }

  get totals(): Readonly<TrainingTotals> {
    return this.#totals;
  }

  /** Whether the weights of this step have been evaluated. */
  get isEvaluated(): boolean {
    return this.#evaluated === this.state.globalStep;
  }

  /** Seconds of training so far, by a clock that nobody sets. */
  get elapsed(): number {
    return this.#seconds + (this.#started === undefined ? 0 : (performance.now() - this.#started) / 1000);
  }

  /** Why training is over; null while it is not. */
  get reached(): EndReason | null {
    return this.#guards.reached(this.state, this.elapsed);
  }

  /** @throws NotLearningError when the training was to learn a few batches by heart, and did not */
  checkLearned(): void {
    this.#guards.finish();
  }

  startClock(): void {
    this.#started ??= performance.now();
  }

  stopClock(): void {
    this.#seconds = this.elapsed;
    this.#started = undefined;
  }

  /** Counts a step. */
  addStep({ step, epoch, loss, nll, samples, targets, tokens }: StepEvent): void {
    this.#guards.addStep(loss);
    const sums = this.#totals;
    sums.loss += loss;
    sums.nll += nll;
    sums.samples += samples;
    sums.targets += targets;
    this.state = {
      ...this.state,
      globalStep: step,
      epoch,
      numInputTokensSeen: this.state.numInputTokensSeen + tokens,
      totalFlos: this.state.totalFlos + tokens * this.#data.flopsPerToken,
    };
  }

  /** Every `logEvery` steps, the mean loss since the last entry goes into the log; the plain one too, where it is another. */
  log({ step, epoch, loss, nll, gradNorm: grad_norm, learningRate: learning_rate }: StepEvent): void {
    const since = this.#sinceLog;
    since.loss += loss;
    since.nll += nll;
    since.steps += 1;
    if (step % this.#config.logEvery !== 0) return;
    const plain = since.nll === since.loss ? {} : { nll: since.nll / since.steps };
    this.#append({ epoch, grad_norm, learning_rate, loss: since.loss / since.steps, ...plain, step });
    this.#sinceLog = { loss: 0, nll: 0, steps: 0 };
  }

  /** Steps whose weights are to be averaged, the oldest first. */
  get recent(): readonly number[] {
    return this.#recent;
  }

  /** Counts an evaluation. @param folder - where its weights will be saved, if anywhere @returns whether no earlier one was better */
  addEvaluation(metrics: Metrics, folder: string | null): boolean {
    const { globalStep: step, bestGlobalStep, bestMetric, bestModelCheckpoint } = this.state;
    this.#before = { recent: this.#recent, best: { bestGlobalStep, bestMetric, bestModelCheckpoint } };
    this.#evaluated = step;
    const { averageLast } = this.#config;
    if (averageLast !== undefined) this.#recent = [...this.#recent, step].slice(-averageLast);
    this.#guards.addEvaluation(metrics);
    this.#append({ ...metrics, step });
    const loss = metrics.eval_loss ?? NaN;
    const best = loss < (bestMetric ?? Infinity);
    if (best) this.state = { ...this.state, bestGlobalStep: step, bestMetric: loss, bestModelCheckpoint: folder };
    return best;
  }

  /** Counts an evaluation of a model that has not been trained: it is in the log, and nothing is measured by it. */
  addSanity(metrics: Metrics): void {
    this.#append({ ...metrics, step: 0 });
  }

  /** The weights of the last evaluation could not be saved: they can be neither the best that there is nor averaged. */
  withdraw(): void {
    if (this.#before === undefined || !this.isEvaluated) return;
    this.#recent = this.#before.recent;
    this.state = { ...this.state, ...this.#before.best };
  }

  /** The best weights are no longer there. */
  forgetBest(): void {
    this.state = { ...this.state, bestGlobalStep: null, bestMetric: null, bestModelCheckpoint: null };
  }

  get best(): { step: number; loss: number } | null {
    const { bestGlobalStep: step, bestMetric: loss } = this.state;
    return step === null || loss === null ? null : { step, loss };
  }

  /** The metrics of the whole training, which go into the log too; none where no step was made. */
  summarize(): Metrics {
    const { globalStep, epoch, totalFlos } = this.state;
    if (globalStep === 0) return {};
    const runtimeSeconds = this.elapsed;
    const { loss, samples: samplesSeen } = this.#totals;
    const trainSamples = this.#data.samples ?? samplesSeen;
    const summary = { epoch, totalFlos, loss: loss / globalStep, runtimeSeconds, samplesSeen, steps: globalStep };
    const metrics = {
      ...trainingMetrics({ ...summary, trainSamples }),
      ...this.#data.metrics(this.#totals, globalStep, runtimeSeconds),
      ...this.#guards.metrics(),
    };
    this.#append({ ...metrics, step: globalStep });
    return metrics;
  }

  /** Everything, for a checkpoint. */
  toJSON(): JsonValue {
    const [totals, sinceLog, evaluated, recent] = [this.#totals, this.#sinceLog, this.#evaluated, this.#recent];
    const { state, elapsed: seconds } = this;
    const guards = this.#guards.state;
    return structuredClone({ state, totals, sinceLog, evaluated, recent, seconds, guards }) as unknown as JsonValue;
  }

  /**
   * Goes on from there. What follows from the config is that of now, should it have changed.
   * @param saved - what `toJSON` gave
   * @param folderOf - where checkpoints are now
   */
  restore(saved: JsonValue, folderOf: (step: number) => string): void {
    const { state, totals, sinceLog, evaluated, recent, seconds, guards } = structuredClone(saved) as unknown as Saved;
    const { evalSteps, loggingSteps, maxSteps, numTrainEpochs, saveSteps, trainBatchSize } = this.state;
    const planned = { evalSteps, loggingSteps, maxSteps, numTrainEpochs, saveSteps, trainBatchSize };
    const bestModelCheckpoint = state.bestGlobalStep === null ? null : folderOf(state.bestGlobalStep);
    this.state = { ...state, ...planned, bestModelCheckpoint };
    this.#guards.restore(guards);
    this.#recent = recent;
    this.#totals = totals;
    this.#sinceLog = sinceLog;
    this.#evaluated = evaluated;
    this.#seconds = seconds;
  }

  #append(entry: Metrics): void {
    this.state = { ...this.state, logHistory: [...this.state.logHistory, entry] };
  }
}

interface Saved {
  state: TrainerState;
  guards: GuardsState;
  totals: TrainingTotals;
  sinceLog: { loss: number; nll: number; steps: number };
  evaluated: number;
  recent: number[];
  seconds: number;
}

function initialState({ evalEvery, logEvery }: Config, { plan, batchSize }: TrainingData): TrainerState {
  const { totalSteps, epochs } = plan;
  if (evalEvery === 'epoch' && totalSteps === null)
    throw new ConfigError('train.evalEvery: data of unknown length have no epochs; give a number of steps.');
  const evalSteps = evalEvery === 'epoch' ? Math.ceil(totalSteps! / epochs) : evalEvery;
  return {
    bestGlobalStep: null,
    bestMetric: null,
    bestModelCheckpoint: null,
    epoch: 0,
    evalSteps,
    globalStep: 0,
    logHistory: [],
    loggingSteps: logEvery,
    maxSteps: totalSteps ?? -1,
    numInputTokensSeen: 0,
    numTrainEpochs: epochs,
    saveSteps: evalSteps,
    totalFlos: 0,
    trainBatchSize: batchSize ?? 0,
  };
}
