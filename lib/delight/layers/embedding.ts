import { checkArgument } from '../../arguments';
import { ConfigError } from '../../errors';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { unitPlan, type DelightTransformationOptions } from './transformation';

export interface AdaptiveBands {
  /** First id of each band after the first. */
  cutoffs: readonly number[];
  /** Band i has `features / factor^i` features, rounded down. Default 2. */
  factor?: number;
  /** Start the bands after the first at zero, as the original does by accident. Default false: drawn like the first. */
  zeroTails?: boolean;
}

export interface DelightEmbeddingOptions {
  vocabSize: number;
  /** This id has the row of zeros, which does not learn. Default none. */
  paddingId?: number | null;
  /** Width of the look-up table. */
  mapFeatures: number;
  /** Multiply by the root of `mapFeatures`. Default true; an adaptive table always scales by its own rule. */
  scale?: boolean;
  /** One mask for all positions of a sequence. Default 0. */
  dropout?: number;
  /** Give frequent words wider rows. Default none. */
  adaptive?: AdaptiveBands | null;
  /** The transformation above the table, whose `inFeatures` are `mapFeatures`. Null: the table alone. */
  unit?: Omit<DelightTransformationOptions, 'inFeatures'> | null;
}

/** Token ids to features: a narrow look-up table with a DeLighT transformation above it. Source: DeLighT, section 3.2, after DeFINE. */
export class DelightEmbedding extends NativeModule {
  /** @throws ConfigError for impossible sizes */
  constructor(options: DelightEmbeddingOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a DelightEmbedding');
    const {
      vocabSize,
      paddingId = null,
      mapFeatures,
      scale = true,
      dropout = 0,
      adaptive = null,
      unit = null,
    } = options;
    const plan = {
      vocabSize,
      paddingId,
      features: mapFeatures,
      scale,
      dropout,
      adaptive: adaptive && bandsPlan(adaptive),
      unit: unit && unitPlan({ ...unit, inFeatures: mapFeatures }).native,
    };
    super('delight-embedding', plan, placement);
  }

  /** Ids `[batch, time]` int64 -> `[batch, time, features]`. @throws DataError for an id beyond the vocabulary */
  override forward(tokens: Tensor): Tensor {
    return this.call('forward', [tokens])[0]!;
  }
}

export function bandsPlan({ cutoffs, factor = 2, zeroTails = false }: AdaptiveBands) {
  return { cutoffs: cutoffList(cutoffs), factor, zeroTails };
}

/** @throws ConfigError for what is no list */
export function cutoffList(cutoffs: readonly number[]): number[] {
  if (Array.isArray(cutoffs)) return [...(cutoffs as readonly number[])];
  throw new ConfigError(`cutoffs must be a list of ids, each the first of a band, not ${String(cutoffs)}`);
}
