/** What a model costs, counted without building it: parameters and multiply-adds (MACs), by block and in all. */
import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import {
  add,
  blockCost,
  free,
  linearNoBias,
  norm,
  shared,
  stored,
  transformationCost,
  weights,
  type Cost,
} from './component-cost';
import { isTranslation, type LanguageModelConfig, type ModelConfig } from './config';
import { decoderPlan, embeddingPlan, encoderPlan, tableWidth, type BlockPlan } from './plan';
import type { GroupLinearSize } from './transformation';

/** Tokens of a sentence and of its translation; a language model has only targets. */
export interface Lengths {
  source: number;
  target: number;
}

/** One part of a model. */
export interface BlockCost {
  /** `encoder.embedding`, `decoder.3`, `decoder.output`, ... */
  name: string;
  stack: 'encoder' | 'decoder';
  /** Group linear layers of its transformation; null where it has none. */
  depth: number | null;
  widthMultiplier: number | null;
  /** Sizes of the group linear layers. */
  layers: GroupLinearSize[];
  /** Parameters that no earlier block has. */
  parameters: number;
  /** Of translating or continuing: the encoder once, the decoder for every length from 1 to the target's, without caches. */
  macs: number;
  /** The attention's share of `macs`. */
  attentionMacs: number;
  /** Of one pass over whole sequences, as in training. */
  passMacs: number;
}

export interface ModelCost {
  lengths: Lengths;
  blocks: BlockCost[];
  total: {
    /** Every distinct parameter of the model that is built. */
    parameters: number;
    /** Those of look-up tables. */
    tableParameters: number;
    macs: number;
    passMacs: number;
  };
}

export const defaultLengths: Lengths = { source: 20, target: 20 };

interface Part {
  name: string;
  stack: 'encoder' | 'decoder';
  cost: Cost;
  transformation?: { depth: number; widthMultiplier: number; layers: GroupLinearSize[] } | null;
}

/**
 * The cost of every block of a model, in the order of computation.
 *
 * @throws ArgumentError for lengths that are none, ConfigError for impossible sizes
 */
export function modelCost(config: ModelConfig, lengths: Lengths = defaultLengths): ModelCost {
  checkArgument(config, 'object', "A model's configuration, such as model.config or architecture(name),");
  checkArgument(lengths, 'object', 'The lengths of the texts');
  for (const [name, length] of Object.entries(lengths)) {
    if (!Number.isInteger(length) || length < 1 || length > 1e6)
      throw new ArgumentError(`The ${name} length must be a whole number from 1 to 1000000, not ${length}.`);
  }
  const blocks = [...(isTranslation(config) ? encoderParts(config) : []), ...decoderParts(config)].map((part) =>
    atLengths(part, lengths),
  );
  const sum = (key: 'parameters' | 'macs' | 'passMacs') => blocks.reduce((total, block) => total + block[key], 0);
  return {
    lengths,
    blocks,
    total: {
      parameters: sum('parameters'),
      tableParameters: tableParameters(config),
      macs: sum('macs'),
      passMacs: sum('passMacs'),
    },
  };
}

/** All parameters; what is shared counts once. */
export function countParameters(config: ModelConfig): number {
  return modelCost(config).total.parameters;
}

/** Multiply-adds of passes: how many there are, their positions, and the squares of their lengths, in all. */
function atLengths({ name, stack, cost, transformation }: Part, { source, target }: Lengths): BlockCost {
  const one = (length: number) => ({ count: 1, positions: length, squares: length ** 2 });
  const each = {
    count: target,
    positions: (target * (target + 1)) / 2,
    squares: (target * (target + 1) * (2 * target + 1)) / 6,
  };
  const attention = ({ positions, squares }: typeof each) =>
    cost.perSelfPair * squares + cost.perCrossPair * positions * source;
  const all = (passes: typeof each) =>
    cost.perToken * passes.positions + cost.perSource * source * passes.count + attention(passes);
  const decoding = stack === 'encoder' ? one(source) : each;
  return {
    name,
    stack,
    depth: transformation?.depth ?? null,
    widthMultiplier: transformation?.widthMultiplier ?? null,
    layers: transformation?.layers ?? [],
    parameters: cost.parameters,
    macs: all(decoding),
    attentionMacs: attention(decoding),
    passMacs: all(one(stack === 'encoder' ? source : target)),
  };
}

const slopesOf = (config: ModelConfig) => (config.activation === 'prelu' ? 1 : 0);

function encoderParts(config: Extract<ModelConfig, { encoder: unknown }>): Part[] {
  const table = config.sourceVocabSize * tableWidth(config);
  return [
    embeddingPart(config, 'encoder', stored(table)),
    ...positionParts(config, 'encoder', config.maxSourcePositions),
    ...blockParts(config, 'encoder', encoderPlan(config)),
    ...(config.normalizeBefore
      ? [{ name: 'encoder.norm', stack: 'encoder' as const, cost: norm(config.hiddenSize) }]
      : []),
  ];
}

