/** Compares a function's gradients with finite differences. */
import { ArgumentError, TorchError } from '../errors';
import { noGrad } from './modes';
import { tensor } from './creation';
import { scope } from './scope';
import type { Tensor } from './tensor';

export interface GradcheckOptions {
  /** Step of the central difference. */
  epsilon?: number;
  absoluteTolerance?: number;
  relativeTolerance?: number;
}

/**
 * Checks the analytic gradient of `fn` at `inputs` against central differences, element by element.
 * @param fn gives a tensor; its sum is differentiated. Must give the same for the same inputs
 * @param inputs float64 leaves that require gradients; they may also be reached by `fn` on its own way (a module's
 *   parameters). Their values are restored, their gradients cleared
 * @throws TorchError naming the first element whose gradients differ
 */
export function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  const { epsilon = 1e-6, absoluteTolerance = 1e-5, relativeTolerance = 1e-3 } = options;
  for (const input of inputs) {
    if (input.dtype !== 'float64' || !input.requiresGrad || !input.isLeaf) {
      throw new ArgumentError(
        'gradcheck needs float64 leaves with requiresGrad; finite differences say nothing in less precision.',
      );
    }
    input.grad = null;
  }
  scope(() =>
    fn(...inputs)
      .sum()
      .backward(),
  );
  const value = () =>
    scope(() =>
      noGrad(() =>
        fn(...inputs)
          .sum()
          .item(),
      ),
    );
  inputs.forEach((input, which) => {
    const analytic = scope(() => input.grad?.dataSync()) ?? new Float64Array(input.numel);
    const original = input.dataSync() as Float64Array;
    const differenceAt = (index: number): number => {
      const shifted = (step: number) => {
        const moved = Float64Array.from(original);
        moved[index]! += step;
        overwrite(input, moved);
        return value();
      };
      return (shifted(epsilon) - shifted(-epsilon)) / (2 * epsilon);
    };
    try {
      for (let index = 0; index < original.length; index++) {
        const numeric = differenceAt(index);
        const exact = Number(analytic[index]);
        if (!(Math.abs(numeric - exact) <= absoluteTolerance + relativeTolerance * Math.abs(numeric))) {
          throw new TorchError(
            `gradcheck: input ${which}, element ${index}: gradient ${exact}, finite difference ${numeric}.`,
          );
        }
      }
    } finally {
      overwrite(input, original);
      input.grad = null;
    }
  });
}

function overwrite(target: Tensor, values: Float64Array): void {
  scope(() => noGrad(() => target.copy_(tensor(values, { shape: target.shape }))));
}
