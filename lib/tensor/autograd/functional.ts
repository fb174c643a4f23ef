/** Derivatives of functions as values: PyTorch's `torch.autograd.functional`. */
import { ArgumentError, ShapeError } from '../../errors';
import { enableGrad } from '../modes';
import { scope } from '../scope';
import { operatorFunctions } from '../surface';
import { Tensor } from '../tensor';
import { grad } from './gradients';

type OneOrMore = Tensor | readonly Tensor[];
/** One tensor for one, several for several. */
type Like<Of extends OneOrMore, Each = Tensor> = Of extends Tensor ? Each : Each[];
type Args<Inputs extends OneOrMore> = Inputs extends Tensor ? [Tensor] : Tensor[];

export interface FunctionalOptions {
  /** Records the result's own graph, down to the inputs, to differentiate it further. */
  createGraph?: boolean;
  /** With `true`, an input that the outputs do not depend on is an error; else its derivatives are zeros. */
  strict?: boolean;
}

const listOf = (values: OneOrMore): Tensor[] => (values instanceof Tensor ? [values] : [...values]);

/** The inputs as they are when the result is to be differentiated further, else as leaves of their own. */
function prepare(inputs: OneOrMore, createGraph: boolean): Tensor[] {
  return listOf(inputs).map((input) => {
    if (!(input instanceof Tensor)) throw new ArgumentError('The inputs must be a tensor or an array of tensors.');
    if (createGraph && input.requiresGrad) return input.viewAs(input);
    return input.detach().requiresGrad_();
  });
}

function gradients(
  output: Tensor,
  inputs: readonly Tensor[],
  seed: Tensor | null,
  createGraph: boolean,
  strict: boolean,
): Tensor[] {
  if (!output.requiresGrad && !strict) return inputs.map((input) => operatorFunctions.zerosLike(input));
  return grad(output, inputs, { gradOutputs: seed, createGraph, retainGraph: true, materializeGrads: !strict });
}

function like<Of extends OneOrMore, Each>(of: Of, list: Each[]): Like<Of, Each> {
  return (of instanceof Tensor ? list[0]! : list) as Like<Of, Each>;
}

/** Everything made on the way is freed. */
function computed<T>(fn: () => T): T {
  return scope(() => enableGrad(fn));
}

/**
 * All derivatives of each output's elements with respect to each input's, of shape `[...output, ...input]`.
 * @param fn gives a tensor or an array of tensors
 * @returns a tensor for one output and one input; else an array, outputs outside, inputs inside
 */
export function jacobian<Outputs extends OneOrMore, Inputs extends OneOrMore>(
  fn: (...inputs: Args<Inputs>) => Outputs,
  inputs: Inputs,
  options: FunctionalOptions = {},
): Like<Outputs, Like<Inputs>> {
  const { createGraph = false, strict = false } = options;
  return computed(() => {
    const points = prepare(inputs, createGraph);
    const outputs = fn(...(points as Args<Inputs>));
    const all = listOf(outputs).map((output) => {
      const flat = output.reshape([-1]);
      const rows = Array.from({ length: flat.numel }, (_, row) =>
        gradients(flat.select(0, row), points, null, createGraph, strict),
      );
      const blocks = points.map((point, which) =>
        rows.length === 0
          ? operatorFunctions.zeros([...output.shape, ...point.shape], { dtype: point.dtype, device: point.device })
          : operatorFunctions.stack(rows.map((row) => row[which]!)).reshape([...output.shape, ...point.shape]),
      );
      return like(inputs, blocks);
    });
    return like(outputs, all);
  });
}

/**
 * Second derivatives of a function that gives a single element, of shape `[...input, ...other]` for each pair of inputs.
 * @throws ShapeError when the function gives more than one element
 */
export function hessian<Inputs extends OneOrMore>(
  fn: (...inputs: Args<Inputs>) => Tensor,
  inputs: Inputs,
  options: FunctionalOptions = {},
): Like<Inputs, Like<Inputs>> {
  const { createGraph = false, strict = false } = options;
  const first = (...points: Tensor[]): Like<Inputs> => {
    const output = single(fn(...(points as Args<Inputs>)), 'hessian');
    return like(inputs, gradients(output, points, null, true, strict));
  };
  return jacobian(first as (...points: Args<Inputs>) => Like<Inputs> & OneOrMore, inputs, {
    createGraph,
    strict,
  }) as unknown as Like<Inputs, Like<Inputs>>;
}

