/** Compares a function's gradients with finite differences, as PyTorch's `gradcheck` and `gradgradcheck` do in their slow mode. */
import { ArgumentError, AutogradError } from '../../errors';
import { enableGrad } from '../modes';
import { scope } from '../scope';
import { operatorFunctions } from '../surface';
import { Tensor } from '../tensor';
import { Function, type FunctionContext } from './function';
import { grad } from './gradients';
import { analyticalJacobians, isComplexDtype, numericalJacobians, type Jacobian } from './jacobian';

export interface GradcheckOptions {
  /** Step of the central differences. 1e-6 unless given. */
  eps?: number;
  /** Absolute and relative tolerance: 1e-5 and 1e-3 unless given. */
  atol?: number;
  rtol?: number;
  /** How far two backward passes may be apart. 0 unless given. */
  nondetTol?: number;
  /** Whether to try outputs that get no gradient. True unless given. */
  checkUndefinedGrad?: boolean;
  /** With `false`, a mismatch gives `false` instead of an error. */
  raiseException?: boolean;
}

type Checked<Inputs extends readonly unknown[]> = (...inputs: Inputs) => Tensor | readonly Tensor[];

/**
 * Checks the gradients of `fn` at `inputs` against central differences, for every element of every output and input.
 * @param fn gives a tensor or several. Must give the same for the same inputs
 * @param inputs among them at least one leaf, float64 or complex128, that requires gradients: these are checked. They may also be
 *   reached by `fn` on its own way (a module's parameters): they are changed in place, and put back
 * @returns true
 * @throws AutogradError naming the output, the input and the element that differ most
 */
export function gradcheck<const Inputs extends readonly unknown[]>(
  fn: Checked<Inputs>,
  inputs: Inputs,
  options: GradcheckOptions = {},
): boolean {
  const leaves = checkInputs(inputs);
  try {
    enableGrad(() => scope(() => check(fn as Checked<readonly unknown[]>, inputs, leaves, options)));
    return true;
  } catch (error) {
    if (options.raiseException === false && error instanceof Mismatch) return false;
    throw error;
  }
}

/**
 * Checks second derivatives: `gradcheck` of the gradients of `fn`, with respect to the inputs and to the outputs' gradients.
 * @param gradOutputs gradients of the outputs that require gradients; random ones unless given
 */
export function gradgradcheck<const Inputs extends readonly unknown[]>(
  fn: Checked<Inputs>,
  inputs: Inputs,
  gradOutputs: Tensor | readonly Tensor[] | null = null,
  options: GradcheckOptions = {},
): boolean {
  const count = inputs.length;
  const evaluate = (values: readonly unknown[]) => differentiable(fn(...(values as unknown as Inputs)));
  checkInputs(inputs);
  const seeds = scope(() => {
    if (gradOutputs !== null) return gradOutputs instanceof Tensor ? [gradOutputs] : [...gradOutputs];
    return enableGrad(() => evaluate(inputs)).map((output) => {
      const dtype = isComplexDtype(output.dtype) ? 'complex128' : 'float64';
      return operatorFunctions.randnLike(output.detach(), { dtype }).requiresGrad_();
    });
  });
  const gradients = (...all: readonly unknown[]): Tensor[] => {
    const values = all.slice(0, count);
    const leaves = values.filter(isChecked);
    return grad(evaluate(values), leaves, {
      gradOutputs: all.slice(count) as Tensor[],
      createGraph: true,
      allowUnused: true,
    }).filter((gradient) => gradient !== null);
  };
  return gradcheck(gradients, [...inputs, ...seeds], options);
}

/** Gradients that differ, and nothing else. */
class Mismatch extends AutogradError {
  override readonly name = AutogradError.name;
}

const isChecked = (value: unknown): value is Tensor => value instanceof Tensor && value.requiresGrad;

function checkInputs(inputs: readonly unknown[]): Tensor[] {
  const leaves = inputs.filter(isChecked);
  if (leaves.length === 0) throw new ArgumentError('gradcheck: at least one input must require gradients.');
  for (const leaf of leaves) {
    if ((leaf.dtype !== 'float64' && leaf.dtype !== 'complex128') || !leaf.isLeaf) {
      throw new ArgumentError(
        'gradcheck needs leaves of float64 or complex128; finite differences say nothing in less precision.',
      );
    }
    if (leaf.strides.some((stride, dim) => stride === 0 && leaf.size(dim) > 1)) {
      throw new ArgumentError('gradcheck: an input has elements that share memory, and cannot be changed one by one.');
    }
  }
  return leaves;
}

function differentiable(outputs: Tensor | readonly Tensor[]): Tensor[] {
  const list: readonly unknown[] = outputs instanceof Tensor ? [outputs] : outputs;
  if (!Array.isArray(list) || !list.every((output) => output instanceof Tensor)) {
    throw new ArgumentError('gradcheck: the function must give a tensor or an array of tensors.');
  }
  return (list as Tensor[]).filter((output) => output.requiresGrad);
}

