/** The sections of a model's configuration that say how its stacks grow: their defaults, and what would make them impossible. */
import {
  blockScaling,
  defaultGroups,
  scalingFault,
  transformationFault,
  type Scaling,
  type TransformationFault,
} from './transformation';

/** How the DeLighT blocks of an encoder or decoder are sized. */
export interface DelightStack {
  scaling: Scaling;
  /** Number of blocks. */
  blocks: number;
  /** Group linear layers in the first and in the last block. */
  minDepth: number;
  maxDepth: number;
  /** Width multiplier of the first block; the last has `widthMultiplier + maxDepth / minDepth - 1`. */
  widthMultiplier: number;
  maxGroups: number;
  /** The feed-forward network's inner width is `hiddenSize / ffnReduction`, rounded down. */
  ffnReduction: number;
}

/** How the transformation above the look-up table is sized. */
export interface DelightEmbedding {
  depth: number;
  widthMultiplier: number;
  maxGroups: number;
}

const mostLayers = 1000;

type Partially<T> = { [K in keyof T]?: T[K] | undefined };
export type StackSection = Partially<DelightStack>;
export type EmbeddingSection = Partially<DelightEmbedding>;

/** What a caller writes of a DeLighT model's sizes. `decoder` follows `encoder` where it says nothing itself. */
export interface DelightSections {
  hiddenSize: number;
  embeddingSize: number;
  define: boolean;
  embedding: EmbeddingSection;
  encoder?: StackSection | undefined;
  decoder: StackSection;
}

export interface DelightSizes {
  embedding: DelightEmbedding;
  encoder: DelightStack;
  decoder: DelightStack;
}

/** Fills in every size that was left out. */
export function resolveDelight(sections: DelightSections): DelightSizes {
  const { hiddenSize } = sections;
  const groups = defaultGroups(hiddenSize);
  const encoder = resolveStack(sections.encoder ?? {}, groups);
  const decoder = resolveStack(inherit(sections.encoder, sections.decoder), groups);
  const embedding = {
    depth: sections.embedding.depth ?? decoder.minDepth,
    widthMultiplier: sections.embedding.widthMultiplier ?? decoder.widthMultiplier,
    maxGroups: sections.embedding.maxGroups ?? groups,
  };
  return { embedding, encoder, decoder };
}

/** A decoder's section, with what it leaves out taken from the encoder's. */
export function inherit<T extends object>(encoder: T | undefined, decoder: T): T {
  const given = Object.entries(decoder).filter(([, value]) => value !== undefined);
  return { ...encoder, ...Object.fromEntries(given) } as T;
}

function resolveStack(section: StackSection, groups: number): DelightStack {
  const scaling = section.scaling ?? 'block';
  const minDepth = section.minDepth ?? (scaling === 'uniform' ? section.maxDepth : undefined) ?? 4;
  const maxDepth = section.maxDepth ?? (scaling === 'uniform' ? minDepth : 8);
  return {
    scaling,
    blocks: section.blocks ?? maxDepth,
    minDepth,
    maxDepth,
    widthMultiplier: section.widthMultiplier ?? 2,
    maxGroups: section.maxGroups ?? groups,
    ffnReduction: section.ffnReduction ?? 4,
  };
}

/** A value that makes the model impossible: its place in the configuration, and a reason that reads on after the value. */
export interface SizeFault {
  path: string[];
  reason: string;
}

/** Everything that makes a DeLighT model's sizes impossible, at most one fault for a place. */
export function delightFaults(sections: DelightSections): SizeFault[] {
  const { hiddenSize, embeddingSize, define } = sections;
  if (hiddenSize % 2 !== 0 || hiddenSize < 4) return [{ path: ['hiddenSize'], reason: 'must be even, and at least 4' }];
  const stacks = sections.encoder ? (['encoder', 'decoder'] as const) : (['decoder'] as const);
  const ruled = [...stacks, 'embedding' as const].filter((name) => sections[name]?.maxGroups === undefined);
  const byRule = ruled.filter((name) => name !== 'decoder' || sections.encoder?.maxGroups === undefined);
  if (hiddenSize % 32 !== 0 && byRule.length > 0) {
    const keys = byRule.map((name) => `${name}.maxGroups`).join(', ');
    return [{ path: ['hiddenSize'], reason: `must be a multiple of 32 unless all groups are given (${keys})` }];
  }
  const sizes = resolveDelight(sections);
  const half = hiddenSize / 2;
  const faults: SizeFault[] = [];
  for (const name of stacks) {
    const { ffnReduction, maxGroups, ...scaling } = sizes[name];
    const fault = scalingFault(scaling);
    if (fault) {
      faults.push({ path: [name, fault.key], reason: fault.reason });
      continue;
    }
    if (ffnReduction > hiddenSize)
      faults.push({ path: [name, 'ffnReduction'], reason: `leaves nothing of hiddenSize ${hiddenSize}` });
    for (const block of blockScaling(scaling)) {
      const features = { inFeatures: hiddenSize, projFeatures: half, outFeatures: half };
      const found = transformationFault({ ...features, ...block, maxGroups, define });
      if (found) faults.push(placeFault(found, name, 'hiddenSize'));
    }
  }
  const unit = { inFeatures: embeddingSize, projFeatures: half, outFeatures: hiddenSize, ...sizes.embedding, define };
  const found = transformationFault(unit);
  if (found) faults.push(placeFault(found, 'embedding', 'embeddingSize'));
  return asWritten(faults, sections);
}

