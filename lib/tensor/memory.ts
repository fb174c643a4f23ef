/** How much is alive, how much was at most, how much is left. */
import { setImmediate as turn } from 'node:timers/promises';

import { OutOfMemoryError } from '../errors';
import { native } from '../native';
import { checkDevice, type Device } from './device';
import { timesFreed } from './scope';

export interface Memory {
  /** Live tensor handles of this thread. */
  tensors: number;
  /** Bytes of the distinct storages behind them, by device. */
  bytes: Record<string, number>;
}

/** A device's memory as the whole process sees it, all workers together, in bytes. */
export interface DeviceMemory {
  /** What tensors hold, those that only autograd keeps among them, and libtorch's workspaces. */
  allocated: number;
  /** The most `allocated` has been, since the start or the last `resetPeak`. */
  peak: number;
  /** What libtorch holds from the system: more than `allocated` where it keeps freed blocks for later, as on CUDA. */
  reserved: number;
  /** What the system could still give. */
  free: number;
  total: number;
}

function liveTensors(): Memory {
  return native.memory();
}

/** The memory of one device. All is 0 for a CUDA device on which there has been no tensor yet. @throws DeviceError */
function deviceMemory(device: Device = 'cpu'): DeviceMemory {
  return native.deviceMemory(checkDevice(device));
}

/** Lets `peak` begin anew at what is allocated now. */
function resetPeak(device: Device = 'cpu'): void {
  native.resetPeak(checkDevice(device));
}

/** Gives memory that libtorch keeps for later back to the system. It frees no tensor. */
function emptyCache(): void {
  native.emptyCaches();
}

/**
 * Frees the tensors outside scopes that JavaScript has forgotten, without waiting for its collector to find the time. Costs tens of
 * milliseconds and more: for servers at rest and for tests, not for loops, which should use scopes.
 */
async function collect(): Promise<void> {
  const before = timesFreed();
  native.collectGarbage();
  // The collector tells of what it found in tasks of its own, some turns later: one for each registry that has finds.
  for (let i = 0; i < mostTurns && timesFreed() === before; i++) await turn();
}

const mostTurns = 100;

/** Counts live tensors of this thread and the bytes behind them. Two calls around a piece of work show whether it leaks. */
export const memory = Object.assign(liveTensors, { device: deviceMemory, resetPeak, emptyCache, collect });

/** Runs a job that can be run again: where memory runs out, what is dead is freed first, and it is tried once more. */
export async function retryingForMemory<T>(job: () => Promise<T>): Promise<T> {
  try {
    return await job();
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
  }
  await collect();
  emptyCache();
  return job();
}
