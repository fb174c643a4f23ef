/** Devices: `cpu`, `cuda` (the current one), `cuda:N`. */
import { DeviceError } from '../errors';
import { native } from '../native';

export type Device = 'cpu' | 'cuda' | `cuda:${number}`;

const pattern = /^(?:cpu|cuda|cuda:(?:0|[1-9]\d?))$/;

/** Whether this is the name of a device, here or elsewhere. */
export function isDevice(name: unknown): name is Device {
  return typeof name === 'string' && pattern.test(name);
}

/** @throws DeviceError when this is no device's name; whether the device is there is the addon's to say */
export function checkDevice(name: unknown): Device {
  if (isDevice(name)) return name;
  throw new DeviceError(`${JSON.stringify(name) ?? String(name)} is not a device; write "cpu", "cuda" or "cuda:N".`);
}

/** Questions about CUDA. */
export const cuda = {
  /** Whether libtorch's CUDA library is there, loads and finds a device. */
  isAvailable: (): boolean => native.cudaDeviceCount() > 0,
  deviceCount: (): number => native.cudaDeviceCount(),
};
