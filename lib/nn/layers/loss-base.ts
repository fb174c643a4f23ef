/** What losses share: a prediction, what it should be, and what becomes of the losses of single elements. */
import type { Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { Buffer } from '../module/parameter';
import { checkOneOf } from './arguments';
import { inLayer } from './layer';

/** What becomes of the losses of single elements. */
export type Reduction = 'none' | 'mean' | 'sum';

export interface LossOptions {
  /** Default `mean`. */
  reduction?: Reduction;
}

/** A module of predictions and targets. */
export abstract class Loss extends Module {
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

export const mean: Required<LossOptions> = { reduction: 'mean' };

/** A weight moves with the module and is part of its state. */
export const weightBuffer = (weight: Tensor | null): Buffer | null => (weight === null ? null : new Buffer(weight));
