/** Finds what was not finite in a step of a module written in TypeScript, as the native step does for native ones. */
import type { Module } from '../../nn';
import { noGrad, scope, type Tensor } from '../../tensor';
import { tensorsIn } from '../modules/batch-tensors';
import type { NonFinite } from '../steps/step';

/**
 * Looks for the cause first: NaN in the data, then weights, then the loss and the gradients. Infinities in data are no fault: masks have them.
 *
 * @param batches - those of the step
 */
export function findNonFinite(model: Module, batches: readonly unknown[], loss: number): NonFinite {
  return scope(() =>
    noGrad(() => {
      for (const [place, data] of tensorsIn(batches.length === 1 ? batches[0] : batches))
        if (data.isFloatingPoint() && data.isnan().any().item()) return { what: 'data', where: place };
      const parameters = [...model.namedParameters()];
      const weight = parameters.find(([, parameter]) => !isFinite(parameter));
      if (weight) return { what: 'weight', where: weight[0] };
      const gradient = parameters.find(([, { grad }]) => grad !== null && !isFinite(grad));
      return { what: Number.isFinite(loss) ? 'gradient' : 'loss', where: gradient?.[0] ?? null };
    }),
  );
}

const isFinite = (tensor: Tensor): boolean => Boolean(tensor.isfinite().all().item());
