/** The state of the default random number generators, to draw the same numbers again. */
import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import { native } from '../native';
import { checkDevice, type Device } from './device';
import { isThenable } from './scope';
import { Tensor, wrap } from './tensor';

/** The state of a device's default generator: uint8, for `setRngState`. */
export function getRngState(device: Device = 'cpu'): Tensor {
  return wrap(native.rngState(checkDevice(device)));
}

/** Puts a device's default generator into a state that `getRngState` gave. */
export function setRngState(state: Tensor, device: Device = 'cpu'): void {
  if (!(state instanceof Tensor)) throw new ArgumentError('setRngState: the state must be a tensor of getRngState.');
  native.setRngState(checkDevice(device), state.handle);
}

/**
 * Runs `fn`, which must not be asynchronous, and puts the default generators of these devices back to where they were.
 * @param devices CUDA devices, besides the CPU
 */
export function forkRng<T>(fn: () => T, devices: readonly Device[] = []): T {
  checkArgument(fn, 'function', 'What forkRng is to run');
  const states = readRngStates(['cpu', ...devices]);
  try {
    const result = fn();
    if (isThenable(result)) throw new ArgumentError('forkRng: the function must not be asynchronous.');
    return result;
  } finally {
    writeRngStates(states);
    freeRngStates(states);
  }
}

/** States by device, as native handles. */
export type RngStates = ReadonlyMap<Device, number>;

export function readRngStates(devices: Iterable<Device>): RngStates {
  return new Map(Array.from(new Set(devices), (device) => [device, native.rngState(checkDevice(device))]));
}

export function writeRngStates(states: RngStates): void {
  for (const [device, state] of states) native.setRngState(device, state);
}

export function freeRngStates(states: RngStates): void {
  for (const state of states.values()) native.free(state);
}
