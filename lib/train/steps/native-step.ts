/** Steps of a native model: each is one job on the compute thread. */
import type { JsonValue } from '../../json';
import { native } from '../../native';
import { AdamW, decayGroups, GradScaler } from '../../optim';
import { withSignal, type NativeObject } from '../../tensor';
import { autocastOf, type PairTrainConfig, type TrainConfig } from '../config';
import type { NativeData } from '../data';
import type { LanguageModel, TranslationModel } from '../model';
import type { StepRequest, StepResult, TrainStep } from './step';

export class NativeStep implements TrainStep {
  readonly optimizer: AdamW;
  readonly scaler: GradScaler | null;
  readonly #batches: NativeObject;

  /** @param steps - finished ones: the data begin after them */
  constructor(
    readonly model: LanguageModel | TranslationModel,
    readonly data: NativeData,
    readonly config: TrainConfig | PairTrainConfig,
    steps: number,
  ) {
    this.optimizer = makeOptimizer(model, config);
    this.scaler = config.precision === 'float16' ? new GradScaler() : null;
    this.#batches = data.open(steps);
  }

  async run({ steps, learningRate, signal, stopped }: StepRequest): Promise<StepResult | undefined> {
    const start = performance.now();
    const microBatches = await this.data.microBatches(this.#batches, steps, stopped);
    if (microBatches === 0) return undefined;
    const waited = (performance.now() - start) / 1000;
    const result = await withSignal(signal, (token) =>
      native.trainStep(token, {
        module: this.model.id,
        batches: this.#batches.id,
        optimizer: this.optimizer.id,
        microBatches,
        learningRates: this.optimizer.groups.map(() => learningRate),
        maxGradNorm: this.config.maxGradNorm || null,
        autocast: autocastOf(this.config.precision),
        lossScale: this.scaler?.lossScale(this.model.device) ?? null,
      }),
    );
    const { nonFinite, split } = result;
    return {
      ...result,
      split: { ...split, data: split.data + waited },
      nonFinite: nonFinite && { what: nonFinite.what, where: nonFinite.parameter },
    };
  }

  evaluated(): void {}

  /** Where the data are says all. */
  state(): JsonValue {
    return null;
  }

  restore(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    this.#batches.dispose();
    this.optimizer.dispose();
    this.scaler?.dispose();
    return Promise.resolve();
  }
}

function makeOptimizer(model: LanguageModel | TranslationModel, config: TrainConfig | PairTrainConfig): AdamW {
  const { optimizer, learningRate: lr, weightDecay, beta1, beta2, epsilon: eps } = config;
  const epsilonBeforeCorrection = optimizer === 'fairseq-adam';
  const groups = epsilonBeforeCorrection
    ? [{ params: model.parameters(), weightDecay }]
    : decayGroups(model, weightDecay);
  return new AdamW(groups, { lr, betas: [beta1, beta2], eps, epsilonBeforeCorrection });
}