/** A transformation's fault, placed at the key of the configuration that its sizes come from. */
function placeFault({ key, reason }: TransformationFault, section: string, inFeaturesKey: string): SizeFault {
  const named = reason.replace('maxGroups', `${section}.maxGroups`);
  if (key === 'inFeatures') return { path: [inFeaturesKey], reason: named };
  if (key === 'outFeatures' && section === 'embedding') return { path: ['hiddenSize'], reason: named };
  if (key === 'projFeatures' || key === 'outFeatures')
    return { path: ['hiddenSize'], reason: `has a half that ${named} (${section})` };
  return { path: [section, key], reason };
}

interface Written {
  encoder?: object | undefined;
  decoder: object;
  embedding?: object;
}

/** Moves faults to where their values were written: what an embedding or decoder leaves out stands before it. One for each place. */
function asWritten(faults: SizeFault[], sections: Written): SizeFault[] {
  const says = (section: string, key: string) =>
    (sections as unknown as Record<string, Record<string, unknown> | undefined>)[section]?.[key] !== undefined;
  const place = ({ path, reason }: SizeFault): string[] => {
    let [section, key] = path as [string, string | undefined];
    if (key === undefined) return path;
    if (section === 'embedding' && key !== 'maxGroups' && !says(section, key))
      [section, key] = ['decoder', key === 'depth' ? 'minDepth' : key];
    const alike = faults.some((other) => other.path.join() === `encoder,${key}` && other.reason === reason);
    if (section === 'decoder' && !says(section, key) && (says('encoder', key) || alike)) section = 'encoder';
    return [section, key];
  };
  const placed = faults.map((fault) => ({ path: place(fault), reason: fault.reason }));
  return placed.filter(({ path }, index) => placed.findIndex((other) => other.path.join() === path.join()) === index);
}

/** The layers of a Transformer's encoder or decoder. */
export interface TransformerStack {
  layers: number;
  heads: number;
  /** Inner width of the feed-forward network. */
  ffnSize: number;
}

export interface TransformerSections {
  hiddenSize: number;
  encoder?: Partially<TransformerStack> | undefined;
  decoder: Partially<TransformerStack>;
}

/** Fills in every size that was left out. */
export function resolveTransformer({ hiddenSize, encoder, decoder }: TransformerSections) {
  const resolve = (section: Partially<TransformerStack>): TransformerStack => ({
    layers: section.layers ?? 6,
    heads: section.heads ?? 8,
    ffnSize: section.ffnSize ?? 4 * hiddenSize,
  });
  return { encoder: resolve(encoder ?? {}), decoder: resolve(inherit(encoder, decoder)) };
}

/** Everything that makes a Transformer's sizes impossible. */
export function transformerFaults(sections: TransformerSections): SizeFault[] {
  if (sections.hiddenSize < 4) return [{ path: ['hiddenSize'], reason: 'must be at least 4' }];
  const sizes = resolveTransformer(sections);
  const stacks = sections.encoder ? (['encoder', 'decoder'] as const) : (['decoder'] as const);
  const faults: SizeFault[] = [];
  for (const name of stacks) {
    const { heads, layers } = sizes[name];
    if (sections.hiddenSize % heads !== 0)
      faults.push({ path: [name, 'heads'], reason: `do not divide hiddenSize ${sections.hiddenSize}` });
    if (layers > mostLayers) faults.push({ path: [name, 'layers'], reason: `is more than ${mostLayers}` });
  }
  return asWritten(faults, sections);
}
