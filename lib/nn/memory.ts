import os from 'node:os';

import { OutOfMemoryError } from '../errors';
import { checkPlacement, type NativeModuleOptions } from './native-module';

/**
 * The operating system may promise memory it does not have and end the process later; so models beyond all memory are refused.
 *
 * @param parameters how many the model would have
 * @param sizes what makes it so large, for the message
 * @throws OutOfMemoryError naming the sizes
 */
export function checkMemory(parameters: number, placement: NativeModuleOptions, sizes: Record<string, number>): void {
  checkPlacement(placement);
  const { dtype = 'float32', device = 'cpu' } = placement;
  const bytes = parameters * (dtype === 'float64' ? 8 : dtype === 'float32' ? 4 : 2);
  if (device !== 'cpu' || bytes <= os.totalmem()) return;
  const gigabytes = (size: number) => `${(size / 2 ** 30).toFixed(1)} GiB`;
  const named = Object.entries(sizes).map(([name, size]) => `${name} ${size}`);
  throw new OutOfMemoryError(
    `The model's ${parameters} parameters need ${gigabytes(bytes)}, and this machine has ${gigabytes(os.totalmem())}: ` +
      `${named.join(', ')}.`,
  );
}
