/** What parity compares, and how far apart two things are. */
import { CheckpointError, ShapeError } from '../errors';
import type { Device, Tensor } from '../tensor';

export type ParityDtype = 'float64' | 'float32';

export interface ParityPlace {
  dtype: ParityDtype;
  device: Device;
}

/** One comparison with a golden value. */
export interface Measurement {
  /** Such as `float64 gradients`. */
  what: string;
  /** Largest difference; NaN where anything is not a number. */
  error: number;
  tolerance: number;
}

export function passes({ error, tolerance }: Measurement): boolean {
  return error <= tolerance;
}

/** How near a measurement is to its tolerance; above 1 it fails. */
export function share({ error, tolerance }: Measurement): number {
  if (Number.isNaN(error)) return Infinity;
  return error === 0 ? 0 : error / tolerance;
}

/** The measurement nearest to its tolerance, or farthest beyond. */
export function farthest(measured: readonly Measurement[]): Measurement | undefined {
  return measured.toSorted((a, b) => share(b) - share(a))[0];
}

/** A set of golden values, computed anew. */
export interface ParityCase {
  name: string;
  /** @throws when the case cannot be run: a file that is missing or damaged, a field of another kind */
  run(place: ParityPlace): Measurement[] | Promise<Measurement[]>;
}

/** @throws CheckpointError when the file lacks the tensor */
export function tensorOf(tensors: Map<string, Tensor>, name: string, file: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new CheckpointError(`${file} holds no tensor ${name}.`);
  return tensor;
}

const doubles = async (tensor: Tensor) =>
  (await tensor.detach().to({ dtype: 'float64', device: 'cpu' }).data()) as Float64Array;

/** Largest absolute difference, and the largest golden magnitude. @throws ShapeError when the shapes differ */
export async function difference(actual: Tensor, golden: Tensor): Promise<{ absolute: number; magnitude: number }> {
  if (actual.shape.join() !== golden.shape.join()) {
    throw new ShapeError(`shape [${actual.shape.join(', ')}] where [${golden.shape.join(', ')}] is expected`);
  }
  const [a, b] = [await doubles(actual), await doubles(golden)];
  let absolute = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    // Written so that a NaN, once met, stays.
    if (!(apart <= absolute)) absolute = Number.isNaN(absolute) ? absolute : apart;
    magnitude = Math.max(magnitude, Math.abs(b[i]!));
  }
  return { absolute, magnitude };
}

/** Measurements of several tensors as one: the worst of them. */
export function worst(what: string, tolerance: number, errors: number[]): Measurement[] {
  if (errors.length === 0) return [];
  return [{ what, tolerance, error: errors.some(Number.isNaN) ? NaN : Math.max(...errors) }];
}

/** Accuracies are ratios of small whole numbers, of which float32 copies may have been written down. */
export const accuracyTolerance = 1e-6;
