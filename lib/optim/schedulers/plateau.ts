/** A schedule by what is measured. */
import { ArgumentError } from '../../errors';
import { Tensor } from '../../tensor';
import type { Optimizer } from '../optimizer';
import { finiteNumber, integerFrom, oneOf, perGroup, Scheduler, within, type SchedulerState } from './scheduler';

export interface ReduceLROnPlateauOptions {
  /** Whether what is measured should fall or rise. Default `min`. */
  mode?: 'min' | 'max';
  /** Below 1. Default 0.1. */
  factor?: number;
  /** Measurements without improvement that are tolerated. Default 10. */
  patience?: number;
  /** What counts as an improvement. Default 1e-4. */
  threshold?: number;
  /** Whether the threshold is a part of the best value or a difference to it. Default `rel`. */
  thresholdMode?: 'rel' | 'abs';
  /** Measurements after a reduction that are not counted. Default 0. */
  cooldown?: number;
  /** The lowest learning rate; one for all groups, or one for each. Default 0. */
  minLr?: number | readonly number[];
  /** Smaller changes of the learning rate are left out. Default 1e-8. */
  eps?: number;
}

/** Multiplies the learning rate by `factor` when a metric has stopped improving. As `torch.optim.lr_scheduler.ReduceLROnPlateau`. */
export class ReduceLROnPlateau extends Scheduler {
  readonly #options: Required<Omit<ReduceLROnPlateauOptions, 'minLr'>> & { minLr: number | readonly number[] };
  #best: number;
  #badEpochs = 0;
  #cooldownLeft = 0;

  constructor(optimizer: Optimizer, options: ReduceLROnPlateauOptions = {}) {
    super(optimizer);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options;
    const { cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    if (!(within('factor', factor, 0, 1) < 1)) throw new ArgumentError('factor must be below 1.');
    this.#options = {
      mode: oneOf('mode', mode, ['min', 'max']),
      factor,
      patience: integerFrom(0, 'patience', patience),
      threshold: finiteNumber('threshold', threshold),
      thresholdMode: oneOf('thresholdMode', thresholdMode, ['rel', 'abs']),
      cooldown: integerFrom(0, 'cooldown', cooldown),
      minLr,
      eps: finiteNumber('eps', eps),
    };
    this.#lowest();
    this.#best = mode === 'min' ? Infinity : -Infinity;
  }

  /** Of each group, also of those that the optimiser took on later. */
  #lowest(): number[] {
    return perGroup<number>('minLr', this.optimizer, this.#options.minLr).map((lr) => finiteNumber('minLr', lr));
  }

  /** @param metric what is measured, such as an evaluation's loss; NaN is no improvement */
  step(metric: number | Tensor): void {
    const value: unknown = metric instanceof Tensor ? metric.item() : metric;
    if (typeof value !== 'number') throw new ArgumentError('step() of ReduceLROnPlateau takes the metric, a number.');
    this.lastEpoch += 1;
    if (this.#isBetter(value)) {
      this.#best = value;
      this.#badEpochs = 0;
    } else this.#badEpochs += 1;
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft -= 1;
      this.#badEpochs = 0;
    }
    const { patience, cooldown, factor, eps } = this.#options;
    if (this.#badEpochs > patience) {
      const lowest = this.#lowest();
      const reduced = this.currentRates().map((lr, index) => {
        const next = Math.max(lr * factor, lowest[index]!);
        return lr - next > eps ? next : lr;
      });
      this.setRates(reduced);
      this.#cooldownLeft = cooldown;
      this.#badEpochs = 0;
    }
    this.remember();
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const best = this.#best;
    if (mode === 'min') return value < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold);
    return value > (thresholdMode === 'rel' ? best * (1 + threshold) : best + threshold);
  }

  protected override progress(): SchedulerState {
    // A text, since JSON knows no infinity, which is best where nothing was measured yet.
    return { best: String(this.#best), badEpochs: this.#badEpochs, cooldownLeft: this.#cooldownLeft };
  }

  protected override takeProgress({ best, badEpochs, cooldownLeft }: SchedulerState): void {
    this.#best = Number(best);
    this.#badEpochs = badEpochs as number;
    this.#cooldownLeft = cooldownLeft as number;
  }
}
