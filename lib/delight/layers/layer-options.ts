/** What encoder and decoder layers have in common. */
import type { ActivationName, NormName } from '../keys';
import { defaultGroups } from '../transformation';
import { unitPlan } from './transformation';

export interface DelightLayerOptions {
  /** Width of the residual stream. */
  hiddenSize: number;
  /** Number of group linear layers. */
  depth: number;
  widthMultiplier: number;
  /** The most groups of a group linear layer. Default: the rule of named models. */
  maxGroups?: number;
  /** Sizes of the DeFINE unit. Default false. */
  define?: boolean;
  /** Default true, and false with `define`. */
  shuffle?: boolean;
  /** The feed-forward network narrows to `hiddenSize / ffnReduction`. Default 4. */
  ffnReduction?: number;
  /** Default swish. */
  activation?: ActivationName;
  /** Of the transformation. Default layer. */
  norm?: NormName;
  /** Norm before each part, or after its residual. Default false: after. */
  normalizeBefore?: boolean;
  /** Of the attention's output. Default 0, as all others. */
  dropout?: number;
  attentionDropout?: number;
  activationDropout?: number;
  ffnDropout?: number;
  /** Of each layer of the transformation. */
  unitDropout?: number;
}

/** The native plan of an encoder layer, with defaults filled in. @throws ConfigError for impossible sizes */
export function delightLayerPlan(options: DelightLayerOptions) {
  const { hiddenSize, depth, widthMultiplier, define = false, activation = 'swish', norm = 'layer' } = options;
  const { native } = unitPlan({
    inFeatures: hiddenSize,
    projFeatures: hiddenSize / 2,
    outFeatures: hiddenSize / 2,
    depth,
    widthMultiplier,
    maxGroups: options.maxGroups ?? defaultGroups(hiddenSize),
    define,
    ...(options.shuffle === undefined ? {} : { shuffle: options.shuffle }),
    norm,
    activation,
    dropout: options.unitDropout ?? 0,
  });
  return {
    type: 'delight',
    features: hiddenSize,
    unit: native,
    ffnFeatures: Math.floor(hiddenSize / (options.ffnReduction ?? 4)),
    activation,
    normalizeBefore: options.normalizeBefore ?? false,
    dropout: options.dropout ?? 0,
    attentionDropout: options.attentionDropout ?? 0,
    activationDropout: options.activationDropout ?? 0,
    ffnDropout: options.ffnDropout ?? 0,
  };
}
