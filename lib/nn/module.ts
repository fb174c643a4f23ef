/** The base of every model and layer, written in TypeScript or native. */
import { ArgumentError } from '../errors';
import {
  checkDevice,
  checkDtype,
  isDevice,
  isDtype,
  noGrad,
  scope,
  type Device,
  type Dtype,
  type Tensor,
} from '../tensor';
import { Buffer, Parameter } from './parameter';
import { loadState, type LoadResult, type StateDict } from './state';

/** What a module holds directly: parameters, buffers and child modules by name. */
export type Member = Parameter | Buffer | Module;

/**
 * A model or a layer. Write `forward` and assign parameters, buffers and other modules, or arrays of them, to properties:
 *
 *     class Mlp extends nn.Module {
 *       readonly up = new nn.Linear(8, 32);
 *       readonly layers = [new nn.Linear(32, 32), new nn.Linear(32, 1)];        // layers.0, layers.1
 *       readonly scale = new nn.Parameter(torch.ones([1]));
 *       override forward(x: Tensor): Tensor { ... }
 *     }
 *
 * Names in `stateDict()` are the properties' names joined by dots. Properties that are `#private` cannot be found.
 */
export abstract class Module {
  #training = true;

  abstract forward(...inputs: never[]): unknown;

  /** Whether layers that differ in training, such as Dropout, behave so. */
  get training(): boolean {
    return this.#training;
  }

  /** Direct members by name. Native modules give theirs by overriding this. */
  *namedMembers(): Iterable<[name: string, member: Member]> {
    for (const [name, value] of Object.entries(this)) yield* membersIn(name, value);
  }

  /** Child modules by name, direct ones only. */
  *namedChildren(): Iterable<[name: string, child: Module]> {
    for (const [name, member] of this.namedMembers()) if (member instanceof Module) yield [name, member];
  }

  *children(): Iterable<Module> {
    for (const [, child] of this.namedChildren()) yield child;
  }

  /** This module (under the empty name) and all modules below it, each once. */
  *namedModules(): Iterable<[name: string, module: Module]> {
    yield* modulesBelow('', this, new Set());
  }

  *modules(): Iterable<Module> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /** All parameters with their full names; one that is shared comes once, under its first name. */
  *namedParameters(): Iterable<[name: string, parameter: Parameter]> {
    for (const [name, member] of this.#namedTensors()) if (member instanceof Parameter) yield [name, member];
  }

  *parameters(): Iterable<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  *namedBuffers(): Iterable<[name: string, buffer: Buffer]> {
    for (const [name, member] of this.#namedTensors()) if (member instanceof Buffer) yield [name, member];
  }

  *buffers(): Iterable<Buffer> {
    for (const [, buffer] of this.namedBuffers()) yield buffer;
  }

  *#namedTensors(): Iterable<[name: string, tensor: Parameter | Buffer]> {
    const seen = new Set<Tensor>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, member] of module.namedMembers()) {
        if (member instanceof Module || seen.has(member)) continue;
        seen.add(member);
        yield [join(prefix, name), member];
      }
    }
  }

  /** Puts this module and those below it into training (or evaluation) mode. */
  train(training = true): this {
    for (const module of this.modules()) module.setTraining(training);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** One module's part of `train()`; native modules pass it on. */
  protected setTraining(training: boolean): void {
    this.#training = training;
  }

  /**
   * Moves parameters and buffers, in place: they stay the same tensors. A dtype applies to floating-point ones only.
   * Make optimisers afterwards: their moments stay where they were.
   */
  to(target: Dtype | Device | { dtype?: Dtype; device?: Device }): this {
    const placement = toPlacement(target);
    for (const module of this.modules()) module.place(placement);
    return this;
  }

  /** One module's part of `to()`; native modules pass it on. */
  protected place({ dtype, device }: { dtype?: Dtype; device?: Device }): void {
    for (const [, member] of this.namedMembers()) {
      if (!(member instanceof Module)) placeTensor(member, dtype, device);
    }
  }

  /** Parameters and persistent buffers by name, as detached tensors on the same memory: changing one changes the module. */
  stateDict(): StateDict {
    const state: StateDict = new Map();
    for (const [name, tensor] of this.#stateTensors()) state.set(name, tensor.detach());
    return state;
  }

  /**
   * Copies values into parameters and persistent buffers, converting floating-point dtypes and devices.
   * @param options `strict: false` allows names that are missing or unexpected, and returns them
   * @throws CheckpointError listing every name and shape that does not fit; nothing has been changed then
   */
  loadStateDict(state: Iterable<readonly [string, Tensor]>, options: { strict?: boolean } = {}): LoadResult {
    return loadState(new Map(this.#stateTensors()), state, options.strict ?? true);
  }

  *#stateTensors(): Iterable<[string, Tensor]> {
    for (const [name, tensor] of this.#namedTensors()) {
      if (tensor instanceof Parameter || tensor.persistent) yield [name, tensor];
    }
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /** Freezes or unfreezes all parameters. */
  requiresGrad_(value = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = value;
    return this;
  }

  /** Frees all parameters and buffers now; without it they are freed when JavaScript forgets the module. */
  dispose(): void {
    for (const module of [...this.modules()]) {
      for (const [, member] of [...module.namedMembers()]) if (!(member instanceof Module)) member.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function* membersIn(name: string, value: unknown): Iterable<[string, Member]> {
  if (value instanceof Parameter || value instanceof Buffer || value instanceof Module) yield [name, value];
  else if (Array.isArray(value))
    for (const [index, each] of value.entries()) yield* membersIn(`${name}.${index}`, each);
}

function* modulesBelow(name: string, module: Module, seen: Set<Module>): Iterable<[string, Module]> {
  if (seen.has(module)) return;
  seen.add(module);
  yield [name, module];
  for (const [childName, child] of module.namedChildren()) yield* modulesBelow(join(name, childName), child, seen);
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function toPlacement(target: Dtype | Device | { dtype?: Dtype; device?: Device }): { dtype?: Dtype; device?: Device } {
  const placement = isDtype(target) ? { dtype: target } : isDevice(target) ? { device: target } : target;
  if (typeof placement !== 'object' || placement === null) {
    throw new ArgumentError(`to() takes a dtype, a device or { dtype, device }, not ${JSON.stringify(target)}.`);
  }
  if (placement.dtype !== undefined) {
    const dtype = checkDtype(placement.dtype);
    if (!isFloating(dtype))
      throw new ArgumentError(`A module's parameters cannot be ${dtype}; give a floating-point dtype.`);
  }
  if (placement.device !== undefined) checkDevice(placement.device);
  return placement;
}

function isFloating(dtype: Dtype): boolean {
  return dtype.includes('float');
}

/** Gives a tensor other memory, dtype and device while it stays the same leaf. */
function placeTensor(tensor: Tensor, dtype: Dtype | undefined, device: Device | undefined): void {
  const options = {
    dtype: isFloating(tensor.dtype) ? (dtype ?? tensor.dtype) : tensor.dtype,
    device: device ?? tensor.device,
  };
  if (options.dtype === tensor.dtype && options.device === tensor.device) return;
  scope(() =>
    noGrad(() => {
      const grad = tensor.grad;
      const moved = tensor.to(options);
      tensor.grad = null;
      tensor.setData(moved);
      if (grad !== null) tensor.grad = grad.to(options);
    }),
  );
}
