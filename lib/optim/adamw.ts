/** AdamW over libtorch's fused kernel. Source: Loshchilov and Hutter 2019, as in `torch.optim.AdamW`. */
import { ArgumentError, CheckpointError } from '../errors';
import { native, type ObjectId } from '../native';
import { NativeObject, wrap, type Tensor } from '../tensor';
import { checkSettings, toGroups, type AdamWSettings, type ParameterGroup } from './groups';

/** One parameter's moments; null before its first update. */
export type ParameterState = { step: number; expAvg: Tensor; expAvgSq: Tensor } | null;

export interface AdamWState {
  groups: AdamWSettings[];
  /** In the order of the parameters, group after group. */
  state: ParameterState[];
}

/** A group as the optimiser holds it. Change `lr` between steps to follow a schedule. */
export interface AdamWGroup extends Readonly<Omit<AdamWSettings, 'lr'>> {
  readonly params: readonly Tensor[];
  lr: number;
}

/** PyTorch's. */
const defaults: AdamWSettings = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0.01,
  epsilonBeforeCorrection: false,
};

/**
 *     const adam = new optim.AdamW(net.parameters(), { lr: 1e-3 });
 *     adam.zeroGrad(); loss.backward(); adam.step();
 */
export class AdamW {
  #groups: AdamWGroup[];
  #object: NativeObject;

  /**
   * @param params parameters, or groups with settings of their own
   * @throws ArgumentError for settings out of range, no parameters, or one given twice
   */
  constructor(params: Iterable<Tensor> | Iterable<ParameterGroup>, options: Partial<AdamWSettings> = {}) {
    this.#groups = toGroups(params).map(({ params: own, ...settings }) => ({
      params: [...own],
      ...checkSettings({ ...defaults, ...options, ...settings }),
    }));
    checkParameters(this.#parameters());
    this.#object = createNative(this.#groups);
  }

  /** Number of the native optimiser, for trainers. @throws DisposedError */
  get id(): ObjectId {
    return this.#object.id;
  }

  get groups(): readonly AdamWGroup[] {
    return this.#groups;
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    const rates = this.#groups.map((group) => checkSettings(group).lr);
    native.adamwStep(this.id, rates);
  }

  /** Forgets the gradients of all its parameters. */
  zeroGrad(): void {
    native.adamwZeroGrad(this.id);
  }

  /** Settings and moments. The moments share memory with the optimiser: save them before the next step. */
  stateDict(): AdamWState {
    return {
      groups: this.#groups.map(settingsOf),
      state: native
        .adamwState(this.id)
        .map((each) => each && { step: each.step, expAvg: wrap(each.expAvg), expAvgSq: wrap(each.expAvgSq) }),
    };
  }

  /** Takes over settings and moments. @throws CheckpointError when they do not fit the parameters; nothing has changed then */
  loadStateDict({ groups, state }: AdamWState): void {
    checkFits(this.#groups, groups, state, this.#parameters());
    const renewed = this.#groups.map((group, index) => ({
      params: group.params,
      ...checkSettings(settingsOf(groups[index]!)),
    }));
    const object = createNative(renewed);
    native.adamwLoadState(
      object.id,
      state.map((each) => each && { step: each.step, expAvg: each.expAvg.handle, expAvgSq: each.expAvgSq.handle }),
    );
    this.#object.dispose();
    this.#object = object;
    this.#groups = renewed;
  }

  #parameters(): Tensor[] {
    return this.#groups.flatMap(({ params }) => params);
  }

  /** Frees the moments now. */
  dispose(): void {
    this.#object.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function createNative(groups: readonly AdamWGroup[]): NativeObject {
  const id = native.adamwCreate(
    groups.map(({ params, lr, betas, eps, weightDecay, epsilonBeforeCorrection }) => ({
      parameters: params.map((parameter) => parameter.handle),
      learningRate: lr,
      beta1: betas[0],
      beta2: betas[1],
      epsilon: eps,
      weightDecay,
      epsilonBeforeCorrection,
    })),
  );
  return new NativeObject(id, 'optimiser');
}

function settingsOf({ lr, betas, eps, weightDecay, epsilonBeforeCorrection }: AdamWSettings): AdamWSettings {
  return { lr, betas: [betas[0], betas[1]], eps, weightDecay, epsilonBeforeCorrection };
}

function checkParameters(parameters: readonly Tensor[]): void {
  if (parameters.length === 0) throw new ArgumentError('An optimiser needs at least one parameter.');
  if (new Set(parameters).size < parameters.length)
    throw new ArgumentError('A parameter is given to the optimiser twice.');
  for (const parameter of parameters) {
    if (!parameter.isLeaf) {
      throw new ArgumentError(`An optimiser updates leaves; this tensor was computed: ${parameter.toString()}.`);
    }
  }
}

function checkFits(
  groups: readonly AdamWGroup[],
  given: readonly AdamWSettings[],
  state: readonly ParameterState[],
  parameters: readonly Tensor[],
): void {
  if (given.length !== groups.length) {
    throw new CheckpointError(`The optimiser has ${groups.length} parameter groups, the state has ${given.length}.`);
  }
  if (state.length !== parameters.length) {
    throw new CheckpointError(`The optimiser has ${parameters.length} parameters, the state has ${state.length}.`);
  }
  for (const [index, each] of state.entries()) {
    const wanted = parameters[index]!.shape.join(', ');
    for (const moment of each === null ? [] : [each.expAvg, each.expAvgSq]) {
      if (moment.shape.join(', ') !== wanted) {
        throw new CheckpointError(
          `Parameter ${index} has shape [${wanted}], its moments in the state [${moment.shape.join(', ')}].`,
        );
      }
    }
  }
}
