/** Random numbers: the default generators' seed, and generators of one's own. */
import { ArgumentError } from '../errors';
import { native } from '../native';
import { checkDevice, type Device } from './device';
import { NativeObject } from './object';

/**
 * Seeds the default generator of every device, for all work of this process.
 * @param seed a safe integer, or a bigint of 64 bits
 */
export function manualSeed(seed: number | bigint): void {
  native.manualSeed(checkSeed(seed));
}

/** A random number generator apart from the default one; give it to an operator as `{ generator }`. */
export class Generator extends NativeObject {
  readonly device: Device;

  constructor(options: { device?: Device; seed?: number | bigint } = {}) {
    const device = checkDevice(options.device ?? 'cpu');
    super(native.generatorCreate(device, checkSeed(options.seed ?? 0)), 'generator');
    this.device = device;
  }

  /** Starts the sequence anew. */
  manualSeed(seed: number | bigint): this {
    native.generatorSeed(this.id, checkSeed(seed));
    return this;
  }
}

function checkSeed(seed: number | bigint): number | bigint {
  const fits =
    typeof seed === 'bigint'
      ? seed >= -(2n ** 63n) && seed < 2n ** 64n
      : typeof seed === 'number' && Number.isSafeInteger(seed);
  if (!fits) throw new ArgumentError(`A seed must be a safe integer or a bigint of 64 bits, not ${String(seed)}.`);
  return seed;
}
