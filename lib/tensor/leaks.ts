/** Debug mode: where each tensor was made, what is alive and should not be. Costs nothing while it is off. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import path from 'node:path';

import { checkArgument } from '../arguments';
import { LeakError } from '../errors';
import { native, type Handle } from '../native';
import { describeTensor } from './printing';
import { isThenable, observeBirths } from './scope';

/** Live tensors that were made at one place. */
export interface Leak {
  /** The line that made them, and how the first of them came there: the innermost first, lines of this package left out. */
  stack: string[];
  tensors: number;
  /** Of the distinct storages behind them. */
  bytes: number;
  /** What the first of them looks like: shape, dtype, device. */
  example: string;
}

/** A call of `assertNoLeaks` that is under way. */
interface Watch {
  outer: Watch | undefined;
}

interface Birth {
  /** Holds the stack, which V8 turns into text only when it is read. */
  place: { stack?: string };
  watch: Watch | undefined;
}

const births = new Map<Handle, Birth>();
const firstSweep = 4096;
let sweepAt = firstSweep;
const watches = new AsyncLocalStorage<Watch>();
/** Reasons to trace: `traceLeaks`, and each `assertNoLeaks` under way. */
let reasons = 0;
let tracesAll = false;

const framesKept = 40;
const framesShown = 4;

function recordBirth(handle: Handle): void {
  if (births.size >= sweepAt) {
    for (const each of births.keys()) if (!native.isLive(each)) births.delete(each);
    sweepAt = Math.max(firstSweep, 2 * births.size);
  }
  const place: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = framesKept;
  Error.captureStackTrace(place, recordBirth);
  Error.stackTraceLimit = limit;
  births.set(handle, { place, watch: watches.getStore() });
}

function addReason(change: 1 | -1): void {
  reasons += change;
  observeBirths(reasons > 0 ? recordBirth : undefined);
  if (reasons === 0) births.clear();
}

/**
 * Debug mode on or off, for this thread: from now on each tensor's birth place is recorded, which costs some microseconds each.
 * The environment variable `TORCHWRIGHT_DEBUG=leaks` turns it on from the start, and reports what is alive at the end of the process.
 */
export function traceLeaks(enabled = true): void {
  checkArgument(enabled, 'boolean', 'Whether to trace');
  if (enabled === tracesAll) return;
  tracesAll = enabled;
  addReason(enabled ? 1 : -1);
}

/** What is alive of all that was made while tracing, by birth place, the most bytes first. Empty while nothing is traced. */
export function leaks(): Leak[] {
  return leaksOf(() => true).leaks;
}

interface Found {
  leaks: Leak[];
  tensors: number;
  bytes: number;
}

function leaksOf(concerns: (birth: Birth) => boolean): Found {
  const byPlace = new Map<string, Leak>();
  const seen = new Set<number>();
  const found: Found = { leaks: [], tensors: 0, bytes: 0 };
  for (const [handle, birth] of births) {
    if (!concerns(birth) || !native.isLive(handle)) continue;
    const stack = ownFrames(birth.place.stack ?? '');
    const key = stack[0] ?? '';
    let leak = byPlace.get(key);
    if (leak === undefined)
      byPlace.set(key, (leak = { stack, tensors: 0, bytes: 0, example: describeTensor(handle, 'Tensor') }));
    const storage = native.storage(handle);
    const bytes = storage === null || seen.has(storage.id) ? 0 : storage.bytes;
    if (storage !== null) seen.add(storage.id);
    leak.tensors++;
    leak.bytes += bytes;
    found.tensors++;
    found.bytes += bytes;
  }
  found.leaks = [...byPlace.values()].sort((a, b) => b.bytes - a.bytes || b.tensors - a.tensors);
  return found;
}

const packageFolder = path.dirname(__dirname) + path.sep;

/** The frames of a stack that are the user's; all of them where none is. */
function ownFrames(stack: string): string[] {
  const frames = stack
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ''));
  const own = frames.filter((frame) => !frame.includes(packageFolder) && !/\(?node:/.test(frame));
  return (own.length > 0 ? own : frames).slice(0, framesShown);
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The list that people read. */
function describeLeaks({ leaks }: Found): string {
  return leaks
    .map(({ stack: [first = 'an unknown place', ...others], tensors, bytes, example }) =>
      [
        `  ${counted(tensors, 'tensor')}, ${counted(bytes, 'byte')}, made at ${first}`,
        ...others.map((frame) => `      called by ${frame}`),
        `      ${tensors > 1 ? 'such as ' : ''}${example}`,
      ].join('\n'),
    )
    .join('\n');
}

const isWithin = (birth: Birth, watch: Watch): boolean => {
  for (let each = birth.watch; each !== undefined; each = each.outer) if (each === watch) return true;
  return false;
};

/**
 * Runs `fn` and gives its result, unless a tensor that was made inside is alive at its end, whether lost, kept or returned. For tests:
 * `assertNoLeaks(() => { ... })`. When `fn` gives a promise, its end is when that settles. Other work that runs meanwhile is not counted.
 *
 * @throws LeakError (code `ERR_LEAK`) that lists what is alive with the places where it was made; whatever `fn` throws
 */
export function assertNoLeaks<T>(fn: () => T): T {
  checkArgument(fn, 'function', 'What must not leak');
  const watch: Watch = { outer: watches.getStore() };
  const end = (): void => addReason(-1);
  const check = (): void => {
    const found = leaksOf((birth) => isWithin(birth, watch));
    if (found.tensors === 0) return;
    throw new LeakError(
      `${counted(found.tensors, 'tensor')} of ${counted(found.bytes, 'byte')} made inside ${found.tensors === 1 ? 'is' : 'are'} still alive. ` +
        `Make them in torch.scope(), with \`using\`, or dispose() of them:\n${describeLeaks(found)}`,
    );
  };
  addReason(1);
  let result: T;
  try {
    result = watches.run(watch, fn);
    if (!isThenable(result)) check();
  } catch (error) {
    end();
    throw error;
  }
  if (!isThenable(result)) {
    end();
    return result;
  }
  return Promise.resolve(result)
    .then((value) => {
      check();
      return value;
    })
    .finally(end) as T;
}

/** Everything alive at the end, on standard error. */
function reportAtExit(): void {
  const found = leaksOf(() => true);
  if (found.tensors === 0) return;
  const text = `torchwright: ${counted(found.tensors, 'tensor')} of ${counted(found.bytes, 'byte')} alive at the end:\n${describeLeaks(found)}\n`;
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads standard error any more.
  }
}

if (process.env.TORCHWRIGHT_DEBUG?.split(',').includes('leaks') === true) {
  traceLeaks();
  process.once('exit', reportAtExit);
}
