/** Parameter groups: which parameters are updated with which settings. */
import { ArgumentError } from '../errors';
import { LayerNorm, RMSNorm, type Module, type Parameter } from '../nn';
import { Tensor } from '../tensor';

/** Settings of AdamW, with PyTorch's names. */
export interface AdamWSettings {
  /** Learning rate. */
  lr: number;
  /** Decay of the means of gradients and of their squares. */
  betas: readonly [number, number];
  /** Added to the denominator. */
  eps: number;
  /** Decoupled weight decay. */
  weightDecay: number;
  /**
   * Adds `eps` to the root of the second moment before its bias correction, as fairseq's Adam does. PyTorch's AdamW adds it after,
   * which in the first updates makes it weigh less.
   */
  epsilonBeforeCorrection: boolean;
}

/** Parameters with settings of their own; those left out come from the optimiser. */
export interface ParameterGroup extends Partial<AdamWSettings> {
  params: Iterable<Tensor>;
}

/** @throws ArgumentError when a setting is out of range */
export function checkSettings(settings: AdamWSettings): AdamWSettings {
  const { lr, betas, eps, weightDecay, epsilonBeforeCorrection } = settings;
  const fit = (name: string, value: number, fits: boolean, range: string): void => {
    if (typeof value !== 'number' || !fits) throw new ArgumentError(`AdamW: ${name} must be ${range}, not ${value}.`);
  };
  fit('lr', lr, Number.isFinite(lr) && lr >= 0, 'a finite number from 0 on');
  fit('betas[0]', betas[0], betas[0] >= 0 && betas[0] < 1, 'from 0 to below 1');
  fit('betas[1]', betas[1], betas[1] >= 0 && betas[1] < 1, 'from 0 to below 1');
  fit('eps', eps, Number.isFinite(eps) && eps >= 0, 'a finite number from 0 on');
  fit('weightDecay', weightDecay, Number.isFinite(weightDecay) && weightDecay >= 0, 'a finite number from 0 on');
  if (typeof epsilonBeforeCorrection !== 'boolean')
    throw new ArgumentError(
      `AdamW: epsilonBeforeCorrection must be true or false, not ${String(epsilonBeforeCorrection)}.`,
    );
  return settings;
}

/** Reads the first argument of an optimiser: parameters, or groups of them. */
export function toGroups(params: Iterable<Tensor> | Iterable<ParameterGroup>): ParameterGroup[] {
  const given = [...listOf<Tensor | ParameterGroup>(params)];
  if (given.length === 0) throw new ArgumentError('An optimiser needs at least one parameter.');
  if (given.every((each) => each instanceof Tensor)) return [{ params: given }];
  if (given.some((each) => each instanceof Tensor)) {
    throw new ArgumentError('An optimiser takes parameters or parameter groups, not both.');
  }
  for (const group of given as ParameterGroup[]) listOf(group?.params);
  return given as ParameterGroup[];
}

function listOf<T>(params: Iterable<T>): Iterable<T> {
  if (typeof params === 'object' && params !== null && Symbol.iterator in params) return params;
  throw new ArgumentError('An optimiser takes a list of parameters, such as model.parameters(), or { params: list }.');
}

/** Norm layers by the names that modules give them; for native modules the names are all there is to go by. */
const normName = /layernorm|rmsnorm|(?:^|[._])norm(?:\.|$)/i;

/**
 * Two groups: with weight decay everything but biases and the weights of norms; embeddings and the head are decayed.
 * Empty groups are left out. Source: spec/residual.md section 9.
 */
export function decayGroups(module: Module, weightDecay: number): ParameterGroup[] {
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
