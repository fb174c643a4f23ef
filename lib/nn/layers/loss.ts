/** Losses of numbers and of distributions, as modules over `functional`. */
import type { Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { checkOneOf, readOptions } from './arguments';
import { inLayer } from './layer';
import { Loss, mean, type LossOptions, type Reduction } from './loss-base';

/** (input - target)^2 */
export class MSELoss extends Loss {
  constructor(options: LossOptions = {}) {
    super(readOptions('MSELoss', options, mean).reduction);
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.mseLoss(input, target, this.reduction);
  }
}

/** |input - target| */
export class L1Loss extends Loss {
  constructor(options: LossOptions = {}) {
    super(readOptions('L1Loss', options, mean).reduction);
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.l1Loss(input, target, this.reduction);
  }
}

/** Squared below `beta` (halved and divided by it), absolute above. */
export class SmoothL1Loss extends Loss {
  readonly beta: number;

  constructor(options: LossOptions & { beta?: number } = {}) {
    const { reduction, beta } = readOptions('SmoothL1Loss', options, { ...mean, beta: 1 });
    super(reduction);
    this.beta = beta;
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.smoothL1Loss(input, target, this.reduction, this.beta);
  }

  protected override settings() {
    return { beta: this.beta };
  }
}

/** Half the square below `delta`, linear above. */
export class HuberLoss extends Loss {
  readonly delta: number;

  constructor(options: LossOptions & { delta?: number } = {}) {
    const { reduction, delta } = readOptions('HuberLoss', options, { ...mean, delta: 1 });
    super(reduction);
    this.delta = delta;
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.huberLoss(input, target, this.reduction, this.delta);
  }

  protected override settings() {
    return { delta: this.delta };
  }
}

/** Kullback-Leibler divergence of the target from log-probabilities; `batchmean` divides by the batch, as the definition does. */
export class KLDivLoss extends Module {
  readonly reduction: Reduction | 'batchmean';
  readonly logTarget: boolean;

  constructor(options: { reduction?: Reduction | 'batchmean'; logTarget?: boolean } = {}) {
    super();
    const read = readOptions<{ reduction: Reduction | 'batchmean'; logTarget: boolean }>('KLDivLoss', options, {
      reduction: 'mean',
      logTarget: false,
    });
    this.reduction = checkOneOf('KLDivLoss', 'reduction', read.reduction, ['none', 'mean', 'sum', 'batchmean']);
    this.logTarget = read.logTarget;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    try {
      return functional.klDiv(input, target, this.reduction, this.logTarget);
    } catch (error) {
      throw inLayer(this, { input, target }, error);
    }
  }

  override extraRepr(): string {
    return listValues({ reduction: this.reduction, logTarget: this.logTarget });
  }
}

export interface PoissonNLLOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. Default true. */
  logInput?: boolean;
  /** Adds Stirling's approximation of the constant term. */
  full?: boolean;
  /** Keeps the logarithm of a rate of 0 finite. Default 1e-8. */
  eps?: number;
}

/** Negative log-likelihood of counts under Poisson distributions. */
export class PoissonNLLLoss extends Loss {
  readonly logInput: boolean;
  readonly full: boolean;
  readonly eps: number;

  constructor(options: PoissonNLLOptions = {}) {
    const defaults = { logInput: true, full: false, eps: 1e-8, ...mean };
    const { reduction, ...read } = readOptions<Required<PoissonNLLOptions>>('PoissonNLLLoss', options, defaults);
    super(reduction);
    ({ logInput: this.logInput, full: this.full, eps: this.eps } = read);
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.poissonNllLoss(input, target, this.logInput, this.full, this.eps, this.reduction);
  }

  protected override settings() {
    return { logInput: this.logInput, full: this.full, eps: this.eps };
  }
}

export interface GaussianNLLOptions extends LossOptions {
  /** Adds the constant term. */
  full?: boolean;
  /** The least variance. Default 1e-6. */
  eps?: number;
}

/** Negative log-likelihood of the target under normal distributions of means `input` and variances `variance`. */
export class GaussianNLLLoss extends Module {
  readonly full: boolean;
  readonly eps: number;
  readonly reduction: Reduction;

  constructor(options: GaussianNLLOptions = {}) {
    super();
    const defaults = { full: false, eps: 1e-6, ...mean };
    const read = readOptions<Required<GaussianNLLOptions>>('GaussianNLLLoss', options, defaults);
    this.full = read.full;
    this.eps = read.eps;
    this.reduction = checkOneOf('GaussianNLLLoss', 'reduction', read.reduction, ['none', 'mean', 'sum']);
  }

  /** @param variance of the input's shape, or with 1 as last size, or without the last size */
  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    try {
      return functional.gaussianNllLoss(input, target, variance, this.full, this.eps, this.reduction);
    } catch (error) {
      throw inLayer(this, { input, target, variance }, error);
    }
  }

  override extraRepr(): string {
    return listValues({ full: this.full, eps: this.eps, reduction: this.reduction });
  }
}
