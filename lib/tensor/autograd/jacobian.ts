/**
 * Jacobians as plain numbers, by finite differences and by backward passes. A complex element counts as two real ones, its real
 * and its imaginary part, so that everything is a matrix of real derivatives.
 */
import { native } from '../../native';
import { tensor } from '../creation';
import type { Dtype } from '../dtype';
import { noGrad } from '../modes';
import { scope } from '../scope';
import { operatorFunctions } from '../surface';
import type { Tensor } from '../tensor';
import { grad } from './gradients';

/** A function of tensors that reads them where they are: the inputs may be changed in place between two calls. */
export type Evaluate = () => readonly Tensor[];

/** `[outputs, inputs]`, row by row. */
export interface Jacobian {
  rows: number;
  columns: number;
  values: Float64Array;
}

/** All elements as real numbers. */
function realsOf(x: Tensor): Float64Array {
  return Float64Array.from(x.dataSync() as Float64Array);
}

function fromReals(values: Float64Array, like: Tensor): Tensor {
  if (!isComplexDtype(like.dtype)) return tensor(values, { shape: like.shape, dtype: like.dtype, device: like.device });
  return operatorFunctions.viewAsComplex(tensor(values, { shape: [...like.shape, 2] })).to(like);
}

export function isComplexDtype(dtype: Dtype): boolean {
  return dtype.startsWith('complex');
}

/** How many real numbers a tensor is. */
export function realSize(x: Tensor): number {
  return x.numel * (isComplexDtype(x.dtype) ? 2 : 1);
}

/** For each output, the derivatives with respect to `input`, a leaf, by central differences. */
export function numericalJacobians(evaluate: Evaluate, input: Tensor, eps: number): Jacobian[] {
  const original = realsOf(input);
  const outputsAt = (values: Float64Array): Float64Array[] =>
    scope(() => {
      noGrad(() => input.copy_(fromReals(values, input)));
      return evaluate().map(realsOf);
    });
  let jacobians: Jacobian[] | undefined;
  try {
    for (let column = 0; column < original.length; column++) {
      const [above, below] = [1, -1].map((sign) => {
        const moved = original.slice();
        moved[column]! += sign * eps;
        return outputsAt(moved);
      }) as [Float64Array[], Float64Array[]];
      jacobians ??= above.map((output) => emptyJacobian(output.length, original.length));
      jacobians.forEach(({ rows, columns, values }, which) => {
        for (let row = 0; row < rows; row++) {
          values[row * columns + column] = (above[which]![row]! - below[which]![row]!) / (2 * eps);
        }
      });
    }
  } finally {
    scope(() => noGrad(() => input.copy_(fromReals(original, input))));
  }
  return jacobians ?? scope(() => evaluate().map((output) => emptyJacobian(realSize(output), 0)));
}

/** For each of `inputs`, the derivatives of `output` by backward passes with one element of the gradient set. */
export function analyticalJacobians(output: Tensor, inputs: readonly Tensor[]): Jacobian[] {
  const rows = realSize(output);
  const jacobians = inputs.map((input) => emptyJacobian(rows, realSize(input)));
  for (let row = 0; row < rows; row++) {
    scope(() => {
      const unit = new Float64Array(rows);
      unit[row] = 1;
      const gradients = grad(output, inputs, {
        gradOutputs: fromReals(unit, output),
        retainGraph: true,
        allowUnused: true,
      });
      gradients.forEach((gradient, which) => {
        const { columns, values } = jacobians[which]!;
        if (gradient !== null) values.set(realsOf(dense(gradient)), row * columns);
      });
    });
  }
  return jacobians;
}

function dense(x: Tensor): Tensor {
  return native.layout(x.handle) === 'strided' ? x : operatorFunctions.toDense(x);
}

function emptyJacobian(rows: number, columns: number): Jacobian {
  return { rows, columns, values: new Float64Array(rows * columns) };
}
