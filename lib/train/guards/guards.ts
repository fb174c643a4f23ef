/** What ends a training early or for good reason: limits, evaluations that get no better, batches that were to be learned by heart. */
import { ConfigError } from '../../errors';
import type { Metrics, TrainerState } from '../../metrics';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from '../config';
import type { EndReason } from '../events';
import { EarlyStopping, type EarlyStoppingState } from './early-stopping';
import { OverfitCheck, type OverfitState } from './overfit';

/** Plain data, for checkpoints. */
export interface GuardsState {
  earlyStopping: EarlyStoppingState | null;
  overfit: OverfitState | null;
}

export class Guards {
  readonly #config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly #totalSteps: number | null;
  readonly #earlyStopping: EarlyStopping | null;
  readonly #overfit: OverfitCheck | null;

  /** @throws ConfigError for checks that need an evaluation where there is none */
  constructor(
    config: TrainConfig | PairTrainConfig | ModuleTrainConfig,
    { totalSteps, evaluates }: { totalSteps: number | null; evaluates: boolean },
  ) {
    for (const key of ['earlyStopping', 'sanity'] as const) {
      if (!config[key] || evaluates) continue;
      throw new ConfigError(
        `train.${key} goes by evaluations, and there are no validation data; give data.validation.`,
      );
    }
    this.#config = config;
    this.#totalSteps = totalSteps;
    this.#earlyStopping = config.earlyStopping ? new EarlyStopping(config.earlyStopping) : null;
    this.#overfit = config.overfit ? new OverfitCheck(config.overfit) : null;
  }

  addStep(loss: number): void {
    this.#overfit?.add(loss);
  }

  addEvaluation({ eval_loss: loss = NaN }: Metrics): void {
    this.#earlyStopping?.add(loss);
  }

  /** Why training is over; null while it is not. */
  reached({ globalStep, numInputTokensSeen }: TrainerState, seconds: number): EndReason | null {
    const { maxSteps = Infinity, maxTrainTokens = Infinity, maxMinutes = Infinity } = this.#config;
    if (globalStep >= maxSteps) return 'steps';
    if (numInputTokensSeen >= maxTrainTokens) return 'tokens';
    if (globalStep >= (this.#totalSteps ?? Infinity)) return 'epochs';
    if (seconds >= maxMinutes * 60) return 'minutes';
    return this.#earlyStopping?.isOver ? 'early-stopping' : null;
  }

  /** @throws NotLearningError when batches that were to be learned by heart were not */
  finish(): void {
    this.#overfit?.finish();
  }

  metrics(): Metrics {
    return this.#overfit?.metrics() ?? {};
  }

  get state(): GuardsState {
    return { earlyStopping: this.#earlyStopping?.state ?? null, overfit: this.#overfit?.state ?? null };
  }

  /** Goes on from there; what another config did not count begins anew. */
  restore({ earlyStopping, overfit }: GuardsState): void {
    if (earlyStopping && this.#earlyStopping) this.#earlyStopping.state = earlyStopping;
    if (overfit && this.#overfit) this.#overfit.state = overfit;
  }
}
