/**
 * Hooks of modules. A module with hooks has a `forward` of its own that runs them around the class's, so they run whoever calls
 * `forward`; a module without hooks pays nothing for them.
 */
import { types } from 'node:util';

import { checkArgument } from '../../arguments';
import { ArgumentError } from '../../errors';
import { withBackwardHooks } from './backward-hooks';

/** Takes what was registered away again. */
export interface RemovableHandle {
  /** Twice is harmless. */
  remove(): void;
}

export interface HookOptions {
  /** Runs the hook before those registered so far. */
  prepend?: boolean;
}

type Forward = (...inputs: unknown[]) => unknown;
type Hook = (...values: never[]) => unknown;

/** When a hook runs. */
export type HookKind = 'forwardPre' | 'forward' | 'backwardPre' | 'backward';

/** A module as hooks see it. */
export interface Hooked {
  forward(...inputs: never[]): unknown;
}

class Hooks {
  readonly forwardPre: Hook[] = [];
  readonly forward: Hook[] = [];
  readonly backwardPre: Hook[] = [];
  readonly backward: Hook[] = [];

  /** @param inner what `forward` was, unless it was the class's */
  constructor(
    readonly module: Hooked,
    public inner: Forward | undefined,
  ) {}

  get none(): boolean {
    return this.forwardPre.length + this.forward.length + this.backwardPre.length + this.backward.length === 0;
  }

  /** The module's own forward, between its hooks. */
  run(given: unknown[]): unknown {
    const { module, backward, backwardPre } = this;
    let inputs = given;
    for (const hook of [...this.forwardPre]) inputs = newInputs(hook(module as never, inputs as never), inputs);
    const forward = this.inner ?? (Object.getPrototypeOf(module) as { forward: Forward }).forward;
    const call = (values: unknown[]): unknown => forward.apply(module, values);
    const output =
      backward.length + backwardPre.length === 0
        ? call(inputs)
        : withBackwardHooks({ module, backward: [...backward], backwardPre: [...backwardPre] }, inputs, call);
    return types.isPromise(output) ? output.then((value) => this.#finish(inputs, value)) : this.#finish(inputs, output);
  }

  #finish(inputs: unknown[], output: unknown): unknown {
    let result = output;
    for (const hook of [...this.forward]) {
      result = hook(this.module as never, inputs as never, result as never) ?? result;
    }
    return result;
  }
}

function newInputs(returned: unknown, inputs: unknown[]): unknown[] {
  if (returned === undefined || returned === null) return inputs;
  if (Array.isArray(returned)) return returned as unknown[];
  throw new ArgumentError('A forward pre-hook must return the list of all inputs of forward, or nothing.');
}

const hooksOf = new WeakMap<Hooked, Hooks>();

/** @throws ArgumentError unless `hook` is a function */
export function registerHook(module: Hooked, kind: HookKind, hook: Hook, options: HookOptions = {}): RemovableHandle {
  checkArgument(hook, 'function', 'A hook');
  checkArgument(options, 'object', 'The options of a hook, such as { prepend: true },');
  let hooks = hooksOf.get(module);
  if (hooks === undefined) hooksOf.set(module, (hooks = install(module)));
  const list = hooks[kind];
  // Registered twice, a hook runs twice; an entry of its own tells them apart when one is removed.
  const entry: Hook = (...values) => hook(...values);
  if (options.prepend === true) list.unshift(entry);
  else list.push(entry);
  return {
    remove: () => {
      const index = list.indexOf(entry);
      if (index < 0) return;
      list.splice(index, 1);
      if (hooks.none) uninstall(module, hooks);
    },
  };
}

/** An accessor, so that a `forward` assigned later is wrapped as well. */
function install(module: Hooked): Hooks {
  const own = Object.getOwnPropertyDescriptor(module, 'forward')?.value as Forward | undefined;
  const hooks = new Hooks(module, own);
  const forward: Forward = (...inputs) => hooks.run(inputs);
  Object.defineProperty(module, 'forward', {
    get: () => forward,
    set: (value: Forward) => {
      hooks.inner = value;
    },
    configurable: true,
    enumerable: false,
  });
  return hooks;
}

function uninstall(module: Hooked, hooks: Hooks): void {
  hooksOf.delete(module);
  Reflect.deleteProperty(module, 'forward');
  if (hooks.inner !== undefined) module.forward = hooks.inner;
}

/** The `forward` that is a property of the module itself, not of its class, without hooks. */
export function ownForward(module: object): Forward | undefined {
  const hooks = hooksOf.get(module as Hooked);
  if (hooks !== undefined) return hooks.inner;
  return Object.getOwnPropertyDescriptor(module, 'forward')?.value as Forward | undefined;
}
