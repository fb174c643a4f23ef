/** Losses of a prediction and what it should be, as modules over `functional`. */
import type { Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { Buffer } from '../module/parameter';
import { checkOneOf, readOptions } from './arguments';
import { inLayer } from './layer';

/** What becomes of the losses of single elements. */
export type Reduction = 'none' | 'mean' | 'sum';

export interface LossOptions {
  /** Default `mean`. */
  reduction?: Reduction;
}

/** A module of predictions and targets. */
abstract class Loss extends Module {
  readonly reduction: Reduction;

  protected constructor(reduction: Reduction) {
    super();
    this.reduction = checkOneOf(new.target.name, 'reduction', reduction, ['none', 'mean', 'sum']);
  }

  protected abstract compute(input: Tensor, target: Tensor): Tensor;

  override forward(input: Tensor, target: Tensor): Tensor {
    try {
      return this.compute(input, target);
    } catch (error) {
      throw inLayer(this, { input, target }, error);
    }
  }

  /** What the loss is made with, for `extraRepr`. */
  protected settings(): Record<string, unknown> {
    return {};
  }

  override extraRepr(): string {
    return listValues({ ...this.settings(), reduction: this.reduction });
  }
}

const mean: Required<LossOptions> = { reduction: 'mean' };

/** A weight moves with the module and is part of its state. */
const weightBuffer = (weight: Tensor | null): Buffer | null => (weight === null ? null : new Buffer(weight));

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

export interface ClassWeightOptions extends LossOptions {
  /** Factor of each class, [classes]. */
  weight?: Tensor | null;
  /** Target that is left out. Default -100. */
  ignoreIndex?: number;
}

/** Cross-entropy of logits `[batch, classes, *]` with classes `[batch, *]` int64, or with probabilities of the logits' shape. */
export class CrossEntropyLoss extends Loss {
  readonly weight: Buffer | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(options: ClassWeightOptions & { labelSmoothing?: number } = {}) {
    const { weight, ignoreIndex, labelSmoothing, reduction } = readOptions<
      Required<ClassWeightOptions> & { labelSmoothing: number }
    >('CrossEntropyLoss', options, { weight: null, ignoreIndex: -100, labelSmoothing: 0, ...mean });
    super(reduction);
    this.weight = weightBuffer(weight);
    this.ignoreIndex = ignoreIndex;
    this.labelSmoothing = labelSmoothing;
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    return functional.crossEntropy(input, target, weight, ignoreIndex, reduction, labelSmoothing);
  }

  protected override settings() {
    return { ignoreIndex: this.ignoreIndex, labelSmoothing: this.labelSmoothing };
  }
}

/** Negative of the log-probabilities `[batch, classes, *]` at the classes `[batch, *]` int64. */
export class NLLLoss extends Loss {
  readonly weight: Buffer | null;
  readonly ignoreIndex: number;

  constructor(options: ClassWeightOptions = {}) {
    const defaults = { weight: null, ignoreIndex: -100, ...mean };
    const { weight, ignoreIndex, reduction } = readOptions<Required<ClassWeightOptions>>('NLLLoss', options, defaults);
    super(reduction);
    this.weight = weightBuffer(weight);
    this.ignoreIndex = ignoreIndex;
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.nllLoss(input, target, this.weight, this.ignoreIndex, this.reduction);
  }

  protected override settings() {
    return { ignoreIndex: this.ignoreIndex };
  }
}

export interface WeightOptions extends LossOptions {
  /** Factor of each element, of a shape that broadcasts to the input's. */
  weight?: Tensor | null;
}

/** Cross-entropy of probabilities with targets from 0 to 1. */
export class BCELoss extends Loss {
  readonly weight: Buffer | null;

  constructor(options: WeightOptions = {}) {
    const { weight, reduction } = readOptions<Required<WeightOptions>>('BCELoss', options, { weight: null, ...mean });
    super(reduction);
    this.weight = weightBuffer(weight);
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.binaryCrossEntropy(input, target, this.weight, this.reduction);
  }
}

export interface BCEWithLogitsOptions extends WeightOptions {
  /** Factor of the positive part of each class, [classes]. */
  posWeight?: Tensor | null;
}

/** Cross-entropy of logits with targets from 0 to 1. */
export class BCEWithLogitsLoss extends Loss {
  readonly weight: Buffer | null;
  readonly posWeight: Buffer | null;

  constructor(options: BCEWithLogitsOptions = {}) {
    const defaults = { weight: null, posWeight: null, ...mean };
    const read = readOptions<Required<BCEWithLogitsOptions>>('BCEWithLogitsLoss', options, defaults);
    super(read.reduction);
    this.weight = weightBuffer(read.weight);
    this.posWeight = weightBuffer(read.posWeight);
  }

  protected override compute(input: Tensor, target: Tensor): Tensor {
    return functional.binaryCrossEntropyWithLogits(input, target, this.weight, this.reduction, this.posWeight);
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

export interface CTCOptions extends LossOptions {
  /** The class that stands for nothing. Default 0. */
  blank?: number;
  /** Makes losses that are infinite, of targets that do not fit, 0. */
  zeroInfinity?: boolean;
}

/** Connectionist temporal classification. Source: Graves et al. 2006. */
export class CTCLoss extends Module {
  readonly blank: number;
  readonly zeroInfinity: boolean;
  readonly reduction: Reduction;

  constructor(options: CTCOptions = {}) {
    super();
    const read = readOptions<Required<CTCOptions>>('CTCLoss', options, { blank: 0, zeroInfinity: false, ...mean });
    this.blank = read.blank;
    this.zeroInfinity = read.zeroInfinity;
    this.reduction = checkOneOf('CTCLoss', 'reduction', read.reduction, ['none', 'mean', 'sum']);
  }

  /**
   * @param logProbs [time, batch, classes], or without batch
   * @param targets [batch, longest], or all targets one after the other
   * @param inputLengths of each sample, a tensor or numbers
   */
  override forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | readonly number[],
    targetLengths: Tensor | readonly number[],
  ): Tensor {
    const { blank, reduction, zeroInfinity } = this;
    try {
      return functional.ctcLoss(logProbs, targets, inputLengths, targetLengths, blank, reduction, zeroInfinity);
    } catch (error) {
      throw inLayer(this, { logProbs, targets }, error);
    }
  }

  override extraRepr(): string {
    return listValues({ blank: this.blank, zeroInfinity: this.zeroInfinity, reduction: this.reduction });
  }
}