/**
 * The function's value, and the product of `v` with its Jacobian.
 * @param v of the output's shape; may be left out for a single element
 */
export function vjp<Inputs extends OneOrMore>(
  fn: (...inputs: Args<Inputs>) => Tensor,
  inputs: Inputs,
  v: Tensor | null = null,
  options: FunctionalOptions = {},
): [output: Tensor, product: Like<Inputs>] {
  const { createGraph = false, strict = false } = options;
  return computed(() => {
    const points = prepare(inputs, createGraph);
    const output = fn(...(points as Args<Inputs>));
    const product = gradients(output, points, v, createGraph, strict);
    return [createGraph ? output : output.detach(), like(inputs, product)];
  });
}

/**
 * The function's value, and the product of its Jacobian with `v`, by two backward passes.
 * @param v one tensor for each input, of its shape; may be left out for inputs of a single element
 */
export function jvp<Inputs extends OneOrMore>(
  fn: (...inputs: Args<Inputs>) => Tensor,
  inputs: Inputs,
  v: OneOrMore | null = null,
  options: FunctionalOptions = {},
): [output: Tensor, product: Tensor] {
  const { createGraph = false, strict = false } = options;
  return computed(() => {
    const points = prepare(inputs, createGraph);
    const output = fn(...(points as Args<Inputs>));
    // The product with a vector from the left is linear in that vector; its derivative there is the product from the right.
    const seed = operatorFunctions.zerosLike(output).requiresGrad_();
    const left = gradients(output, points, seed, true, strict);
    const directions = v === null ? points.map((point) => operatorFunctions.onesLike(single(point, 'jvp'))) : listOf(v);
    if (directions.length !== points.length) {
      throw new ArgumentError(
        `jvp: v must hold ${points.length} tensors, one for each input, not ${directions.length}.`,
      );
    }
    const used = left.flatMap((each, which) => (each.requiresGrad ? [{ each, v: directions[which]! }] : []));
    const product =
      used.length === 0
        ? operatorFunctions.zerosLike(output)
        : grad(
            used.map(({ each }) => each),
            [seed],
            { gradOutputs: used.map((pair) => pair.v), createGraph, materializeGrads: true },
          )[0]!;
    return [createGraph ? output : output.detach(), createGraph ? product : product.detach()];
  });
}

/** The function's value, a single element, and the product of its Hessian with `v`. */
export function hvp<Inputs extends OneOrMore>(
  fn: (...inputs: Args<Inputs>) => Tensor,
  inputs: Inputs,
  v: Inputs,
  options: FunctionalOptions = {},
): [output: Tensor, product: Like<Inputs>] {
  const { createGraph = false, strict = false } = options;
  return computed(() => {
    const points = prepare(inputs, createGraph);
    const output = single(fn(...(points as Args<Inputs>)), 'hvp');
    const first = gradients(output, points, null, true, strict);
    const directions = listOf(v);
    if (directions.length !== points.length) {
      throw new ArgumentError(
        `hvp: v must hold ${points.length} tensors, one for each input, not ${directions.length}.`,
      );
    }
    const used = first.flatMap((each, which) => (each.requiresGrad ? [{ each, v: directions[which]! }] : []));
    const product =
      used.length === 0
        ? points.map((point) => operatorFunctions.zerosLike(point))
        : grad(
            used.map(({ each }) => each),
            points,
            { gradOutputs: used.map((pair) => pair.v), createGraph, materializeGrads: true },
          );
    return [createGraph ? output : output.detach(), like(inputs, product)];
  });
}

function single(x: Tensor, what: string): Tensor {
  if (x.numel === 1) return x;
  throw new ShapeError(`${what}: a single element is wanted here, not a tensor of shape [${x.shape.join(', ')}].`);
}
