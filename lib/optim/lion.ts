/** Lion: updates by the sign of a direction, so that all have one size. */
import type { Tensor } from '../tensor';
import { foreach } from './foreach';
import { descending, ForeachOptimizer, shrink, zerosOnce, type Bucket } from './foreach-optimizer';
import type { ParameterGroup } from './groups';
import { commonRules, pairBelowOne, type CommonSettings, type Rules } from './settings';
import type { StateForm } from './state';

export interface LionSettings extends CommonSettings {
  /** How much of the mean of gradients goes into the direction, and the decay of that mean. Default 0.9 and 0.99. */
  betas: readonly [number, number];
}

/** The mean of one parameter's gradients. */
export type LionState = { expAvg: Tensor };

const rules: Rules<LionSettings> = { ...commonRules, betas: pairBelowOne };

const defaults: LionSettings = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false };

/**
 * Learning rates are some 3 to 10 times smaller than AdamW's, and weight decays, which shrink the weights themselves, as much larger.
 * Not a part of PyTorch. Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2.
 */
export class Lion extends ForeachOptimizer<LionSettings, LionState> {
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup<LionSettings>>, options: Partial<LionSettings> = {}) {
    super(params, options, defaults, rules);
  }

  protected override stateForm(shape: readonly number[]): StateForm {
    return { expAvg: { shape } };
  }

  protected override updateBucket(settings: LionSettings, bucket: Bucket<LionState>): void {
    const { lr, betas } = settings;
    const grads = descending(settings, bucket);
    const means = zerosOnce('expAvg', bucket);
    shrink(settings, bucket);
    const direction = foreach.lerp(means, grads, 1 - betas[0]);
    foreach.sign_(direction);
    foreach.add_(bucket.params, direction, { alpha: -lr });
    foreach.lerp_(means, grads, 1 - betas[1]);
  }
}
