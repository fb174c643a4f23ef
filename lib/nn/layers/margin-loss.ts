/** Losses that ask for a margin between scores or distances. */
import { ArgumentError } from '../../errors';
import type { Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Buffer } from '../module/parameter';
import { checkOneOf, readOptions } from './arguments';
import { inLayer } from './layer';
import type { WeightOptions } from './classification-loss';
import { mean, weightBuffer, type LossOptions, type Reduction } from './loss-base';

export interface MarginOptions extends LossOptions {
  margin?: number;
}

/** A loss of `count` tensors, with its options. */
abstract class MarginLoss extends Module {
  protected constructor(readonly reduction: Reduction) {
    super();
    checkOneOf(new.target.name, 'reduction', reduction, ['none', 'mean', 'sum']);
  }

  /** Runs `compute`, telling this layer and its inputs with an error. */
  protected told(inputs: Readonly<Record<string, Tensor>>, compute: () => Tensor): Tensor {
    try {
      return compute();
    } catch (error) {
      throw inLayer(this, inputs, error);
    }
  }

  protected settings(): Record<string, unknown> {
    return {};
  }

  override extraRepr(): string {
    return listValues({ ...this.settings(), reduction: this.reduction });
  }
}

/** max(0, -target (input1 - input2) + margin), with targets of 1 and -1. */
export class MarginRankingLoss extends MarginLoss {
  readonly margin: number;

  constructor(options: MarginOptions = {}) {
    const { reduction, margin } = readOptions('MarginRankingLoss', options, { ...mean, margin: 0 });
    super(reduction);
    this.margin = margin;
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return this.told({ input1, input2, target }, () =>
      functional.marginRankingLoss(input1, input2, target, this.margin, this.reduction),
    );
  }

  protected override settings() {
    return { margin: this.margin };
  }
}

/** The input where the target is 1, max(0, margin - input) where it is -1. */
export class HingeEmbeddingLoss extends MarginLoss {
  readonly margin: number;

  constructor(options: MarginOptions = {}) {
    const { reduction, margin } = readOptions('HingeEmbeddingLoss', options, { ...mean, margin: 1 });
    super(reduction);
    this.margin = margin;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return this.told({ input, target }, () =>
      functional.hingeEmbeddingLoss(input, target, this.margin, this.reduction),
    );
  }

  protected override settings() {
    return { margin: this.margin };
  }
}

/** 1 - cosine where the target is 1, max(0, cosine - margin) where it is -1. */
export class CosineEmbeddingLoss extends MarginLoss {
  readonly margin: number;

  constructor(options: MarginOptions = {}) {
    const { reduction, margin } = readOptions('CosineEmbeddingLoss', options, { ...mean, margin: 0 });
    super(reduction);
    this.margin = margin;
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return this.told({ input1, input2, target }, () =>
      functional.cosineEmbeddingLoss(input1, input2, target, this.margin, this.reduction),
    );
  }

  protected override settings() {
    return { margin: this.margin };
  }
}

export interface MultiMarginOptions extends MarginOptions, WeightOptions {
  /** Power of the hinge: 1 or 2. */
  p?: number;
}

/** Hinge loss of scores `[batch, classes]` with one class each. */
export class MultiMarginLoss extends MarginLoss {
  readonly p: number;
  readonly margin: number;
  readonly weight: Buffer | null;

  constructor(options: MultiMarginOptions = {}) {
    const defaults = { p: 1, margin: 1, weight: null, ...mean };
    const { reduction, weight, p, margin } = readOptions<Required<MultiMarginOptions>>(
      'MultiMarginLoss',
      options,
      defaults,
    );
    super(reduction);
    if (p !== 1 && p !== 2) throw new ArgumentError(`MultiMarginLoss: p must be 1 or 2, not ${p}.`);
    this.p = p;
    this.margin = margin;
    this.weight = weightBuffer(weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return this.told({ input, target }, () =>
      functional.multiMarginLoss(input, target, this.p, this.margin, this.weight, this.reduction),
    );
  }

  protected override settings() {
    return { p: this.p, margin: this.margin };
  }
}

/** Hinge loss of scores with several classes each: indices, ended by -1. */
export class MultiLabelMarginLoss extends MarginLoss {
  constructor(options: LossOptions = {}) {
    super(readOptions('MultiLabelMarginLoss', options, mean).reduction);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return this.told({ input, target }, () => functional.multilabelMarginLoss(input, target, this.reduction));
  }
}

/** Cross-entropy of logits with a probability for each class, averaged over the classes. */
export class MultiLabelSoftMarginLoss extends MarginLoss {
  readonly weight: Buffer | null;

  constructor(options: WeightOptions = {}) {
    const defaults = { weight: null, ...mean };
    const { reduction, weight } = readOptions<Required<WeightOptions>>('MultiLabelSoftMarginLoss', options, defaults);
    super(reduction);
    this.weight = weightBuffer(weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return this.told({ input, target }, () =>
      functional.multilabelSoftMarginLoss(input, target, this.weight, this.reduction),
    );
  }
}

/** log(1 + e^(-target input)), with targets of 1 and -1. */
export class SoftMarginLoss extends MarginLoss {
  constructor(options: LossOptions = {}) {
    super(readOptions('SoftMarginLoss', options, mean).reduction);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return this.told({ input, target }, () => functional.softMarginLoss(input, target, this.reduction));
  }
}

export interface TripletOptions extends MarginOptions {
  /** Of the norm. Default 2. */
  p?: number;
  eps?: number;
  /** Takes the negative's distance to the positive, where it is nearer. */
  swap?: boolean;
}

/** max(0, |anchor - positive| - |anchor - negative| + margin) of rows `[batch, size]`. */
export class TripletMarginLoss extends MarginLoss {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;

  constructor(options: TripletOptions = {}) {
    const defaults = { margin: 1, p: 2, eps: 1e-6, swap: false, ...mean };
    const { reduction, ...read } = readOptions('TripletMarginLoss', options, defaults);
    super(reduction);
    ({ margin: this.margin, p: this.p, eps: this.eps, swap: this.swap } = read);
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return this.told({ anchor, positive, negative }, () =>
      functional.tripletMarginLoss(anchor, positive, negative, margin, p, eps, swap, reduction),
    );
  }

  protected override settings() {
    return { margin: this.margin, p: this.p, swap: this.swap };
  }
}

export interface TripletDistanceOptions extends MarginOptions {
  /** Of two tensors `[batch, size]`: `[batch]`. Default: the Euclidean one. */
  distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null;
  swap?: boolean;
}

/** TripletMarginLoss with a distance of one's own. */
export class TripletMarginWithDistanceLoss extends MarginLoss {
  readonly distanceFunction: ((a: Tensor, b: Tensor) => Tensor) | null;
  readonly margin: number;
  readonly swap: boolean;

  constructor(options: TripletDistanceOptions = {}) {
    const defaults = { distanceFunction: null, margin: 1, swap: false, ...mean };
    const { reduction, ...read } = readOptions<Required<TripletDistanceOptions>>(
      'TripletMarginWithDistanceLoss',
      options,
      defaults,
    );
    super(reduction);
    ({ distanceFunction: this.distanceFunction, margin: this.margin, swap: this.swap } = read);
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction, margin, swap, reduction } = this;
    return this.told({ anchor, positive, negative }, () =>
      functional.tripletMarginWithDistanceLoss(anchor, positive, negative, {
        distanceFunction,
        margin,
        swap,
        reduction,
      }),
    );
  }

  protected override settings() {
    return { margin: this.margin, swap: this.swap };
  }
}
