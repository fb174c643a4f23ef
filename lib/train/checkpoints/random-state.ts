/** The default random generators of the devices that a training draws from. */
import { CheckpointError } from '../../errors';
import { getRngState, setRngState, type Device, type Tensor } from '../../tensor';

/** State of each generator by its device. */
export type RandomStates = ReadonlyMap<string, Tensor>;

/** Generators that a training on this device draws from. */
export const generatorsOf = (device: Device): Device[] => (device === 'cpu' ? ['cpu'] : ['cpu', device]);

export function readRandom(devices: readonly Device[]): Map<string, Tensor> {
  return new Map(devices.map((device) => [device, getRngState(device)]));
}

/** @throws CheckpointError when the state is of no generator of such a device */
export function writeRandom(devices: readonly Device[], states: RandomStates): void {
  for (const device of devices) {
    const state = states.get(device);
    // One that trained on another device; then bits differ anyway, and that is told.
    if (state === undefined) continue;
    try {
      setRngState(state, device);
    } catch (cause) {
      throw new CheckpointError(`the state of the random generator of ${device} does not fit`, { cause });
    }
  }
}
