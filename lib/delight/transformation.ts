/**
 * The sizes of a DeLighT transformation: which widths and groups its group linear layers have, and how depth and width grow from block
 * to block (paper: sections 3.1 and 3.2 of "DeLighT: Deep and Light-weight Transformer"; where paper and published code differ, the code).
 */
import { ConfigError } from '../errors';
import { roundHalfEven } from '../metrics';
import { linspace, nearestWords } from './spacing';

/** One group linear layer: `groups` independent matrices of `inFeatures / groups` x `outFeatures / groups`. One group is a dense layer. */
export interface GroupLinearSize {
  inFeatures: number;
  outFeatures: number;
  groups: number;
}

/** Dense input layer (`inFeatures` to `projFeatures`), group linear layers, dense output layer (last width + `projFeatures` to `outFeatures`). */
export interface TransformationPlan {
  inFeatures: number;
  projFeatures: number;
  outFeatures: number;
  /** Number of group linear layers. */
  depth: number;
  widthMultiplier: number;
  /** `inFeatures * widthMultiplier`, the width at the peak before rounding. May be fractional. */
  maxFeatures: number;
  layers: GroupLinearSize[];
}

export interface TransformationOptions {
  inFeatures: number;
  projFeatures: number;
  outFeatures: number;
  /** At least 2. */
  depth: number;
  widthMultiplier: number;
  /** The most groups that a layer may have: a power of 2. */
  maxGroups: number;
  /** Sizes of the older DeFINE unit: widths grow to the last layer, groups halve. Default: false. */
  define?: boolean;
}

/** Why options have no sizes: the option at fault, and the reason. */
export interface TransformationFault {
  key: Exclude<keyof TransformationOptions, 'define'>;
  reason: string;
}

const mostDepth = 1000;
/** Layers are made no wider than what an int holds. */
const mostFeatures = 2 ** 31 - 1;
/** Widths are multiples of at least this. */
const smallestMultiple = 8;

/**
 * The sizes of one transformation.
 *
 * @throws ConfigError naming the option at fault and the nearest value that is possible
 */
export function transformationPlan(options: TransformationOptions): TransformationPlan {
  const fault = transformationFault(options);
  if (fault) {
    const { key, reason } = fault;
    throw impossible(options, key, reason, transformationFault);
  }
  const { inFeatures, projFeatures, outFeatures, depth, widthMultiplier } = options;
  const maxFeatures = inFeatures * widthMultiplier;
  const layers = groupLinearSizes(options);
  return { inFeatures, projFeatures, outFeatures, depth, widthMultiplier, maxFeatures, layers };
}

/** The error for an option at fault. */
function impossible<Options extends object, Key extends keyof Options & string>(
  options: Options,
  key: Key,
  reason: string,
  faultOf: (options: Options) => { key: string } | undefined,
): ConfigError {
  const value = options[key] as number;
  const faultsWith = (candidate: number) => [faultOf({ ...options, [key]: candidate })?.key ?? []].flat();
  return new ConfigError(`${key} ${value} ${reason}${nearestWords(key, value, faultsWith)}`);
}

/** @throws ConfigError for widths that the groups do not divide, naming the nearest that they do */
export function checkGroupLinear(size: GroupLinearSize): void {
  const fault = groupLinearFault(size);
  if (fault) throw impossible(size, fault.key, fault.reason, groupLinearFault);
}

function groupLinearFault(size: GroupLinearSize): { key: keyof GroupLinearSize; reason: string } | undefined {
  const isSize = (value: number) => Number.isInteger(value) && value >= 1 && value <= mostFeatures;
  for (const key of ['groups', 'inFeatures', 'outFeatures'] as const) {
    if (!isSize(size[key])) return { key, reason: 'must be a positive whole number' };
    if (size[key] % size.groups !== 0) return { key, reason: `cannot be split into ${size.groups} groups` };
  }
  return undefined;
}

/** What makes a transformation's sizes impossible, if anything does. */
export function transformationFault(options: TransformationOptions): TransformationFault | undefined {
  const { inFeatures, depth, widthMultiplier, maxGroups } = options;
  for (const key of ['inFeatures', 'projFeatures', 'outFeatures', 'depth', 'maxGroups'] as const) {
    const value = options[key];
    if (!Number.isInteger(value) || value < 1 || value > mostFeatures)
      return { key, reason: 'must be a positive whole number' };
  }
  if (!(widthMultiplier > 0 && widthMultiplier < Infinity))
    return { key: 'widthMultiplier', reason: 'must be a positive number' };
  if (depth < 2) return { key: 'depth', reason: 'is too few: a transformation has at least 2 group linear layers' };
  if (depth > mostDepth)
    return { key: 'depth', reason: `is too many: a transformation has at most ${mostDepth} group linear layers` };
  if (inFeatures % 2 !== 0) return { key: 'inFeatures', reason: 'must be even' };
  if (!Number.isInteger(Math.log2(maxGroups))) return { key: 'maxGroups', reason: 'must be a power of 2' };
  if (inFeatures % maxGroups !== 0)
    return { key: 'inFeatures', reason: `cannot be split into maxGroups = ${maxGroups} groups` };
  return layerFault(options);
}

/** A layer that cannot be split into its groups, or whose width is no size. */
function layerFault(options: TransformationOptions): TransformationFault | undefined {
  const { projFeatures, outFeatures } = options;
  for (const [index, { outFeatures: width, groups }] of groupLinearSizes(options).entries()) {
    if (projFeatures % groups !== 0)
      return { key: 'projFeatures', reason: `cannot be split into the ${groups} groups of layer ${index}` };
    if (index === options.depth - 1 && outFeatures % groups !== 0)
      return { key: 'outFeatures', reason: `cannot be split into the ${groups} groups of the last layer` };
    if (width < 1 || width > mostFeatures)
      return { key: 'widthMultiplier', reason: `gives layer ${index} a width of ${width}` };
  }
  return undefined;
}