function decoderParts(config: ModelConfig): Part[] {
  const { hiddenSize } = config;
  const stack = 'decoder';
  const width = tableWidth(config);
  const positions = isTranslation(config) ? config.maxTargetPositions : config.maxPositionEmbeddings;
  return [
    embeddingPart(config, stack, isTranslation(config) ? targetTable(config) : inputTable(config)),
    ...positionParts(config, stack, positions),
    ...blockParts(config, stack, decoderPlan(config)),
    ...(config.normalizeBefore && config.finalNorm
      ? [{ name: 'decoder.norm', stack, cost: norm(hiddenSize) } as const]
      : []),
    ...(hiddenSize === width
      ? []
      : [{ name: 'decoder.projection', stack, cost: linearNoBias(hiddenSize, width) } as const]),
    { name: 'decoder.output', stack, cost: outputCost(config) },
  ];
}

function embeddingPart(config: ModelConfig, stack: 'encoder' | 'decoder', table: Cost): Part {
  const transformation = embeddingPlan(config);
  const cost = transformation ? add(table, transformationCost(transformation, slopesOf(config))) : table;
  return { name: `${stack}.embedding`, stack, cost, transformation };
}

/** Sinusoidal positions are computed; learned ones have rows for the padding id and those before it. */
function positionParts(config: ModelConfig, stack: 'encoder' | 'decoder', count: number): Part[] {
  if (config.positions !== 'learned') return [];
  const rows = count + (config.padTokenId === null ? 0 : config.padTokenId + 1);
  return [{ name: `${stack}.positions`, stack, cost: stored(rows * config.hiddenSize) }];
}

function blockParts(config: ModelConfig, stack: 'encoder' | 'decoder', plans: BlockPlan[]): Part[] {
  const hasCrossAttention = stack === 'decoder' && isTranslation(config);
  return plans.map((plan, block) => ({
    name: `${stack}.${block}`,
    stack,
    cost: blockCost(plan, slopesOf(config), hasCrossAttention),
    transformation: plan.type === 'delight' ? plan.transformation : null,
  }));
}

function targetTable(config: Extract<ModelConfig, { encoder: unknown }>): Cost {
  return config.shareEmbeddings ? free : stored(config.targetVocabSize * tableWidth(config));
}

/** The bands of a vocabulary: words, and features of each. */
function bandsOf(vocabSize: number, width: number, { cutoffs, factor }: { cutoffs: number[]; factor: number }) {
  const ends = [...cutoffs, vocabSize];
  return ends.map((end, band) => ({
    words: end - (ends[band - 1] ?? 0),
    features: Math.floor(width / factor ** band),
  }));
}

function inputTable(config: LanguageModelConfig): Cost {
  const { vocabSize, adaptiveInput } = config;
  const width = tableWidth(config);
  if (!adaptiveInput) return stored(vocabSize * width);
  return add(
    ...bandsOf(vocabSize, width, adaptiveInput).map(({ words, features }) =>
      add(stored(words * features), linearNoBias(features, width)),
    ),
  );
}

function outputCost(config: ModelConfig): Cost {
  const width = tableWidth(config);
  if (!isTranslation(config) && config.adaptiveSoftmax) return adaptiveSoftmaxCost(config, config.adaptiveSoftmax);
  const matrix = weights((isTranslation(config) ? config.targetVocabSize : config.vocabSize) * width);
  return config.tieWordEmbeddings ? shared(matrix) : matrix;
}

function adaptiveSoftmaxCost(
  config: LanguageModelConfig,
  softmax: NonNullable<LanguageModelConfig['adaptiveSoftmax']>,
): Cost {
  const width = tableWidth(config);
  const { tieWeights, tieProjections } = softmax;
  const sharedIf = (isShared: boolean, cost: Cost) => (isShared ? shared(cost) : cost);
  const [head, ...clusters] = bandsOf(config.vocabSize, width, softmax);
  return add(
    sharedIf(tieWeights, linearNoBias(width, head!.words)),
    linearNoBias(width, clusters.length),
    ...clusters.flatMap(({ words, features }) => [
      sharedIf(tieProjections, linearNoBias(width, features)),
      sharedIf(tieWeights, linearNoBias(features, words)),
    ]),
  );
}

/** Parameters of the look-up tables, in all their bands. */
export function tableParameters(config: ModelConfig): number {
  const width = tableWidth(config);
  if (isTranslation(config)) return config.sourceVocabSize * width + targetTable(config).parameters;
  const { vocabSize, adaptiveInput } = config;
  const bands = adaptiveInput ? bandsOf(vocabSize, width, adaptiveInput) : [{ words: vocabSize, features: width }];
  return bands.reduce((total, { words, features }) => total + words * features, 0);
}