function check(
  fn: Checked<readonly unknown[]>,
  inputs: readonly unknown[],
  leaves: readonly Tensor[],
  options: GradcheckOptions,
): void {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, nondetTol = 0, checkUndefinedGrad = true } = options;
  const evaluate = () => differentiable(fn(...inputs));
  if (scope(() => evaluate().length) === 0) return checkConstant(fn, inputs, leaves, eps, atol);
  const numerical = leaves.map((leaf) => numericalJacobians(evaluate, leaf, eps));
  const outputs = evaluate();
  outputs.forEach((output, which) => {
    const analytical = analyticalJacobians(output, leaves);
    const again = analyticalJacobians(output, leaves);
    leaves.forEach((_, input) => {
      const names = `output ${which} with respect to input ${input}`;
      const worst = worstElement(analytical[input]!, numerical[input]![which]!, atol, rtol);
      if (worst !== undefined)
        throw new Mismatch(mismatchText(names, worst, analytical[input]!, numerical[input]![which]!));
      if (worstElement(again[input]!, analytical[input]!, nondetTol, 0) !== undefined) {
        throw new Mismatch(
          `Backward is not reentrant for ${names}: running it twice gives different gradients, though both agree with the ` +
            `numerical ones. The tolerance for nondeterminism was ${nondetTol}.`,
        );
      }
    });
  });
  if (checkUndefinedGrad) checkUndefined(fn, inputs, leaves, outputs.length);
}

/** Of a function without recorded derivatives, all numerical ones must vanish. */
function checkConstant(
  fn: Checked<readonly unknown[]>,
  inputs: readonly unknown[],
  leaves: readonly Tensor[],
  eps: number,
  atol: number,
): void {
  const evaluate = () => {
    const outputs = fn(...inputs);
    const list = outputs instanceof Tensor ? [outputs] : outputs;
    return list.filter(({ dtype }) => dtype.startsWith('float') || isComplexDtype(dtype));
  };
  leaves.forEach((leaf, input) => {
    for (const { values } of numericalJacobians(evaluate, leaf, eps)) {
      if (values.every((value) => Math.abs(value) <= atol)) continue;
      throw new Mismatch(
        `The outputs do not require gradients, but they depend on input ${input}: the numerical gradient is not zero.`,
      );
    }
  });
}

/** Stands between an output and the gradient that it is not to get. */
class WithoutGradient extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    return x.viewAs(x);
  }

  static backward(): null {
    return null;
  }
}

function checkUndefined(
  fn: Checked<readonly unknown[]>,
  inputs: readonly unknown[],
  leaves: readonly Tensor[],
  count: number,
): void {
  const sets = [Array.from({ length: count }, (_, which) => which)];
  if (count > 1) for (let which = 0; which < count; which++) sets.push([which]);
  for (const without of sets) {
    scope(() => {
      const outputs = differentiable(fn(...inputs));
      const cut = without.map((which) => WithoutGradient.apply(outputs[which]!));
      const gradients = grad(cut, leaves, {
        gradOutputs: cut.map((output) => operatorFunctions.zerosLike(output)),
        allowUnused: true,
      });
      gradients.forEach((gradient, input) => {
        if (gradient === null || gradient.countNonzero().item() === 0) return;
        throw new Mismatch(
          `Expected a backward function to handle outputs without gradients: input ${input} got a gradient that is not zero.`,
        );
      });
    });
  }
}

/** The element that is furthest beyond the tolerance. NaN differs from everything. */
function worstElement(found: Jacobian, expected: Jacobian, atol: number, rtol: number): number | undefined {
  let worst: number | undefined;
  let most = 0;
  found.values.forEach((value, index) => {
    const reference = expected.values[index]!;
    const excess = Math.abs(value - reference) - (atol + rtol * Math.abs(reference));
    if (excess <= 0 || worst === index) return;
    if (worst === undefined || !(excess <= most)) [worst, most] = [index, excess];
  });
  return worst;
}

function mismatchText(names: string, worst: number, analytical: Jacobian, numerical: Jacobian): string {
  const element = Math.floor(worst / analytical.columns);
  return (
    `Jacobian mismatch for ${names}, worst at output element ${element}, input element ${worst % analytical.columns}:\n` +
    `numerical: ${numerical.values[worst]}\nanalytical: ${analytical.values[worst]}\n` +
    `numerical:\n${rowsOf(numerical)}\nanalytical:\n${rowsOf(analytical)}`
  );
}

/** The matrix, inputs in rows as PyTorch prints it; its corner only when it is large. */
function rowsOf({ rows, columns, values }: Jacobian): string {
  const most = 8;
  const lines: string[] = [];
  for (let column = 0; column < Math.min(columns, most); column++) {
    const line = Array.from({ length: Math.min(rows, most) }, (_, row) =>
      values[row * columns + column]!.toPrecision(6),
    );
    lines.push(`[${line.join(', ')}${rows > most ? ', ...' : ''}]`);
  }
  return lines.join('\n') + (columns > most ? '\n...' : '');
}
