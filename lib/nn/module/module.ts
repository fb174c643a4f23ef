/** The base of every model and layer, written in TypeScript or native. */
import { inspect } from 'node:util';

import { checkArgument } from '../../arguments';
import { ArgumentError } from '../../errors';
import type { Device, Dtype, Tensor } from '../../tensor';
import type { Gradients } from './backward-hooks';
import { copyModule, copySelf, copyValue, type Copies } from './copy';
import { describe } from './describe';
import { registerHook, type HookOptions, type RemovableHandle } from './hooks';
import { find, join, memberName } from './names';
import type { Buffer, Parameter } from './parameter';
import { placeTensor, toPlacement, type Placement } from './placement';
import { loadState, type LoadOptions, type LoadResult, type StateDict } from './state';
import { summarize } from './summary';
import { childrenOf, isBuffer, isTensor, modulesOf, tensorsOf, type ListOptions, type TensorListOptions } from './tree';

/** What a module holds directly: parameters, buffers and child modules by name. */
export type Member = Parameter | Buffer | Module;

/** What a module's `forward` takes and gives. */
export type Inputs<M extends { forward: unknown }> = M['forward'] extends (...inputs: infer I) => unknown ? I : never;
export type Output<M extends { forward: unknown }> = M['forward'] extends (...inputs: never[]) => infer O ? O : never;

/**
 * A model or a layer. Write `forward` and assign parameters, buffers and other modules, or arrays of them, to properties:
 *
 *     class Mlp extends nn.Module {
 *       readonly fcIn = new nn.Linear(8, 32);                                   // fc_in.weight, fc_in.bias
 *       readonly layers = [new nn.Linear(32, 32), new nn.Linear(32, 1)];        // layers.0.weight, ...
 *       readonly scale = new nn.Parameter(torch.ones([1]));
 *       readonly mean = new nn.Buffer(torch.zeros([8]), { persistent: false });  // not in stateDict()
 *       override forward(x: Tensor): Tensor { ... }
 *     }
 *
 * `forward` is how modules are called, by users and by other modules; hooks run whenever it is called.
 * Names in `stateDict()` are the properties' names as PyTorch writes them (`fcIn` is `fc_in`), joined by dots, so a module
 * whose properties are those of a model in Python reads its checkpoints. Properties that are `#private` cannot be found.
 */
export abstract class Module {
  /** Whether layers that differ in training, such as Dropout, behave so. Set by `train()` and `eval()`. */
  readonly training: boolean = true;

  abstract forward(...inputs: never[]): unknown;

  /** Direct members by name. Modules whose members are no properties give them by overriding this. */
  *namedMembers(): Iterable<[name: string, member: Member]> {
    for (const [name, value] of Object.entries(this)) {
      if (typeof value === 'object' && value !== null) yield* membersIn(memberName(name), value);
    }
  }

  /** Child modules by name, direct ones only. */
  namedChildren(): Iterable<[name: string, child: Module]> {
    return childrenOf<Module>(this);
  }

  *children(): Iterable<Module> {
    for (const [, child] of this.namedChildren()) yield child;
  }

  /** This module (under the empty name) and all modules below it, each once. */
  namedModules(options: ListOptions = {}): Iterable<[name: string, module: Module]> {
    return modulesOf<Module>(this, options);
  }

  *modules(): Iterable<Module> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /** All parameters with their full names; one that is shared comes once, under its first name. */
  *namedParameters(options: TensorListOptions = {}): Iterable<[name: string, parameter: Parameter]> {
    for (const [name, tensor] of tensorsOf<Module>(this, options)) if (!isBuffer(tensor)) yield [name, tensor];
  }

  *parameters(options: { recurse?: boolean } = {}): Iterable<Parameter> {
    for (const [, parameter] of this.namedParameters(options)) yield parameter;
  }

