/** Values of JavaScript that native code holds by number: functions that it calls back, and errors on their way through it. */
import path from 'node:path';

import { native, type Handle } from '../../native';
import { calledBack, currentContext, Mode, type Unpacker } from '../context';

/**
 * What native code calls: takes handles that it then owns, and gives handles that native code then owns, both null for an undefined
 * tensor. `extra` is what its kind needs besides; `task` tells one backward pass from another, -1 outside of them.
 */
export type Callback = (
  handles: readonly (Handle | null)[],
  extra: number,
  task: number,
) => readonly (Handle | null)[] | undefined;

const held = new Map<number, unknown>();
let lastNumber = 0;

/** The number under which native code calls the function that packs what the graph saves. */
const pack = 0;

/** Errors thrown by what native code called: they are passed on as they are. */
const thrown = new WeakSet<object>();

/** Gives a value to native code, which lets go of it by itself: a function to be called, or an error to be thrown. */
export function hold(value: unknown): number {
  releaseHeld();
  held.set(++lastNumber, value);
  return lastNumber;
}

/** Lets go of what native code has let go of; done from time to time by itself. */
export function releaseHeld(): void {
  const released = native.releasedCallbacks();
  if (released !== null) release(released);
}

/** Takes a function back before native code lets go of it: from now on calling it does nothing. */
export function takeBack(number: number): void {
  held.delete(number);
}

export function wasThrownByCallback(error: object): boolean {
  return thrown.has(error);
}

function call(
  number: number,
  modes: number,
  task: number,
  extra: number,
  handles: readonly (Handle | null)[],
): readonly (Handle | null)[] | number | undefined {
  try {
    if (number === pack) {
      releaseHeld();
      return calledBack(modes, modes & ~Mode.SavedTensorHooks, () => {
        held.set(extra, currentContext().packer!(handles[0]!));
        return undefined;
      });
    }
    const callback = held.get(number) as Callback | Unpacker | undefined;
    if (callback !== undefined) return calledBack(modes, modes, () => callback(handles, extra, task));
    for (const handle of handles) if (handle !== null) native.free(handle);
    return undefined;
  } catch (error) {
    if (typeof error === 'object' && error !== null) thrown.add(error);
    return hold(error);
  }
}

function release(numbers: readonly number[]): void {
  for (const number of numbers) {
    const value = held.get(number);
    held.delete(number);
    if (typeof value === 'function') (value as Unpacker).release?.();
  }
}

const ownFolder = path.resolve(__dirname, '..');

/** Where the code outside of this room that is running now was called, innermost first, one line each. */
function stack(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const lines = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  return lines.filter((line) => !line.includes(ownFolder)).join('\n');
}

native.initializeCallbacks({ call, release, valueOf: (number) => held.get(number), stack });