/** Widths and groups of all layers, unchecked. */
function groupLinearSizes(options: TransformationOptions): GroupLinearSize[] {
  const { projFeatures, outFeatures, depth } = options;
  const { groups, rawWidths } = options.define ? growing(options) : expandingAndReducing(options);
  let inFeatures = projFeatures;
  return groups.map((count, index) => {
    const multiple = Math.max(count, groups[index + 1] ?? 1, smallestMultiple);
    const width = index === depth - 1 ? outFeatures : Math.ceil(rawWidths[index]! / multiple) * multiple;
    const layer = { inFeatures, outFeatures: width, groups: count };
    inFeatures = width + projFeatures;
    return layer;
  });
}

interface RawSizes {
  groups: number[];
  /** Of all layers but the last, before they are rounded up. */
  rawWidths: number[];
}

/** Widths grow from `projFeatures` to the peak and back; groups double up to the most and halve again. An odd depth has one peak. */
function expandingAndReducing({
  projFeatures,
  inFeatures,
  widthMultiplier,
  depth,
  maxGroups,
}: TransformationOptions): RawSizes {
  const half = Math.ceil(depth / 2);
  const mirrored = (up: number[]) => [...up, ...(depth % 2 === 0 ? up : up.slice(0, -1)).toReversed()];
  const groups = Array.from({ length: half }, (_, index) => Math.min(2 ** (index + 1), maxGroups));
  const widths = linspace(projFeatures, inFeatures * widthMultiplier, half).map(Math.floor);
  return { groups: mirrored(groups), rawWidths: mirrored(widths).slice(0, -1) };
}

/** DeFINE: widths grow to the end; read from the last layer, groups double and start again with 2 after a dense layer. */
function growing({ projFeatures, inFeatures, widthMultiplier, depth, maxGroups }: TransformationOptions): RawSizes {
  const groups: number[] = [];
  let next = 1;
  for (let layer = 0; layer < depth; layer++) {
    const fits = next <= maxGroups;
    groups.push(fits ? next : 1);
    next = fits ? next * 2 : 2;
  }
  const widths = linspace(projFeatures, inFeatures * widthMultiplier, depth).map(Math.floor);
  return { groups: groups.reverse(), rawWidths: widths.slice(1) };
}

/**
 * The most groups of a model of this width unless it says otherwise: the power of 2 at or above `features / 32`.
 *
 * @throws ConfigError when `features` is not a multiple of 32
 */
export function maxGroups(features: number): number {
  const byRule = (width: number) => Number.isInteger(width) && width >= 32 && width % 32 === 0 && width <= mostFeatures;
  if (!byRule(features)) {
    const words = nearestWords('features', features, (candidate) => (byRule(candidate) ? [] : ['features']));
    throw new ConfigError(`features ${features} must be a multiple of 32, by the rule for groups${words}`);
  }
  return defaultGroups(features);
}

/** The rule of `maxGroups`, for any width. */
export function defaultGroups(features: number): number {
  let groups = 1;
  while (groups < Math.floor(features / 32)) groups *= 2;
  return groups;
}

export const scalings = ['block', 'uniform'] as const;
/** `block`: blocks grow deeper and wider from input to output. `uniform`: all are alike. */
export type Scaling = (typeof scalings)[number];

export interface ScalingOptions {
  scaling: Scaling;
  /** Depth of the first block. */
  minDepth: number;
  /** Depth of the last block. */
  maxDepth: number;
  /** Of the first block; the last has `widthMultiplier + maxDepth / minDepth - 1`. */
  widthMultiplier: number;
  /** Number of blocks. */
  blocks: number;
}

export interface ScalingFault {
  key: Exclude<keyof ScalingOptions, 'scaling'>;
  reason: string;
}

/** What makes a scaling impossible, if anything does. */
export function scalingFault({
  scaling,
  minDepth,
  maxDepth,
  widthMultiplier,
  blocks,
}: ScalingOptions): ScalingFault | undefined {
  for (const [key, value] of Object.entries({ minDepth, maxDepth, blocks }) as [ScalingFault['key'], number][]) {
    const least = key === 'blocks' ? 1 : 2;
    if (!Number.isInteger(value) || value < least || value > mostDepth)
      return { key, reason: `must be a whole number from ${least} to ${mostDepth}` };
  }
  if (!(widthMultiplier > 0 && widthMultiplier < Infinity))
    return { key: 'widthMultiplier', reason: 'must be a positive number' };
  if (minDepth > maxDepth) return { key: 'minDepth', reason: `is more than maxDepth ${maxDepth}` };
  if (scaling === 'uniform' && minDepth !== maxDepth)
    return { key: 'maxDepth', reason: `must equal minDepth ${minDepth} where the scaling is uniform` };
  return undefined;
}

/**
 * Depth and width multiplier of each block, from input to output.
 *
 * @throws ConfigError naming the option at fault and the nearest value that is possible
 */
export function blockScaling(options: ScalingOptions): { depth: number; widthMultiplier: number }[] {
  const fault = scalingFault(options);
  if (fault) {
    const { key, reason } = fault;
    throw impossible(options, key, reason, scalingFault);
  }
  const { minDepth, maxDepth, widthMultiplier, blocks } = options;
  const depths = linspace(minDepth, maxDepth, blocks).map(Math.floor);
  const widths = linspace(widthMultiplier, widthMultiplier + (maxDepth / minDepth - 1), blocks);
  return depths.map((depth, block) => ({ depth, widthMultiplier: roundHalfEven(widths[block]!, 3) }));
}
