/**
 * What a piece of work carries along: the scope its tensors belong to and the modes it runs in. Kept in one AsyncLocalStorage
 * store, so that it follows `await` and never mixes between interleaved work or workers.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import { checkArgument } from '../arguments';
import { native, type Handle } from '../native';

/** A scope as contexts carry it; `scope.ts` says what it holds. */
export interface Scope {
  readonly open: boolean;
  readonly outer: Scope | undefined;
}

/** The modes of libtorch, as bits of one number; `native/tensor/autograd/modes.h` names the same ones. */
export enum Mode {
  Grad = 1,
  Inference = 2,
  AutocastCpu = 4,
  /** float16; without it bfloat16. */
  AutocastCpuHalf = 8,
  AutocastCuda = 16,
  AutocastCudaHalf = 32,
  AutocastCache = 64,
  Anomaly = 128,
  CheckNan = 256,
  SavedTensorHooks = 512,
}

/** Keeps what the graph saves: takes a tensor's handle, which it then owns. */
export type SavedTensorPacker = (saved: Handle) => Unpacker;

/** Gives what was saved, as the one handle of the list, for the backward pass `task`; the caller owns it. */
export interface Unpacker {
  (handles: readonly (Handle | null)[], extra: number, task: number): readonly [Handle];
  /** Called once nobody can ask any more. */
  release?(): void;
}

export interface Context {
  readonly scope: Scope | undefined;
  /** Bits of `Mode`. */
  readonly modes: number;
  /** Where `Mode.SavedTensorHooks` is set. */
  readonly packer: SavedTensorPacker | undefined;
}

const storage = new AsyncLocalStorage<Context>();
const outermost: Context = { scope: undefined, modes: Mode.Grad | Mode.AutocastCache, packer: undefined };

export function currentContext(): Context {
  return storage.getStore() ?? outermost;
}

export function runIn<T>(context: Context, fn: () => T): T {
  checkArgument(fn, 'function', 'What is to be run');
  return storage.run(context, fn);
}

/** The modes this thread's libtorch is in; they change only through `applyModes`, and inside `calledBack`. */
let appliedModes = native.modes();

/** Puts libtorch into the modes of the work at hand. To be called before any native call that depends on them. */
export function applyModes(context: Context = currentContext()): void {
  if (context.modes === appliedModes) return;
  native.setModes(context.modes);
  appliedModes = context.modes;
}

/**
 * Runs what native code calls back while libtorch is in the modes `actual`, in the modes `wanted`. Native code restores the former
 * ones afterwards.
 */
export function calledBack<T>(actual: number, wanted: number, fn: () => T): T {
  const { scope, packer } = currentContext();
  const modes = packer === undefined ? wanted & ~Mode.SavedTensorHooks : wanted;
  const before = appliedModes;
  appliedModes = actual;
  try {
    return storage.run({ scope, modes, packer }, fn);
  } finally {
    appliedModes = before;
  }
}
