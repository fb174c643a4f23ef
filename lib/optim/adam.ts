/** Adam and AdamW, over libtorch's fused kernels. */
import { native, type NativeAdamSettings, type ObjectId } from '../native';
import { applyModes, NativeObject, wrap, type Tensor } from '../tensor';
import { handlesOf, type Group, type ParameterGroup } from './groups';
import { Optimizer } from './optimizer';
import { commonRules, flag, fromZero, pairBelowOne, type CommonSettings, type Rules } from './settings';
import type { StateForm } from './state';

/** With PyTorch's names. */
export interface AdamSettings extends CommonSettings {
  /** Decay of the means of gradients and of their squares. Default 0.9 and 0.999. */
  betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Divides by the largest mean of squares so far. Source: Reddi et al. 2018. */
  amsgrad: boolean;
  /**
   * Adds `eps` to the root of the second moment before its bias correction, as fairseq's Adam does. PyTorch's adds it after,
   * which in the first updates makes it weigh less.
   */
  epsilonBeforeCorrection: boolean;
}

/** Means of one parameter's gradients and of their squares, and with `amsgrad` the largest of the latter. */
export type AdamState = Readonly<{ step: number; expAvg: Tensor; expAvgSq: Tensor; maxExpAvgSq?: Tensor }>;

const rules: Rules<AdamSettings> = {
  ...commonRules,
  betas: pairBelowOne,
  eps: fromZero,
  amsgrad: flag,
  epsilonBeforeCorrection: flag,
};

/** PyTorch's. */
const defaults: AdamSettings = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
  epsilonBeforeCorrection: false,
};

/** What both have in common: moments that are kept and updated natively, in one call for all parameters. */
abstract class NativeAdam extends Optimizer<AdamSettings, AdamState> {
  /** Whether weight decay shrinks the weights themselves, or is part of the gradient. */
  readonly decoupledWeightDecay: boolean;
  #object: NativeObject;

  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroup<AdamSettings>>,
    options: Partial<AdamSettings>,
    { decoupled, weightDecay }: { decoupled: boolean; weightDecay: number },
  ) {
    super(params, options, { ...defaults, weightDecay }, rules);
    this.decoupledWeightDecay = decoupled;
    this.#object = this.#create();
  }

  /** Number of the native optimiser, for trainers. @throws DisposedError */
  get id(): ObjectId {
    return this.#object.id;
  }

  override addParamGroup(group: ParameterGroup<AdamSettings>): void {
    super.addParamGroup(group);
    this.#addNative(this.#object, this.groups.at(-1)!);
  }

  protected override update(): void {
    applyModes();
    native.adamStep(
      this.id,
      this.groups.map((group) => this.#nativeSettings(group)),
    );
  }

  protected override stateForm(shape: readonly number[]): StateForm {
    return { step: 'count', expAvg: { shape }, expAvgSq: { shape }, maxExpAvgSq: { shape, optional: true } };
  }

  protected override readState(): (AdamState | null)[] {
    return native.adamState(this.id).map(
      (each) =>
        each && {
          step: each.step,
          expAvg: wrap(each.expAvg),
          expAvgSq: wrap(each.expAvgSq),
          ...(each.maxExpAvgSq === undefined ? {} : { maxExpAvgSq: wrap(each.maxExpAvgSq) }),
        },
    );
  }

  protected override writeState(state: readonly (AdamState | null)[]): void {
    const object = this.#create();
    applyModes();
    native.adamLoadState(
      object.id,
      state.map(
        (each) =>
          each && {
            step: each.step,
            expAvg: each.expAvg.handle,
            expAvgSq: each.expAvgSq.handle,
            ...(each.maxExpAvgSq === undefined ? {} : { maxExpAvgSq: each.maxExpAvgSq.handle }),
          },
      ),
    );
    this.#object.dispose();
    this.#object = object;
  }

  protected override freeState(): void {
    this.#object.dispose();
  }

  #create(): NativeObject {
    const object = new NativeObject(native.adamCreate(), 'optimiser');
    for (const group of this.groups) this.#addNative(object, group);
    return object;
  }

  #addNative(object: NativeObject, group: Group<AdamSettings>): void {
    native.adamAddGroup(object.id, handlesOf(group.params), this.#nativeSettings(group));
  }

  #nativeSettings(group: AdamSettings): NativeAdamSettings {
    return {
      learningRate: group.lr,
      beta1: group.betas[0],
      beta2: group.betas[1],
      epsilon: group.eps,
      weightDecay: group.weightDecay,
      decoupled: this.decoupledWeightDecay,
      amsgrad: group.amsgrad,
      maximize: group.maximize,
      epsilonBeforeCorrection: group.epsilonBeforeCorrection,
    };
  }
}

/** Adam with decoupled weight decay, 0.01 by default. Source: Loshchilov and Hutter 2019, as in `torch.optim.AdamW`. */
export class AdamW extends NativeAdam {
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup<AdamSettings>>, options: Partial<AdamSettings> = {}) {
    super(params, options, { decoupled: true, weightDecay: 0.01 });
  }
}

/** Adam; weight decay, 0 by default, is added to the gradient. Source: Kingma and Ba 2015, as in `torch.optim.Adam`. */
export class Adam extends NativeAdam {
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup<AdamSettings>>, options: Partial<AdamSettings> = {}) {
    super(params, options, { decoupled: false, weightDecay: 0 });
  }
}
