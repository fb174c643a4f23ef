/** Scaling of losses, so that small gradients do not vanish in float16. */
import { ArgumentError, CheckpointError, DtypeError } from '../errors';
import { native, type NativeLossScale } from '../native';
import { noGrad, operator, scope, Tensor, torch, wrap, type Device } from '../tensor';
import { handlesOf } from './groups';
import type { Optimizer } from './optimizer';

export interface GradScalerOptions {
  /** The first scale. Default 65,536. */
  initScale?: number;
  /** What the scale is multiplied by after `growthInterval` steps without infinite gradients; above 1. Default 2. */
  growthFactor?: number;
  /** What it is multiplied by after a step with infinite gradients; below 1. Default 0.5. */
  backoffFactor?: number;
  /** Default 2000. */
  growthInterval?: number;
  /** Without it every method does what it would do without scaling. Default true. */
  enabled?: boolean;
}

/** Plain data, for JSON too; by meaning that of `torch.amp.GradScaler`. Empty when scaling is not enabled. */
export interface GradScalerState {
  scale: number;
  growthFactor: number;
  backoffFactor: number;
  growthInterval: number;
  /** Steps in a row without infinite gradients. */
  growthTracker: number;
}

/** What was done with an optimiser's gradients since the last `update()`. */
interface Progress {
  stage: 'unscaled' | 'stepped';
  /** On each device that has gradients, 1 where some were not finite. They outlive scopes. */
  foundInf: Tensor[];
}

type Nested = Tensor | readonly Nested[];

const checkAndUnscale = (gradients: Tensor[], foundInf: Tensor, inverseScale: Tensor): void => {
  operator('aten::_amp_foreach_non_finite_check_and_unscale_')(gradients, foundInf, inverseScale);
};

/**
 * Scales losses up and gradients back down, and leaves out updates with infinite gradients, on a CPU or a GPU:
 *
 *     const scaler = new optim.GradScaler();
 *     const loss = torch.autocast({ device: 'cuda', dtype: 'float16' }, () => lossOf(net, batch));
 *     scaler.scale(loss).backward();
 *     scaler.unscale_(adam); optim.clipGradNorm(net.parameters(), 1);      // only to see the gradients as they are
 *     scaler.step(adam); scaler.update();
 *
 * As `torch.amp.GradScaler`. bfloat16 has the range of float32 and needs none.
 */
export class GradScaler {
  readonly enabled: boolean;
  growthFactor: number;
  backoffFactor: number;
  growthInterval: number;
  /** What the tensors begin with on the device of the first output. */
  #initial: { scale: number; growthTracker: number };
  #tensors: { scale: Tensor; growthTracker: Tensor } | undefined;
  #progress = new Map<Optimizer, Progress>();

