/** Base of the optimisers whose updates are written with list kernels: their state is a few tensors for each parameter. */
import { native } from '../native';
import { noGrad, scope, Tensor, torch, wrap } from '../tensor';
import { foreach, scale_ } from './foreach';
import { handlesOf, type Group } from './groups';
import { Optimizer } from './optimizer';
import type { CommonSettings } from './settings';
import type { ParameterState } from './state';

/** Parameters of one device and dtype that have a gradient. The three lists belong together. */
export interface Bucket<State> {
  params: Tensor[];
  grads: Tensor[];
  /** What is remembered of each; empty before its first update. */
  states: Partial<State>[];
}

/**
 * An optimiser of your own needs `updateBucket`, `stateForm`, and its settings with their rules.
 *
 * Large parameters on the CPU come a few at a time, so that what is computed on the way stays in the cache.
 */
export abstract class ForeachOptimizer<Settings extends CommonSettings, State extends ParameterState> extends Optimizer<
  Settings,
  State
> {
  readonly #states = new Map<Tensor, Partial<State>>();

  /** Updates parameters in place, in a scope of its own and without gradients: tensors to be remembered must leave it, by `keep()`. */
  protected abstract updateBucket(settings: Settings, bucket: Bucket<State>): void;

  protected override update(): void {
    noGrad(() => {
      for (const group of this.groups) {
        for (const { positions, gradients } of native.gradients(handlesOf(group.params))) {
          scope(() => this.updateBucket(group, this.#bucket(group, positions, gradients.map(wrap))));
        }
      }
    });
  }

  #bucket(group: Group<Settings>, positions: readonly number[], grads: Tensor[]): Bucket<State> {
    const params = positions.map((position) => group.params[position]!);
    const states = params.map((parameter) => {
      let state = this.#states.get(parameter);
      if (state === undefined) this.#states.set(parameter, (state = {}));
      return state;
    });
    return { params, grads, states };
  }

  protected override readState(): (State | null)[] {
    return this.parameters().map((parameter) => {
      const state = this.#states.get(parameter);
      if (state === undefined || Object.keys(state).length === 0) return null;
      return mapTensors(state as State, (tensor) => tensor.detach());
    });
  }

  protected override writeState(state: readonly (State | null)[]): void {
    const copies = scope(() =>
      noGrad(() =>
        this.parameters().map((parameter, index) => {
          const each = state[index];
          return each === null || each === undefined ? {} : mapTensors(each, (tensor) => copyBeside(parameter, tensor));
        }),
      ),
    );
    this.freeState();
    for (const [index, parameter] of this.parameters().entries()) {
      this.#states.set(
        parameter,
        mapTensors(copies[index]!, (tensor) => tensor.keep()),
      );
    }
  }

  protected override freeState(): void {
    for (const state of this.#states.values()) {
      for (const value of Object.values(state as ParameterState)) if (isTensor(value)) value.dispose();
    }
    this.#states.clear();
  }
}

const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

function mapTensors<State extends object>(state: State, map: (tensor: Tensor) => Tensor): State {
  const entries = Object.entries(state as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name, isTensor(value) ? map(value) : value])) as State;
}

/** On the parameter's device and of its dtype; laid out in memory as the parameter where it has its shape. */
function copyBeside(parameter: Tensor, source: Tensor): Tensor {
  const { dtype, device, shape } = parameter;
  if (shape.join() === source.shape.join()) return torch.emptyLike(parameter).copy_(source);
  return source.detach().to({ dtype, device, copy: true });
}

/** Those parameters of a bucket at the places that are taken. */
export function pick<State>(
  { params, grads, states }: Bucket<State>,
  takes: (index: number) => boolean,
): Bucket<State> {
  const those = <T>(list: T[]) => list.filter((_, index) => takes(index));
  return { params: those(params), grads: those(grads), states: those(states) };
}

/** One remembered tensor of each parameter, zeros like it where there is none yet. */
export function zerosOnce<Name extends string>(
  name: Name,
  { params, states }: Bucket<{ [Key in Name]: Tensor }>,
): Tensor[] {
  return states.map((state, index) => (state[name] ??= torch.zerosLike(params[index]!).keep() as never));
}

/** Counts the update at hand. @returns the number of each parameter's updates */
export function countUpdates({ states }: Bucket<{ step: number }>): number[] {
  return states.map((state) => (state.step = (state.step ?? 0) + 1));
}

/** The gradients of what is to be descended: turned when `maximize` says so. Never to be written to. */
export function descending({ maximize }: CommonSettings, { grads }: Bucket<unknown>): Tensor[] {
  return maximize ? foreach.neg(grads) : grads;
}

/** The same with weight decay as part of the gradient. */
export function decayedGradients(settings: CommonSettings, bucket: Bucket<unknown>): Tensor[] {
  const grads = descending(settings, bucket);
  const { weightDecay } = settings;
  return weightDecay === 0 ? grads : foreach.add(grads, bucket.params, { alpha: weightDecay });
}

/** Weight decay that shrinks the weights themselves, in proportion to the learning rate. */
export function shrink({ lr, weightDecay }: CommonSettings, { params }: Bucket<unknown>): void {
  if (weightDecay !== 0) scale_(params, 1 - lr * weightDecay);
}
