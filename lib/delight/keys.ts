/** The keys of a DeLighT or Transformer model's configuration: their kinds, meanings and defaults. */
import { z } from 'zod';

import { scalings } from './transformation';

export const activationNames = [
  'relu',
  'leaky',
  'selu',
  'elu',
  'celu',
  'prelu',
  'sigmoid',
  'tanh',
  'gelu',
  'swish',
] as const;
/** `leaky` has slope 0.1, `gelu` is exact, `swish` is x * sigmoid(x), `prelu` learns one slope. */
export type ActivationName = (typeof activationNames)[number];

export const normNames = ['layer', 'batch'] as const;
/** Normalises each position's features (of each group), or each feature over all positions of the batch. */
export type NormName = (typeof normNames)[number];

export const size = z
  .int()
  .positive()
  .max(2 ** 31 - 1);
/** The probability that dropout zeroes an element. */
const probability = z.number().min(0).lt(1);
const tokenId = z
  .int()
  .nonnegative()
  .max(2 ** 31 - 1);
const enumOf = <const T extends readonly string[]>(values: T) => z.enum(values);

/** Keys of every model. */
export const commonShape = {
  /** Width of the residual stream (d_model; the paper's d_m). */
  hiddenSize: size,
  /** Whether a decoder whose layers normalise before ends with a norm of its own. (An encoder always does.) */
  finalNorm: z.boolean().default(true),
  /** `learned` adds rows for the padding id and those before it, as the reference does. */
  positions: enumOf(['sinusoidal', 'learned', 'none']).default('sinusoidal'),
  /** Whether embeddings are multiplied by the root of their width. */
  scaleEmbedding: z.boolean().default(true),
  /** Of each sub-layer's output, before the residual. */
  dropout: probability.default(0.1),
  /** Of the feed-forward network's inner activations. */
  activationDropout: probability.default(0),
  /** Whether training drops each layer's inner activations and makes them anew in the backward pass: less memory, more time, the same numbers to the bit. */
  activationCheckpointing: z.boolean().default(false),
};

/** Keys of every translation model. */
export const translationShape = {
  /** Rows of the look-up tables; may be left to the data. */
  sourceVocabSize: size.optional(),
  targetVocabSize: size.optional(),
  /** One look-up table for source and target (the transformations above it stay separate). Needs one vocabulary. */
  shareEmbeddings: z.boolean().default(false),
  /** Whether the decoder's look-up table is also the output layer. */
  tieWordEmbeddings: z.boolean().default(true),
  /** Norms before each sub-layer, or after its residual. */
  normalizeBefore: z.boolean().default(false),
  maxSourcePositions: size.default(1024),
  maxTargetPositions: size.default(1024),
  padTokenId: tokenId.default(1),
  eosTokenId: tokenId.default(2),
  /** Share of the target distribution that is spread over the whole vocabulary in training. */
  labelSmoothing: z.number().min(0).lt(1).default(0.1),
};

const cutoffs = z
  .array(size)
  .min(1)
  .refine((list) => list.every((cutoff, index) => index === 0 || cutoff > list[index - 1]!), 'must be increasing');

/** Frequent words get wide embeddings: band i of the vocabulary has width / factor^i features, projected to the full width. */
export const adaptiveInput = z.strictObject({
  /** First id of each band after the first. */
  cutoffs,
  factor: z.number().min(1).default(2),
  /** Start the bands after the first at zero, as the reference (perhaps unintentionally) does. Default: drawn like the first. */
  zeroTailInit: z.boolean().default(false),
});

/** A softmax over the frequent words and the clusters of the others, and one within each cluster. */
export const adaptiveSoftmaxSection = z.strictObject({
  /** Default: those of `adaptiveInput`. */
  cutoffs: cutoffs.optional(),
  factor: z.number().min(1).optional(),
  /** Of the input, and within each cluster. */
  dropout: probability.default(0),
  /** Share the bands' embeddings with the input. Default: where there is an adaptive input. */
  tieWeights: z.boolean().optional(),
  /** Share the bands' projections with the input. Default: as `tieWeights`. */
  tieProjections: z.boolean().optional(),
  /** Leave out of training the second word of each cluster, as the reference does by mistaking its place for the padding id. */
  ignoreTailPad: z.boolean().default(false),
});

/** Keys of every language model; their layers always normalise before each sub-layer. */
export const languageShape = {
  /** May be left to the data. */
  vocabSize: size.optional(),
  adaptiveInput: adaptiveInput.nullable().default(null),
  adaptiveSoftmax: adaptiveSoftmaxSection.nullable().default(null),
  /** Whether the look-up table is also the output layer. Default: where both are plain. */
  tieWordEmbeddings: z.boolean().optional(),
  normalizeBefore: z.literal(true).default(true),
  maxPositionEmbeddings: size.default(512),
  /** Has no embedding, no position and no loss. */
  padTokenId: tokenId.nullable().default(null),
};

/** The blocks of an encoder or decoder; see `DelightStack`. */
export const delightStack = z
  .strictObject({
    scaling: enumOf(scalings),
    blocks: size,
    minDepth: size,
    maxDepth: size,
    widthMultiplier: z.number().positive(),
    maxGroups: size,
    ffnReduction: size,
  })
  .partial();

export const delightShape = {
  type: z.literal('delight'),
  /** The transformation above the look-up table. Default: as deep and wide as the decoder's first block. */
  embedding: z
    .strictObject({ depth: size, widthMultiplier: z.number().positive(), maxGroups: size })
    .partial()
    .prefault({}),
  decoder: delightStack.prefault({}),
  activation: enumOf(activationNames).default('swish'),
  /** Of the transformations. */
  norm: enumOf(normNames).default('layer'),
  /** Mix the groups' features between group linear layers. Default: true, and with `define` false. */
  shuffle: z.boolean().optional(),
  /** The sizes of DeFINE's units (ICLR 2020) in place of DeLighT's. */
  define: z.boolean().default(false),
  attentionDropout: probability.default(0.1),
  /** Of the feed-forward network's output. */
  ffnDropout: probability.default(0.1),
  /** Of each layer of the transformations. */
  unitDropout: probability.default(0.1),
  /** Of embeddings; one mask for all positions. */
  embeddingDropout: probability.default(0.1),
  /** After positions are added; one mask for all positions. */
  positionDropout: probability.default(0.1),
};

/** The layers of an encoder or decoder: 6 layers of 8 heads; `ffnSize` is 4 times `hiddenSize` unless given. */
export const transformerStack = z.strictObject({ layers: size, heads: size, ffnSize: size }).partial();

export const transformerShape = {
  type: z.literal('transformer'),
  decoder: transformerStack.prefault({}),
  activation: enumOf(activationNames).default('relu'),
  attentionDropout: probability.default(0),
};

/** The keys that are checked against each other. */
export interface TranslationKeys {
  sourceVocabSize?: number | undefined;
  targetVocabSize?: number | undefined;
  shareEmbeddings: boolean;
  padTokenId: number;
  eosTokenId: number;
}

export interface LanguageKeys {
  vocabSize?: number | undefined;
  adaptiveInput: z.output<typeof adaptiveInput> | null;
  adaptiveSoftmax: z.output<typeof adaptiveSoftmaxSection> | null;
  tieWordEmbeddings?: boolean | undefined;
  padTokenId: number | null;
}