  *namedBuffers(options: TensorListOptions = {}): Iterable<[name: string, buffer: Buffer]> {
    for (const [name, tensor] of tensorsOf<Module>(this, options)) if (isBuffer(tensor)) yield [name, tensor];
  }

  *buffers(options: { recurse?: boolean } = {}): Iterable<Buffer> {
    for (const [, buffer] of this.namedBuffers(options)) yield buffer;
  }

  /** The module below with this full name; '' is the module itself. @throws ArgumentError when there is none */
  getSubmodule(name: string): Module {
    return find(name, this.namedModules({ removeDuplicate: false }), 'module');
  }

  /** @throws ArgumentError when there is none of this full name */
  getParameter(name: string): Parameter {
    return find(name, this.namedParameters({ removeDuplicate: false }), 'parameter');
  }

  /** @throws ArgumentError when there is none of this full name */
  getBuffer(name: string): Buffer {
    return find(name, this.namedBuffers({ removeDuplicate: false }), 'buffer');
  }

  /** Number of elements of all parameters, shared ones counted once. */
  numParameters(options: { trainable?: boolean } = {}): number {
    let count = 0;
    for (const parameter of this.parameters()) {
      if (options.trainable !== true || parameter.requiresGrad) count += parameter.numel;
    }
    return count;
  }

  /** Calls `fn` with every module below, then with this one: `net.apply((module) => { ... })`, as for first values. */
  apply(fn: (module: Module) => void): this {
    checkArgument(fn, 'function', 'What is applied to modules');
    const visit = (module: Module): void => {
      for (const child of module.children()) visit(child);
      fn(module);
    };
    visit(this);
    return this;
  }

  /** Puts this module and those below it into training (or evaluation) mode. */
  train(training = true): this {
    if (typeof training !== 'boolean') throw new ArgumentError(`train() takes true or false, not ${String(training)}.`);
    for (const module of this.modules()) module.setTraining(training);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** One module's part of `train()`; native modules pass it on. */
  protected setTraining(training: boolean): void {
    (this as { training: boolean }).training = training;
  }

  /**
   * Moves parameters and buffers, in place: they stay the same tensors. A dtype applies to floating-point and complex ones only.
   * Make optimisers afterwards: their moments stay where they were.
   */
  to(target: Dtype | Device | Tensor | Placement): this {
    const placement = toPlacement(target);
    for (const module of this.modules()) module.place(placement);
    return this;
  }

  /** One module's part of `to()`; native modules pass it on. */
  protected place(placement: Placement): void {
    for (const [, member] of this.namedMembers()) if (isTensor(member)) placeTensor(member, placement);
  }

  cpu(): this {
    return this.to('cpu');
  }

  /** @param index of the GPU; the current one if left out */
  cuda(index?: number): this {
    return this.to(index === undefined ? 'cuda' : `cuda:${index}`);
  }

  /** To float32. */
  float(): this {
    return this.to('float32');
  }

  /** To float64. */
  double(): this {
    return this.to('float64');
  }

  /** To float16. */
  half(): this {
    return this.to('float16');
  }

  bfloat16(): this {
    return this.to('bfloat16');
  }

  /**
   * Parameters and persistent buffers by name, as detached tensors on the same memory: changing one changes the module.
   * One that is shared has all its names.
   */
  stateDict(options: { prefix?: string } = {}): StateDict {
    const state: StateDict = new Map();
    for (const [name, tensor] of this.stateTensors()) state.set(`${options.prefix ?? ''}${name}`, tensor.detach());
    return state;
  }

  /**
   * Copies values into parameters and persistent buffers, converting floating-point dtypes and devices.
   * @param state a Map, such as `stateDict()`, `loadSafetensors` and `loadPytorch` give, or pairs of name and tensor
   * @throws CheckpointError listing every name and shape that does not fit; nothing has been changed then
   */
  loadStateDict(state: Iterable<readonly [string, Tensor]>, options: LoadOptions = {}): LoadResult {
    checkArgument(options, 'object', 'The options of loadStateDict(), such as { strict: false },');
    return loadState(this.stateTensors(), state, options);
  }

  /** Every name of what `stateDict()` holds. */
  private stateTensors(): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of tensorsOf<Module>(this, { removeDuplicate: false })) {
      if (isBuffer(tensor) && !tensor.persistent) continue;
      if (tensors.has(name)) {
        throw new ArgumentError(
          `Two members of ${this.constructor.name} have the name "${name}" in its state; rename one.`,
        );
      }
      tensors.set(name, tensor);
    }
    return tensors;
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

