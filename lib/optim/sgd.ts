/** Stochastic gradient descent. */
import { ArgumentError } from '../errors';
import { native } from '../native';
import { torch, type Tensor } from '../tensor';
import { foreach, fusedSgd_, scale_ } from './foreach';
import { decayedGradients, ForeachOptimizer, pick, type Bucket } from './foreach-optimizer';
import { handlesOf, type ParameterGroup } from './groups';
import { commonRules, finite, flag, fromZero, type CommonSettings, type Rules } from './settings';
import type { StateForm } from './state';

/** With PyTorch's names. */
export interface SGDSettings extends CommonSettings {
  /** Part of the last update's direction that is kept. Default 0. */
  momentum: number;
  /** Part of the gradient that is left out of the direction, but for the first. Default 0. */
  dampening: number;
  /** Looks ahead along the direction. Needs a momentum and no dampening. Source: Sutskever et al. 2013. */
  nesterov: boolean;
}

/** The direction, once there was a step with momentum. */
export type SGDState = { momentumBuffer?: Tensor };

const rules: Rules<SGDSettings> = { ...commonRules, momentum: fromZero, dampening: finite, nesterov: flag };

const defaults: SGDSettings = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

/** SGD with momentum; weight decay is added to the gradient. As `torch.optim.SGD`. */
export class SGD extends ForeachOptimizer<SGDSettings, SGDState> {
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup<SGDSettings>>, options: Partial<SGDSettings> = {}) {
    super(params, options, defaults, rules);
  }

  protected override checkTogether({ nesterov, momentum, dampening }: SGDSettings): void {
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new ArgumentError('SGD: nesterov needs a momentum above 0 and no dampening.');
    }
  }

  protected override stateForm(shape: readonly number[]): StateForm {
    return { momentumBuffer: { shape, optional: true } };
  }

  protected override updateBucket(settings: SGDSettings, bucket: Bucket<SGDState>): void {
    if (settings.momentum === 0) return descend(settings, bucket, [], false);
    const isNew = bucket.states.map(({ momentumBuffer }) => momentumBuffer === undefined);
    for (const isFirstStep of [true, false]) {
      const part = pick(bucket, (index) => isNew[index] === isFirstStep);
      if (part.params.length === 0) continue;
      const buffers = part.states.map(
        (state, index) => (state.momentumBuffer ??= torch.emptyLike(part.params[index]!).keep()),
      );
      descend(settings, part, buffers, isFirstStep);
    }
  }
}

/** @param buffers of each parameter, filled unless it is the first step; empty without momentum */
function descend(settings: SGDSettings, bucket: Bucket<unknown>, buffers: Tensor[], isFirstStep: boolean): void {
  const { lr, momentum, dampening, nesterov, weightDecay, maximize } = settings;
  const { params, grads } = bucket;
  const handles = handlesOf(params);
  if (native.alike(handles, handlesOf(grads), ...(momentum === 0 ? [] : [handlesOf(buffers)]))) {
    fusedSgd_(params, grads, buffers, { weightDecay, momentum, lr, dampening, nesterov, maximize, isFirstStep });
    native.bumpVersions(handles);
    return;
  }
  let direction = decayedGradients(settings, bucket);
  if (momentum !== 0) {
    if (isFirstStep) foreach.copy_(buffers, direction);
    else {
      scale_(buffers, momentum);
      foreach.add_(buffers, direction, { alpha: 1 - dampening });
    }
    direction = nesterov ? foreach.add(direction, buffers, { alpha: momentum }) : buffers;
  }
  foreach.add_(params, direction, { alpha: -lr });
}
