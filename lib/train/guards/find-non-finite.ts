/** Finds what was not finite in a step of a module written in TypeScript, as the native step does for native ones. */
import type { Module } from '../../nn';
import { noGrad, scope, Tensor } from '../../tensor';
import type { NonFinite } from '../steps/step';

/**
 * Looks for the cause first: NaN in the data, then weights, then the loss and the gradients. Infinities in data are no fault: masks have them.
 *
 * @param batches - those of the step
 */
export function findNonFinite(model: Module, batches: readonly unknown[], loss: number): NonFinite {
  return scope(() =>
    noGrad(() => {
      const data = nanIn(batches.length === 1 ? batches[0] : batches, 'batch');
      if (data !== null) return { what: 'data', where: data };
      const parameters = [...model.namedParameters()];
      const weight = parameters.find(([, parameter]) => !isFinite(parameter));
      if (weight) return { what: 'weight', where: weight[0] };
      const gradient = parameters.find(([, { grad }]) => grad !== null && !isFinite(grad));
      return { what: Number.isFinite(loss) ? 'gradient' : 'loss', where: gradient?.[0] ?? null };
    }),
  );
}

const isFinite = (tensor: Tensor): boolean => Boolean(tensor.isfinite().all().item());

/** Path of the first tensor that holds a NaN. */
function nanIn(value: unknown, path: string): string | null {
  if (value instanceof Tensor) return value.isFloatingPoint() && Boolean(value.isnan().any().item()) ? path : null;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return null;
  const isList = Array.isArray(value);
  for (const [key, part] of value instanceof Map ? value : Object.entries(value)) {
    const found = nanIn(part, isList ? `${path}[${key}]` : `${path}.${String(key)}`);
    if (found !== null) return found;
  }
  return null;
}
