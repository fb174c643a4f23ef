/** Parameter groups: which parameters are updated with which settings. */
import { ArgumentError } from '../errors';
import type { Handle } from '../native';
import { LayerNorm, RMSNorm, type Module, type Parameter } from '../nn';
import { Tensor } from '../tensor';

/** Parameters with settings of their own; those left out come from the optimiser. */
export type ParameterGroup<Settings = object> = Partial<Settings> & { params: Iterable<Tensor> };

/** A group as an optimiser holds it. Its settings may be changed between steps; schedulers do. */
export type Group<Settings> = Settings & {
  readonly params: readonly Tensor[];
  /** The learning rate that schedulers start from; set by the first of them. */
  initialLr?: number;
};

/** Reads the first argument of an optimiser: parameters, or groups of them. */
export function toGroups<Settings>(
  params: Iterable<Tensor> | Iterable<ParameterGroup<Settings>>,
): ParameterGroup<Settings>[] {
  const given = [...listOf<Tensor | ParameterGroup<Settings>>(params)];
  if (given.length === 0) throw new ArgumentError('An optimiser needs at least one parameter.');
  if (given.every((each) => each instanceof Tensor)) return [{ params: given } as unknown as ParameterGroup<Settings>];
  if (given.some((each) => each instanceof Tensor)) {
    throw new ArgumentError('An optimiser takes parameters or parameter groups, not both.');
  }
  return given as ParameterGroup<Settings>[];
}

/** The parameters of a group. @throws ArgumentError for anything that cannot be optimised */
export function parametersOf(group: ParameterGroup): Tensor[] {
  const parameters = [...listOf(group?.params)];
  for (const parameter of parameters) {
    if (!(parameter instanceof Tensor)) {
      throw new ArgumentError(`An optimiser takes tensors as parameters, not ${typeof parameter}.`);
    }
    if (!parameter.isLeaf) {
      throw new ArgumentError(`An optimiser updates leaves; this tensor was computed: ${parameter.toString()}.`);
    }
    if (!parameter.dtype.includes('float')) {
      throw new ArgumentError(`An optimiser updates floating-point tensors, not ${parameter.toString()}.`);
    }
  }
  return parameters;
}

function listOf<T>(params: Iterable<T>): Iterable<T> {
  if (params instanceof Tensor) {
    throw new ArgumentError('An optimiser takes a list of parameters: put the tensor into an array.');
  }
  if (typeof params === 'object' && params !== null && Symbol.iterator in params) return params;
  throw new ArgumentError('An optimiser takes a list of parameters, such as model.parameters(), or { params: list }.');
}

/** @throws DisposedError when one was disposed */
export function handlesOf(tensors: readonly Tensor[]): Handle[] {
  const handles: Handle[] = [];
  for (const tensor of tensors) handles.push(tensor.handle);
  return handles;
}

/** Norm layers by the names that modules give them; for native modules the names are all there is to go by. */
const normName = /layernorm|rmsnorm|(?:^|[._])norm(?:\.|$)/i;

/**
 * Two groups: with weight decay everything but biases and the weights of norms; embeddings and the head are decayed.
 * Empty groups are left out. Source: spec/residual.md section 9.
 */
export function decayGroups(
  module: Module,
  weightDecay: number,
): { params: Iterable<Parameter>; weightDecay: number }[] {
  const inNorm = new Set<Tensor>();
  for (const each of module.modules()) {
    if (each instanceof LayerNorm || each instanceof RMSNorm)
      for (const parameter of each.parameters()) inNorm.add(parameter);
  }
  const decayed: Parameter[] = [];
  const rest: Parameter[] = [];
  for (const [name, parameter] of module.namedParameters()) {
    const plain = /(?:^|\.)bias$/.test(name) || normName.test(name) || inNorm.has(parameter);
    (plain ? rest : decayed).push(parameter);
  }
  return [
    { params: decayed, weightDecay },
    { params: rest, weightDecay: 0 },
  ].filter(({ params }) => params.length > 0);
}
