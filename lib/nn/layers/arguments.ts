/** What the constructors of layers are given: checked by name, before anything is made of it. */
import { inspect } from 'node:util';

import { ArgumentError, ShapeError } from '../../errors';
import { checkDevice, checkDtype, type Device, type Dtype } from '../../tensor';
import { nearest } from '../../tensor/nearest';
import { isPlainObject } from '../../tensor/scope';

/** Where and how a layer's parameters are made. Default float32 on the CPU. */
export interface LayerOptions {
  dtype?: Dtype;
  device?: Device;
}

/** Where a layer's parameters are made. */
export type Place = Required<LayerOptions>;

export function placeOf(options: LayerOptions): Place {
  return { dtype: options.dtype ?? 'float32', device: options.device ?? 'cpu' };
}

/**
 * The options given, and the defaults of those left out. A default tells what an option must be, unless it is null.
 * @throws ArgumentError for an option that the layer does not have, and for one of another kind than its default
 */
export function readOptions<D extends object>(layer: string, given: Partial<D> | undefined, defaults: D): D {
  const options = given === undefined ? {} : given;
  checkOptions(layer, options, Object.keys(defaults));
  const read = { ...defaults } as Record<string, unknown>;
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(read, name)) throw unknownOption(layer, name, Object.keys(defaults));
    if (value === undefined) continue;
    const wanted = (defaults as Record<string, unknown>)[name];
    if (wanted !== null && typeof wanted !== 'object' && typeof value !== typeof wanted) {
      throw new ArgumentError(`${layer}: ${name} must be a ${typeof wanted}, not ${show(value)}.`);
    }
    if (name === 'dtype') named(layer, () => checkDtype(value));
    if (name === 'device') named(layer, () => checkDevice(value));
    read[name] = value;
  }
  return read as D;
}

/** @throws ArgumentError for what is no object literal, such as a value by position or a tensor, which would go unheard */
function checkOptions(where: string, options: unknown, names: readonly string[]): void {
  if (isPlainObject(options)) return;
  const found = inspect(options, { depth: 0, breakLength: Infinity, maxStringLength: 60 }).split('\n', 1)[0];
  throw new ArgumentError(`${where}: the options must be an object such as { ${names[0]}: ... }, not ${found}.`);
}

/** Runs a check whose errors do not know the layer. */
function named(layer: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    (error as Error).message = `${layer}: ${(error as Error).message}`;
    throw error;
  }
}

/**
 * Values by position, in the order of `defaults`, then perhaps an object of options by name: `(0.1)`, `(0.1, { inplace: true })` and
 * `({ negativeSlope: 0.1, inplace: true })` are ways to say the same, as with operators.
 * @throws ArgumentError for too many values, for one given twice, and as `readOptions` does
 */
export function readArguments<D extends object>(layer: string, given: readonly unknown[], defaults: D): D {
  const names = Object.keys(defaults);
  const last = given.at(-1);
  const options = isPlainObject(last) ? last : {};
  const values = isPlainObject(last) ? given.slice(0, -1) : given;
  if (values.length > names.length) {
    throw new ArgumentError(
      `${layer} takes at most ${names.length} values (${names.join(', ')}), not ${values.length}.`,
    );
  }
  const twice = names.slice(0, values.length).find((name) => options[name] !== undefined);
  if (twice !== undefined) throw new ArgumentError(`${layer}: ${twice} is given twice, by position and by name.`);
  const byName: Record<string, unknown> = { ...options };
  for (const [index, value] of values.entries()) byName[names[index]!] = value;
  return readOptions(layer, byName as Partial<D>, defaults);
}

/** The defaults of `LayerOptions`, for `readOptions`. */
export const layerDefaults: Place = { dtype: 'float32', device: 'cpu' };

function unknownOption(layer: string, name: string, names: readonly string[]): ArgumentError {
  const hint = nearest(name, names);
  const meant = hint === undefined ? '.' : `; did you mean "${hint}"?`;
  return new ArgumentError(`${layer} has no option "${name}"${meant} It has: ${names.join(', ')}.`);
}

/** Checks an options object that is read on each call. @throws ArgumentError for an option of another name */
export function checkNames(call: string, options: object, names: readonly string[]): void {
  checkOptions(call, options, names);
  for (const name in options) if (!names.includes(name)) throw unknownOption(call, name, names);
}

/** @throws ArgumentError unless `value` is one of `values` */
export function checkOneOf<T extends string>(layer: string, name: string, value: T, values: readonly T[]): T {
  if (values.includes(value)) return value;
  const listed = values.map((each) => `"${each}"`).join(', ');
  throw new ArgumentError(`${layer}: ${name} must be one of ${listed}, not ${show(value)}.`);
}

/** @throws ShapeError unless `value` is a positive whole number, or one from `least` on */
export function checkSize(layer: string, name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  const wanted = least === 1 ? 'a positive whole number' : `a whole number from ${least} on`;
  throw new ShapeError(`${layer}: ${name} must be ${wanted}, not ${show(value)}.`);
}

/** @throws ArgumentError unless `value` is a number, and no NaN */
export function checkNumber(layer: string, name: string, value: number): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new ArgumentError(`${layer}: ${name} must be a number, not ${show(value)}.`);
}

/** @throws ArgumentError unless `value` is from 0 to 1 */
export function checkProbability(layer: string, name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new ArgumentError(`${layer}: ${name} must be a probability from 0 to 1, not ${show(value)}.`);
}

/** One size for each dimension, or one for all. */
export type Sizes = number | readonly number[];

/** @throws ShapeError unless `value` is one whole number from `least` on, or one for each of `count` dimensions */
export function checkSizes(layer: string, name: string, value: Sizes, count: number, least = 1): number[] {
  if (!Array.isArray(value)) return new Array<number>(count).fill(checkSize(layer, name, value as number, least));
  if (value.length === count) return value.map((each: number) => checkSize(layer, name, each, least));
  throw new ShapeError(`${layer}: ${name} must be a number or ${count} of them, not ${show(value)}.`);
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'number' || typeof value === 'function'
    ? String(value)
    : (JSON.stringify(value) ?? String(value));
}