  /** @throws ArgumentError for settings out of range */
  constructor(options: GradScalerOptions = {}) {
    const { initScale = 2 ** 16, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options;
    this.enabled = options.enabled ?? true;
    checkSettings({ scale: initScale, growthFactor, backoffFactor, growthInterval, growthTracker: 0 }, ArgumentError);
    this.growthFactor = growthFactor;
    this.backoffFactor = backoffFactor;
    this.growthInterval = growthInterval;
    this.#initial = { scale: initScale, growthTracker: 0 };
  }

  /** The scale at hand; on a GPU this waits for it. 1 when scaling is not enabled. */
  get currentScale(): number {
    if (!this.enabled) return 1;
    return this.#tensors === undefined ? this.#initial.scale : this.#tensors.scale.item();
  }

  /**
   * What a native training step scales its loss by, and changes by the same rules; null when scaling is not enabled. For trainers.
   * @param device of the module, on which the scale begins
   */
  lossScale(device: Device): NativeLossScale | null {
    if (!this.enabled) return null;
    const { scale, growthTracker } = this.#begun(device);
    const { growthFactor, backoffFactor, growthInterval } = this;
    return { scale: scale.handle, growthTracker: growthTracker.handle, growthFactor, backoffFactor, growthInterval };
  }

  /** The outputs, a tensor or lists of them, times the scale. */
  scale<T extends Nested>(outputs: T): T {
    if (!this.enabled) return outputs;
    return this.#scaled(outputs) as T;
  }

  #scaled(outputs: Nested): Nested {
    if (outputs instanceof Tensor) return outputs.mul(this.#begun(outputs.device).scale.to(outputs.device));
    if (Array.isArray(outputs)) return (outputs as Nested[]).map((each) => this.#scaled(each));
    throw new ArgumentError('scale() takes a tensor, or lists of tensors.');
  }

  #begun(device: Device): { scale: Tensor; growthTracker: Tensor } {
    this.#tensors ??= {
      scale: torch.full([], this.#initial.scale, { dtype: 'float32', device }).keep(),
      growthTracker: torch.full([], this.#initial.growthTracker, { dtype: 'int32', device }).keep(),
    };
    return this.#tensors;
  }

  #scale(method: string): Tensor {
    if (this.#tensors !== undefined) return this.#tensors.scale;
    throw new ArgumentError(`${method} was called before any output was scaled: scale(loss).backward() comes first.`);
  }

  /**
   * Divides an optimiser's gradients by the scale, so that they can be seen or clipped before `step`; `step` does so itself otherwise.
   * @throws ArgumentError when it was done before since the last `update()`; DtypeError for float16 gradients, which could not hold them
   */
  unscale_(optimizer: Optimizer): void {
    if (!this.enabled) return;
    const scale = this.#scale('unscale_()');
    const stage = this.#progress.get(optimizer)?.stage;
    if (stage !== undefined) {
      throw new ArgumentError(`unscale_(): this optimiser was ${stage} already since the last update().`);
    }
    // The reciprocal in float64, as PyTorch takes it.
    const foundInf = scope(() => noGrad(() => unscale(optimizer, scale.double().reciprocal().float())));
    this.#progress.set(optimizer, { stage: 'unscaled', foundInf: foundInf.map((found) => found.keep()) });
  }

  /**
   * Calls `optimizer.step()`, unless a gradient is infinite or not a number.
   * @returns whether it was called
   * @throws ArgumentError when it was done before since the last `update()`, or the optimiser has no gradients
   */
  step(optimizer: Optimizer): boolean {
    if (!this.enabled) {
      optimizer.step();
      return true;
    }
    this.#scale('step()');
    if (this.#progress.get(optimizer)?.stage === 'stepped') {
      throw new ArgumentError('step() was called already for this optimiser since the last update().');
    }
    if (!this.#progress.has(optimizer)) this.unscale_(optimizer);
    const progress = this.#progress.get(optimizer)!;
    if (progress.foundInf.length === 0) {
      throw new ArgumentError('step(): no parameter of this optimiser has a gradient, so that none could be checked.');
    }
    const isFinite = progress.foundInf.every((found) => found.item() === 0);
    if (isFinite) optimizer.step();
    progress.stage = 'stepped';
    return isFinite;
  }

  /**
   * Lowers the scale if some gradient was infinite, or raises it after enough steps without. To be called once, after `step` of every
   * optimiser.
   * @param newScale sets the scale instead
   */
  update(newScale?: number | Tensor): void {
    if (!this.enabled) return;
    const scale = this.#scale('update()');
    const { growthTracker } = this.#tensors!;
    const found = [...this.#progress.values()].flatMap(({ foundInf }) => foundInf);
    if (newScale === undefined && found.length === 0) {
      throw new ArgumentError('update() was called before the gradients of any optimiser were checked by step().');
    }
    const value = newScale instanceof Tensor ? newScale.item() : newScale;
    if (value !== undefined && !(value > 0 && value < Infinity)) {
      throw new ArgumentError(`A scale must be a finite number above 0, not ${String(value)}.`);
    }
    scope(() =>
      noGrad(() => {
        if (value !== undefined) {
          scale.fill_(value);
          return;
        }
        const all = found.map((each) => each.to(scale.device)).reduce((sum, each) => sum.add(each));
        const { growthFactor, backoffFactor, growthInterval } = this;
        operator('aten::_amp_update_scale_')(scale, growthTracker, all, growthFactor, backoffFactor, growthInterval);
      }),
    );
    for (const each of found) each.dispose();
    this.#progress.clear();
  }

  stateDict(): GradScalerState | Record<string, never> {
    if (!this.enabled) return {};
    const growthTracker =
      this.#tensors === undefined ? this.#initial.growthTracker : this.#tensors.growthTracker.item();
    const { currentScale: scale, growthFactor, backoffFactor, growthInterval } = this;
    return { scale, growthFactor, backoffFactor, growthInterval, growthTracker };
  }

  /** @throws CheckpointError for the state of a scaler that was not enabled, or values out of range; nothing has changed then */
  loadStateDict(state: GradScalerState | Record<string, never>): void {
    if (!this.enabled) return;
    if (Object.keys(state).length === 0) {
      throw new CheckpointError('The state is empty: it is that of a GradScaler that was not enabled.');
    }
    checkSettings(state as GradScalerState, CheckpointError);
    const { scale, growthTracker, growthFactor, backoffFactor, growthInterval } = state as GradScalerState;
    Object.assign(this, { growthFactor, backoffFactor, growthInterval });
    this.#initial = { scale, growthTracker };
    noGrad(() => {
      this.#tensors?.scale.fill_(scale);
      this.#tensors?.growthTracker.fill_(growthTracker);
    });
  }

  /** Frees its few tensors now. */
  dispose(): void {
    this.#initial = { ...this.#initial, scale: this.currentScale };
    for (const { foundInf } of this.#progress.values()) for (const found of foundInf) found.dispose();
    this.#progress.clear();
    this.#tensors?.scale.dispose();
    this.#tensors?.growthTracker.dispose();
    this.#tensors = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Multiplies all gradients in place. @returns for each device, 1 where some were not finite, else 0 */
function unscale(optimizer: Optimizer, inverseScale: Tensor): Tensor[] {
  const handles = handlesOf(optimizer.parameters());
  const buckets = native.gradients(handles).map(({ gradients }) => gradients.map(wrap));
  if (buckets.some(([first]) => first!.dtype === 'float16')) {
    throw new DtypeError(
      'Gradients in float16 cannot be unscaled: keep the parameters in float32 and compute in float16 by autocast.',
    );
  }
  const found = new Map<Device, Tensor>();
  for (const gradients of buckets) {
    const { device } = gradients[0]!;
    const here = found.get(device) ?? torch.zeros([], { dtype: 'float32', device });
    found.set(device, here);
    checkAndUnscale(gradients, here, inverseScale.to(device));
  }
  return [...found.values()];
}

function checkSettings(settings: GradScalerState, Failure: typeof ArgumentError | typeof CheckpointError): void {
  const check = (name: keyof GradScalerState, fits: (value: number) => boolean, range: string) => {
    const value: unknown = settings[name];
    if (typeof value !== 'number' || !fits(value))
      throw new Failure(`GradScaler: ${name} must be ${range}, not ${String(value)}.`);
  };
  check('scale', (value) => value > 0 && value < Infinity, 'a finite number above 0');
  check('growthFactor', (value) => value > 1 && value < Infinity, 'a finite number above 1');
  check('backoffFactor', (value) => value > 0 && value < 1, 'above 0 and below 1');
  check('growthInterval', (value) => Number.isInteger(value) && value > 0, 'a whole number above 0');
  check('growthTracker', (value) => Number.isInteger(value) && value >= 0, 'a whole number from 0 on');
}
