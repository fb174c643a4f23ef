/**
 * Lifetime of tensors. Scopes first: what is made inside `scope(fn)` is freed when `fn` ends, except what it returns.
 * Finalisers second: a tensor outside every scope is freed when JavaScript forgets it, at the collector's leisure.
 */
import { types } from 'node:util';

import { DisposedError } from '../errors';
import { native, type Handle } from '../native';
import { currentContext, runIn, type Context, type Scope } from './context';

/** Frees what JavaScript has forgotten. Handles that were freed before are stale, which native code notices. */
const finalizers = new FinalizationRegistry<readonly Handle[]>((handles) =>
  native.freeMany(Float64Array.from(handles), handles.length),
);

/** Tensors in a batch: few, for a single one that is still in use keeps all the others. */
const batchSize = 16;

/**
 * Small tensors made one after another outside scopes. They share one entry in the registry, which costs the collector much
 * for each: every one holds on to the batch, so that it is forgotten with the last of them.
 */
class Batch {
  readonly handles: Handle[] = [];

  constructor() {
    finalizers.register(this, this.handles);
  }
}

let batch = new Batch();

function joinBatch(handle: Handle): Batch {
  if (batch.handles.length === batchSize) batch = new Batch();
  batch.handles.push(handle);
  return batch;
}

/** Ends the object's hold on its handle and returns it; 0 when it belongs to another scope or is disposed. */
let surrender: (owned: Owned, scope: Scope) => Handle;
/** Moves an object of `from` to the scope around it, or into the collector's care. */
let promote: (owned: Owned, from: Scope) => void;
let belongsTo: (owned: Owned, scope: Scope) => boolean;

let onBirth: ((handle: Handle) => void) | undefined;

/** Lets `observer` hear of every tensor that is made from now on in this thread; undefined ends it. */
export function observeBirths(observer: ((handle: Handle) => void) | undefined): void {
  onBirth = observer;
}

/** Whatever holds one tensor handle and gives it back exactly once: the base of `Tensor`. */
export abstract class Owned {
  #handle: Handle;
  #scope: Scope | undefined;
  /** Keeps the batch it is in. */
  #batch: Batch | undefined;

  /** @param handle negative for a small tensor, which holds little memory: see `native.call` */
  constructor(handle: Handle, context: Context) {
    const isSmall = handle < 0;
    this.#handle = isSmall ? -handle : handle;
    const scope = openScope(context.scope);
    if (isSmall && scope === undefined) {
      this.#scope = undefined;
      this.#batch = joinBatch(this.#handle);
    } else {
      this.#batch = undefined;
      this.#place(scope);
    }
    if (onBirth !== undefined) onBirth(this.#handle);
  }

  /** The native handle. @throws DisposedError after the tensor was disposed or its scope ended */
  get handle(): Handle {
    if (this.#handle === 0) {
      throw new DisposedError(
        'This tensor was disposed, or the scope that made it has ended. Return it from the scope or call keep() to use it longer.',
      );
    }
    return this.#handle;
  }

  get isDisposed(): boolean {
    return this.#handle === 0;
  }

  /** Frees the tensor now. Doing so twice is harmless; any other use afterwards is a DisposedError. */
  dispose(): void {
    const handle = this.#handle;
    if (handle === 0) return;
    this.#handle = 0;
    this.#scope = undefined;
    this.#batch = undefined;
    native.free(handle);
  }

  /** Takes the tensor out of every scope: it lives until `dispose()` or until JavaScript forgets it. */
  keep(): this {
    if (this.#scope !== undefined) this.#place(undefined);
    return this;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #place(scope: Scope | undefined): void {
    this.#scope = scope;
    if (scope === undefined) finalizers.register(this, [this.#handle]);
    else scope.add(this);
  }

  static {
    surrender = (owned, scope) => {
      if (owned.#scope !== scope) return 0;
      const handle = owned.#handle;
      owned.#handle = 0;
      owned.#scope = undefined;
      return handle;
    };
    promote = (owned, from) => {
      if (owned.#scope === from) owned.#place(openScope(from.outer));
    };
    belongsTo = (owned, scope) => owned.#scope === scope;
  }
}

/** Work may outlive the scope it was started in; what it makes then belongs to the nearest scope that is still open. */
function openScope(scope: Scope | undefined): Scope | undefined {
  while (scope !== undefined && !scope.open) scope = scope.outer;
  return scope;
}

/** Members at which a scope first looks for those that were disposed or kept meanwhile. */
const firstCompaction = 1024;

class TensorScope implements Scope {
  open = true;
  #members: Owned[] = [];
  #compactAt = firstCompaction;

  constructor(readonly outer: Scope | undefined) {}

  add(member: Owned): void {
    if (this.#members.length >= this.#compactAt) {
      this.#members = this.#members.filter((each) => belongsTo(each, this));
      this.#compactAt = Math.max(firstCompaction, 2 * this.#members.length);
    }
    this.#members.push(member);
  }

  /** Frees all members but those found in `result`, which move to the scope outside. */
  close(result: unknown): void {
    this.open = false;
    if (typeof result === 'object' && result !== null) {
      visitOwned(result, new Set(), (owned) => promote(owned, this));
    }
    const handles = new Float64Array(this.#members.length);
    let count = 0;
    for (const member of this.#members) {
      const handle = surrender(member, this);
      if (handle !== 0) handles[count++] = handle;
    }
    this.#members = [];
    if (count > 0) native.freeMany(handles, count);
  }
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
  return prototype === null || Object.getPrototypeOf(prototype) === null;
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
  const inner = new TensorScope(openScope(outer));
  let result: T;
  try {
    result = runIn({ scope: inner, modes, packer }, fn);
  } catch (error) {
    inner.close(undefined);
    throw error;
  }
  if (isThenable(result)) {
    return Promise.resolve(result).then(
      (value) => {
        inner.close(value);
        return value;
      },
      (error: unknown) => {
        inner.close(undefined);
        throw error;
      },
    ) as T;
  }
  inner.close(result);
  return result;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
