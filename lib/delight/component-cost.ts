/**
 * What the parts of a model cost: parameters, and multiply-adds by sequence length. The reference's counting rules: a bias counts as
 * multiply-adds, and norms, activations, softmax, scaling and masks count none.
 */
import type { BlockPlan } from './plan';
import type { TransformationPlan } from './transformation';

export interface Cost {
  parameters: number;
  /** Multiply-adds for each position of the part's own sequence. */
  perToken: number;
  /** For each position of the encoder's output. */
  perSource: number;
  /** Of attention, for each pair of positions of the own sequence. */
  perSelfPair: number;
  /** Of attention, for each pair of an own position and one of the encoder's output. */
  perCrossPair: number;
}

export const free: Cost = { parameters: 0, perToken: 0, perSource: 0, perSelfPair: 0, perCrossPair: 0 };

export function add(...costs: Cost[]): Cost {
  const sum = { ...free };
  for (const cost of costs) for (const key of Object.keys(sum) as (keyof Cost)[]) sum[key] += cost[key];
  return sum;
}

/** A part of `parameters` elements, each used once for each position. */
export function weights(parameters: number): Cost {
  return { ...free, parameters, perToken: parameters };
}

export const linear = (inFeatures: number, outFeatures: number) => weights((inFeatures + 1) * outFeatures);
export const linearNoBias = (inFeatures: number, outFeatures: number) => weights(inFeatures * outFeatures);
/** Scale and shift. */
export const norm = (features: number): Cost => ({ ...free, parameters: 2 * features });
/** Parameters without work: tables that are looked up, slopes of activations. */
export const stored = (parameters: number): Cost => ({ ...free, parameters });
/** Work with parameters that are counted elsewhere. */
export const shared = (cost: Cost): Cost => ({ ...cost, parameters: 0 });

/** `slopes`: parameters of one activation, 1 for prelu. */
export function transformationCost(plan: TransformationPlan, slopes: number): Cost {
  const { inFeatures, projFeatures, outFeatures, layers } = plan;
  const lastWidth = layers.at(-1)!.outFeatures;
  const grouped = layers.flatMap((layer) => [
    weights((layer.inFeatures * layer.outFeatures) / layer.groups + layer.outFeatures),
    norm(layer.outFeatures / layer.groups),
  ]);
  return add(
    ...[linear(inFeatures, projFeatures), norm(projFeatures)],
    ...grouped,
    ...[linear(lastWidth + projFeatures, outFeatures), norm(outFeatures)],
    stored(slopes * (layers.length + 2)),
  );
}

/** Single-head attention of width `proj`, or multi-head attention whose heads together have it. */
function selfAttention(inFeatures: number, proj: number, outFeatures: number): Cost {
  return add(linear(inFeatures, 3 * proj), linear(proj, outFeatures), { ...free, perSelfPair: 2 * proj });
}

function crossAttention(features: number, proj: number): Cost {
  const { parameters } = linear(features, 2 * proj);
  const keysAndValues = { ...free, parameters, perSource: parameters };
  return add(linear(features, proj), keysAndValues, linear(proj, features), { ...free, perCrossPair: 2 * proj });
}

/** One encoder or decoder layer. */
export function blockCost(plan: BlockPlan, slopes: number, hasCrossAttention: boolean): Cost {
  const { hiddenSize: features, ffnSize } = plan;
  const isDelight = plan.type === 'delight';
  const proj = isDelight ? features / 2 : features;
  return add(
    isDelight ? transformationCost(plan.transformation, slopes) : free,
    ...[selfAttention(proj, proj, features), norm(features)],
    ...(hasCrossAttention ? [crossAttention(features, proj), norm(features)] : []),
    ...[linear(features, ffnSize), stored(slopes), linear(ffnSize, features), norm(features)],
  );
}
