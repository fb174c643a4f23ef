/**
 * What a piece of work carries along: the scope its tensors belong to and its grad mode. Kept in one AsyncLocalStorage
 * store, so that it follows `await` and never mixes between interleaved work or workers.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import { checkArgument } from '../arguments';
import { native } from '../native';

/** A scope as contexts carry it; `scope.ts` says what it does with its members. */
export interface Scope {
  readonly open: boolean;
  readonly outer: Scope | undefined;
  add(member: object): void;
}

export interface Context {
  readonly scope: Scope | undefined;
  readonly gradEnabled: boolean;
}

const storage = new AsyncLocalStorage<Context>();
const outermost: Context = { scope: undefined, gradEnabled: true };

export function currentContext(): Context {
  return storage.getStore() ?? outermost;
}

export function runIn<T>(context: Context, fn: () => T): T {
  checkArgument(fn, 'function', 'What is to be run');
  return storage.run(context, fn);
}

/** The mode this thread's libtorch is in; it changes only through `applyGradMode`. */
let appliedGradMode = native.gradEnabled();

/** Puts libtorch into the grad mode of the work at hand. To be called before any native call that can record gradients. */
export function applyGradMode(context: Context = currentContext()): void {
  if (context.gradEnabled === appliedGradMode) return;
  native.setGradEnabled(context.gradEnabled);
  appliedGradMode = context.gradEnabled;
}

/** Runs `fn` without recording gradients; when `fn` is asynchronous, until its promise settles. */
export function noGrad<T>(fn: () => T): T {
  return runIn({ scope: currentContext().scope, gradEnabled: false }, fn);
}

/** Runs `fn` with gradients recorded, inside a `noGrad`. */
export function enableGrad<T>(fn: () => T): T {
  return runIn({ scope: currentContext().scope, gradEnabled: true }, fn);
}

export function isGradEnabled(): boolean {
  return currentContext().gradEnabled;
}
