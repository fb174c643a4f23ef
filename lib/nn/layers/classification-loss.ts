/** Losses of classes, as modules over `functional`. */
import type { Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Buffer } from '../module/parameter';
import { checkOneOf, readOptions } from './arguments';
import { inLayer } from './layer';
import { Loss, mean, weightBuffer, type LossOptions, type Reduction } from './loss-base';

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