  /**
   * Runs `hook` before every `forward`; an array that it returns becomes forward's inputs.
   * Jobs of native modules (`run`, a trainer's steps) compute natively and call no hooks.
   */
  registerForwardPreHook<M extends Module>(
    this: M,
    hook: (module: M, inputs: Inputs<M>) => readonly unknown[] | void,
    options?: HookOptions,
  ): RemovableHandle {
    return registerHook(this, 'forwardPre', hook, options);
  }

  /** Runs `hook` after every `forward`, once a promised output is there; what it returns, if anything, becomes the output. */
  registerForwardHook<M extends Module>(
    this: M,
    hook: (module: M, inputs: Inputs<M>, output: Awaited<Output<M>>) => unknown,
    options?: HookOptions,
  ): RemovableHandle {
    return registerHook(this, 'forward', hook, options);
  }

  /**
   * Runs `hook` when the gradients of forward's outputs are known, before they go into the module. `gradOutput` has a place for each
   * element of what forward gave; an array that the hook returns goes on in its stead.
   */
  registerFullBackwardPreHook<M extends Module>(
    this: M,
    hook: (module: M, gradOutput: Gradients) => Gradients | void,
    options?: HookOptions,
  ): RemovableHandle {
    return registerHook(this, 'backwardPre', hook, options);
  }

  /**
   * Runs `hook` when the gradients of forward's inputs are known; an array that it returns goes on in the stead of `gradInput`. Only
   * inputs and outputs that are tensors themselves are heard, not those within options or nested arrays, nor do they take changes in
   * place afterwards. Where no input requires gradients, the hook runs with those of the outputs.
   */
  registerFullBackwardHook<M extends Module>(
    this: M,
    hook: (module: M, gradInput: Gradients, gradOutput: Gradients) => Gradients | void,
    options?: HookOptions,
  ): RemovableHandle {
    return registerHook(this, 'backward', hook, options);
  }

  /**
   * A module of the same class with copies of all parameters, buffers, tensors and modules; what they share stays shared.
   * Hooks and gradients are not copied, and what is neither tensor nor module is the same object in both.
   * @throws ArgumentError for classes with `#private` members, and for native modules
   */
  clone(): this {
    return copyValue(this, new Map()) as this;
  }

  [copySelf](copies: Copies): unknown {
    return copyModule(this, copies);
  }

  /**
   * A table of the module's layers: what each gives, how many parameters it has of its own, and which of them are trained.
   * @param inputs a forward pass with them, in evaluation mode and without gradients, finds the shapes of outputs; left out,
   *   the table has none
   */
  summary<M extends Module>(this: M, ...inputs: Inputs<M> | []): string {
    return summarize(this, inputs);
  }

  /** What `util.inspect` shows of this module between its name and its children. */
  extraRepr(): string {
    return '';
  }

  /** The tree of layers, as `util.inspect` shows it. */
  toString(): string {
    return describe(this);
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** Frees all parameters and buffers now; without it they are freed when JavaScript forgets the module. */
  dispose(): void {
    for (const module of [...this.modules()]) {
      for (const [, member] of [...module.namedMembers()]) if (isTensor(member)) member.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function* membersIn(name: string, value: unknown): Iterable<[string, Member]> {
  if (isTensor(value) || value instanceof Module) yield [name, value];
  else if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* membersIn(join(name, String(index)), each);
  }
}
