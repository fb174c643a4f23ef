/**
 * Lifetime of tensors. Scopes first: what is made inside `scope(fn)` is freed when `fn` ends, except what it returns.
 * Finalisers second: a tensor outside every scope is freed when JavaScript forgets it, at the collector's leisure.
 */
import { types } from 'node:util';

import { ArgumentError, DisposedError } from '../errors';
import { native, type Handle } from '../native';
import { currentContext, runIn, type Context, type Scope } from './context';

/**
 * Stands for an object that every collection finds: V8 stops finalising for good when all registries with work to do are collected,
 * with their realms of node:vm, before it comes to them; and it tells that a collection's finds have been freed.
 */
const marker: readonly Handle[] = [];
let freed = 0;

/** Frees what JavaScript has forgotten. Handles that were freed before are stale, which native code notices. */
const finalizers = new FinalizationRegistry<readonly Handle[]>((handles) => {
  if (handles === marker) {
    freed++;
    finalizers.register({}, marker);
  } else freeAll(handles);
});
finalizers.register({}, marker);

/** How many collections' finds have been freed. */
export function timesFreed(): number {
  return freed;
}

let doomed = new Float64Array(64);

/** Frees handles; there are zeros where a place is vacant. */
function freeAll(handles: readonly Handle[]): void {
  if (handles.length > doomed.length) doomed = new Float64Array(2 * handles.length);
  let count = 0;
  for (let index = 0; index < handles.length; index++) {
    const handle = handles[index]!;
    if (handle !== 0) doomed[count++] = handle;
  }
  if (count > 0) native.freeMany(doomed, count);
}

/** What holds handles and frees them together: tensors know their home, but it does not know them. */
class Home implements Scope {
  open = true;
  readonly handles: Handle[] = [];
  #vacant: number[] | undefined;

  constructor(readonly outer: Scope | undefined) {}

  /** Takes a handle in and tells its place. */
  add(handle: Handle): number {
    const { handles } = this;
    const place = this.#vacant?.pop() ?? handles.length;
    if (place === handles.length) handles.push(handle);
    else handles[place] = handle;
    return place;
  }

  remove(place: number): void {
    this.handles[place] = 0;
    (this.#vacant ??= []).push(place);
  }
}

/** A home outside every scope, forgotten with the last tensor that lives in it. */
function homeForTheForgotten(): Home {
  const home = new Home(undefined);
  finalizers.register(home, home.handles);
  return home;
}

/**
 * Small tensors made one after another outside scopes share a home, for the collector has much to do for each. They are few: a
 * single one that is still in use keeps all the others.
 */
const sharers = 32;
let shared = homeForTheForgotten();

function sharedHome(): Home {
  if (shared.handles.length >= sharers) shared = homeForTheForgotten();
  return shared;
}

/** Moves an object that lives in `from` to the scope around it, or into the collector's care. */
let promote: (owned: Owned, from: Home) => void;

let onBirth: ((handle: Handle) => void) | undefined;

/** Lets `observer` hear of every tensor that is made from now on in this thread; undefined ends it. */
export function observeBirths(observer: ((handle: Handle) => void) | undefined): void {
  onBirth = observer;
}

/** Whatever holds one tensor handle and gives it back exactly once: the base of `Tensor`. */
export abstract class Owned {
  #handle: Handle;
  #home: Home;
  /** Its place in its home. */
  #place: number;

  /** @param handle negative for a small tensor, which keeps little memory: see `native.call` */
  constructor(handle: Handle, context: Context) {
    const isSmall = handle < 0;
    this.#handle = isSmall ? -handle : handle;
    this.#home = openScope(context.scope) ?? (isSmall ? sharedHome() : homeForTheForgotten());
    this.#place = this.#home.add(this.#handle);
    if (onBirth !== undefined) onBirth(this.#handle);
  }

  /**
   * The native handle.
   * @throws DisposedError after the tensor was disposed or its scope ended
   * @throws ArgumentError for a Proxy of a tensor, which has none of its own
   */
  get handle(): Handle {
    if (!(#handle in this)) {
      throw new ArgumentError('A Proxy of a tensor, or an object made like one, is no tensor.');
    }
    if (this.#handle === 0 || !this.#home.open) {
      throw new DisposedError(
        'This tensor was disposed, or the scope that made it has ended. Return it from the scope or call keep() to use it longer.',
      );
    }
    return this.#handle;
  }

  get isDisposed(): boolean {
    return this.#handle === 0 || !this.#home.open;
  }

  /** Frees the tensor now. Doing so twice is harmless; any other use afterwards is a DisposedError. */
  dispose(): void {
    if (this.isDisposed) return;
    const handle = this.#handle;
    this.#handle = 0;
    this.#home.remove(this.#place);
    native.free(handle);
  }

  /** Takes the tensor out of every scope: it lives until `dispose()` or until JavaScript forgets it. */
  keep(): this {
    if (!this.isDisposed) this.#move(homeForTheForgotten());
    return this;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #move(home: Home): void {
    this.#home.remove(this.#place);
    this.#home = home;
    this.#place = home.add(this.#handle);
  }

  static {
    promote = (owned, from) => {
      if (owned.#home === from && owned.#handle !== 0) owned.#move(openScope(from.outer) ?? homeForTheForgotten());
    };
  }
}

/** Work may outlive the scope it was started in; what it makes then belongs to the nearest scope that is still open. */
function openScope(scope: Scope | undefined): Home | undefined {
  while (scope !== undefined && !scope.open) scope = scope.outer;
  return scope as Home | undefined;
}

/** Ends a scope: frees what lives in it but what is found in `result`, which moves to the scope outside. */
function close(home: Home, result: unknown): void {
  home.open = false;
  if (typeof result === 'object' && result !== null) {
    visitOwned(result, new Set(), (owned) => promote(owned, home));
  }
  freeAll(home.handles);
}

function visitOwned(value: unknown, seen: Set<object>, visit: (owned: Owned) => void): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Owned) visit(value);
  else if (Array.isArray(value) || types.isSet(value)) for (const each of value) visitOwned(each, seen, visit);
  else if (types.isMap(value)) {
    for (const [key, each] of value) {
      visitOwned(key, seen, visit);
      visitOwned(each, seen, visit);
    }
  } else if (isPlainObject(value)) for (const each of Object.values(value)) visitOwned(each, seen, visit);
}

/** Whether a value is an object literal (of any realm) and no instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Runs `fn` and then frees every tensor made inside it, except those it returns: a tensor, or tensors anywhere in
 * returned arrays, plain objects, Maps and Sets. These move to the scope outside. When `fn` gives a promise the scope
 * ends as the promise settles, and follows `await` inside, also when other work runs in between. When `fn` throws,
 * everything is freed. Parameters and buffers of modules never belong to a scope.
 *
 * Work started inside but not awaited may run on after the end: what it makes then belongs to the nearest scope still open.
 */
export function scope<T>(fn: () => T): T {
  const { scope: outer, modes, packer } = currentContext();
  const inner = new Home(openScope(outer));
  let result: T;
  try {
    result = runIn({ scope: inner, modes, packer }, fn);
  } catch (error) {
    close(inner, undefined);
    throw error;
  }
  if (isThenable(result)) {
    return Promise.resolve(result).then(
      (value) => {
        close(inner, value);
        return value;
      },
      (error: unknown) => {
        close(inner, undefined);
        throw error;
      },
    ) as T;
  }
  close(inner, result);
  return result;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
