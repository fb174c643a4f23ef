/** RMSprop: updates in proportion to the gradient over the root of its mean square. */
import type { Tensor } from '../tensor';
import { foreach, scale_ } from './foreach';
import { countUpdates, decayedGradients, ForeachOptimizer, zerosOnce, type Bucket } from './foreach-optimizer';
import type { ParameterGroup } from './groups';
import { commonRules, flag, fromZero, type CommonSettings, type Rules } from './settings';
import type { StateForm } from './state';

/** With PyTorch's names. */
export interface RMSpropSettings extends CommonSettings {
  /** Decay of the mean of squared gradients. Default 0.99. */
  alpha: number;
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Part of the last update's direction that is kept. Default 0. */
  momentum: number;
  /** Divides by the root of the variance: the mean of squares less the square of the mean. */
  centered: boolean;
}

/** `momentumBuffer` with momentum only, `gradAvg` when centred. */
export type RMSpropState = { step: number; squareAvg: Tensor; momentumBuffer?: Tensor; gradAvg?: Tensor };

const rules: Rules<RMSpropSettings> = {
  ...commonRules,
  alpha: fromZero,
  eps: fromZero,
  momentum: fromZero,
  centered: flag,
};

const defaults: RMSpropSettings = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/** Weight decay is added to the gradient. Source: Hinton's lectures, 2012; centred, Graves 2013. As `torch.optim.RMSprop`. */
export class RMSprop extends ForeachOptimizer<RMSpropSettings, RMSpropState> {
  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroup<RMSpropSettings>>,
    options: Partial<RMSpropSettings> = {},
  ) {
    super(params, options, defaults, rules);
  }

  protected override stateForm(shape: readonly number[]): StateForm {
    const optional = { shape, optional: true };
    return { step: 'count', squareAvg: { shape }, momentumBuffer: optional, gradAvg: optional };
  }

  protected override updateBucket(settings: RMSpropSettings, bucket: Bucket<RMSpropState>): void {
    const { lr, alpha, eps, momentum, centered } = settings;
    const { params } = bucket;
    const grads = decayedGradients(settings, bucket);
    countUpdates(bucket);
    const squares = zerosOnce('squareAvg', bucket);
    scale_(squares, alpha);
    foreach.addcmul_(squares, grads, grads, 1 - alpha);
    let denominators: Tensor[];
    if (centered) {
      const means = zerosOnce('gradAvg', bucket);
      foreach.lerp_(means, grads, 1 - alpha);
      denominators = foreach.addcmul(squares, means, means, -1);
      foreach.sqrt_(denominators);
    } else denominators = foreach.sqrt(squares);
    foreach.add_(denominators, eps);
    if (momentum === 0) {
      foreach.addcdiv_(params, grads, denominators, -lr);
      return;
    }
    const buffers = zerosOnce('momentumBuffer', bucket);
    scale_(buffers, momentum);
    foreach.addcdiv_(buffers, grads, denominators, 1);
    foreach.add_(params, buffers, { alpha: -lr });
  }
}
