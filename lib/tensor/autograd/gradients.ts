/** Gradients of several tensors at once: `torch.autograd.backward` and `torch.autograd.grad`. */
import { ArgumentError, AutogradError } from '../../errors';
import { native, type Handle } from '../../native';
import { noGrad } from '../modes';
import { operatorFunctions } from '../surface';
import { Tensor, wrap, type BackwardOptions } from '../tensor';
import { differentiate } from './engine';

type OneOrMore<T> = T | readonly T[];

/**
 * Adds to `grad` of every leaf (of `inputs` only, where given) the sum of the tensors' derivatives with respect to it.
 * @param gradients derivatives with respect to each tensor; null, or none at all, for tensors of one element
 * @throws AutogradError when nothing was recorded, or the graph has been walked already
 */
export function backward(
  tensors: OneOrMore<Tensor>,
  gradients?: OneOrMore<Tensor | null> | null,
  options: BackwardOptions = {},
): void {
  const { createGraph = false, inputs = [] } = options;
  const roots = handlesOf(tensors, 'backward: tensors');
  const seeds = seedsFor(roots, gradients, 'backward: gradients');
  const leaves = inputs.map((input) => input.handle);
  const retain = options.retainGraph ?? createGraph;
  differentiate(() => native.backward(roots, seeds, retain, createGraph, leaves));
}

export interface GradOptions {
  /** Derivatives with respect to each output; null for outputs of one element. */
  gradOutputs?: OneOrMore<Tensor | null> | null;
  /** Keeps the graph for another pass; as `createGraph` unless given. */
  retainGraph?: boolean;
  /** Records the gradients' own graph, for higher derivatives. */
  createGraph?: boolean;
  /** Gives null for inputs that the outputs do not depend on, which is an error otherwise. */
  allowUnused?: boolean;
  /** Gives zeros for such inputs. */
  materializeGrads?: boolean;
}

/**
 * The gradients of the sum of `outputs` with respect to each of `inputs`, in their order and shapes; `grad` of no tensor changes.
 * @throws AutogradError when nothing was recorded, the graph has been walked already, or an input was not used
 */
export function grad(
  outputs: OneOrMore<Tensor>,
  inputs: OneOrMore<Tensor>,
  options: GradOptions & { allowUnused: true; materializeGrads?: false },
): (Tensor | null)[];
export function grad(outputs: OneOrMore<Tensor>, inputs: OneOrMore<Tensor>, options?: GradOptions): Tensor[];
export function grad(
  outputs: OneOrMore<Tensor>,
  inputs: OneOrMore<Tensor>,
  options: GradOptions = {},
): (Tensor | null)[] {
  const { createGraph = false, materializeGrads = false } = options;
  const { retainGraph = createGraph, allowUnused = materializeGrads } = options;
  if (materializeGrads && !allowUnused) {
    throw new ArgumentError('grad: allowUnused: false contradicts materializeGrads: true.');
  }
  const roots = handlesOf(outputs, 'grad: outputs');
  const leaves = handlesOf(inputs, 'grad: inputs');
  leaves.forEach((leaf, index) => {
    if (native.requiresGrad(leaf)) return;
    throw new AutogradError(`grad: inputs[${index}] does not require gradients.`);
  });
  const seeds = seedsFor(roots, options.gradOutputs, 'grad: gradOutputs');
  const gradients = differentiate(() => native.gradientsOf(roots, leaves, seeds, retainGraph, createGraph));
  const unused = gradients.indexOf(null);
  if (unused >= 0 && !allowUnused) {
    for (const gradient of gradients) if (gradient !== null) native.free(gradient);
    throw new AutogradError(
      `grad: inputs[${unused}] was not used in the graph of the outputs. Set allowUnused: true to get null for it, ` +
        'or materializeGrads: true for zeros.',
    );
  }
  const list = Array.isArray(inputs) ? (inputs as Tensor[]) : [inputs as Tensor];
  return gradients.map((gradient, index) => {
    if (gradient !== null) return wrap(gradient);
    return materializeGrads ? noGrad(() => operatorFunctions.zerosLike(list[index]!)) : null;
  });
}

function handlesOf(tensors: OneOrMore<Tensor>, what: string): Handle[] {
  const list: readonly unknown[] = Array.isArray(tensors) ? tensors : [tensors];
  if (list.length === 0) throw new ArgumentError(`${what} must hold at least one tensor.`);
  return list.map((tensor, index) => {
    if (tensor instanceof Tensor) return tensor.handle;
    throw new ArgumentError(`${what}[${index}] must be a tensor.`);
  });
}

function seedsFor(
  roots: readonly Handle[],
  seeds: OneOrMore<Tensor | null> | null | undefined,
  what: string,
): (Handle | null)[] {
  if (seeds === undefined || seeds === null) return roots.map(() => null);
  const list: readonly unknown[] = Array.isArray(seeds) ? seeds : [seeds];
  if (list.length !== roots.length) {
    throw new ArgumentError(
      `${what} must be as many as the tensors they belong to: ${roots.length}, not ${list.length}.`,
    );
  }
  return list.map((seed, index) => {
    if (seed === null) return null;
    if (seed instanceof Tensor) return seed.handle;
    throw new ArgumentError(`${what}[${index}] must be a tensor or null.`);
  });
}
