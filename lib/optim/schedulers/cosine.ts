/** Schedules along half a cosine. Source: Loshchilov and Hutter, "SGDR", 2017; the arithmetic is that of `torch.optim.lr_scheduler`. */
import type { Optimizer } from '../optimizer';
import { finiteNumber, integerFrom, LRScheduler, type StartOptions } from './scheduler';

export interface CosineAnnealingLROptions extends StartOptions {
  /** Steps of half a wave: PyTorch's `T_max`. */
  tMax: number;
  /** The lowest learning rate. Default 0. */
  etaMin?: number;
}

/** Falls along half a cosine in `tMax` steps, then rises again in as many, and so on. */
export class CosineAnnealingLR extends LRScheduler<{ tMax: number; etaMin: number }> {
  constructor(optimizer: Optimizer, { tMax, etaMin = 0, lastEpoch }: CosineAnnealingLROptions) {
    super(optimizer, { tMax: integerFrom(1, 'tMax', tMax), etaMin: finiteNumber('etaMin', etaMin) }, lastEpoch);
  }

  protected override chained(): number[] {
    const { tMax, etaMin } = this.options;
    const rates = this.currentRates();
    if (this.isInitial) return rates;
    // The step after the lowest point, where there is nothing left to be multiplied.
    if ((this.lastEpoch - 1 - tMax) % (2 * tMax) === 0) {
      const rise = (1 - Math.cos(Math.PI / tMax)) / 2;
      return rates.map((lr, index) => lr + (this.baseLrs[index]! - etaMin) * rise);
    }
    const wave = (step: number) => 1 + Math.cos((Math.PI * step) / tMax);
    const factor = wave(this.lastEpoch) / wave(this.lastEpoch - 1);
    return rates.map((lr) => factor * (lr - etaMin) + etaMin);
  }

  protected override closed(): number[] {
    const { tMax, etaMin } = this.options;
    return this.baseLrs.map((lr) => halfCosine(lr, etaMin, this.lastEpoch / tMax));
  }
}

function halfCosine(from: number, to: number, part: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2;
}

export interface CosineAnnealingWarmRestartsOptions extends StartOptions {
  /** Steps until the first restart: PyTorch's `T_0`. */
  t0: number;
  /** What the steps until the next restart are multiplied by at each: PyTorch's `T_mult`. A whole number, default 1. */
  tMult?: number;
  /** The lowest learning rate. Default 0. */
  etaMin?: number;
}

/** Falls along half a cosine, then begins again from the top. `step()` may be given fractions of an epoch. */
export class CosineAnnealingWarmRestarts extends LRScheduler<{ t0: number; tMult: number; etaMin: number }> {
  constructor(optimizer: Optimizer, { t0, tMult = 1, etaMin = 0, lastEpoch }: CosineAnnealingWarmRestartsOptions) {
    const options = {
      t0: integerFrom(1, 't0', t0),
      tMult: integerFrom(1, 'tMult', tMult),
      etaMin: finiteNumber('etaMin', etaMin),
    };
    super(optimizer, options, lastEpoch);
  }

  protected override chained(): number[] {
    const { t0, tMult, etaMin } = this.options;
    let length = t0;
    let since = this.lastEpoch;
    if (tMult === 1) since %= length;
    else {
      while (since >= length) {
        since -= length;
        length *= tMult;
      }
    }
    return this.baseLrs.map((lr) => halfCosine(lr, etaMin, since / length));
  }
}
