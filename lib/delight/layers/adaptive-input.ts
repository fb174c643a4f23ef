import { checkArgument } from '../../arguments';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { bandsPlan, type AdaptiveBands } from './embedding';

export interface AdaptiveInputOptions extends AdaptiveBands {
  vocabSize: number;
  /** Of the first band. Default none. */
  paddingId?: number | null;
  /** Width of the first band's table. */
  initialFeatures: number;
  outFeatures: number;
}

/**
 * An embedding whose rows are the narrower the rarer the words: the vocabulary in bands, each with a table and a projection of its own.
 * Source: Baevski and Auli 2019.
 */
export class AdaptiveInput extends NativeModule {
  /** @throws ConfigError for cutoffs that do not increase below the vocabulary's size, or a band without features */
  constructor(options: AdaptiveInputOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of an AdaptiveInput');
    const { vocabSize, paddingId = null, initialFeatures, outFeatures, ...bands } = options;
    super(
      'delight-adaptive-input',
      { vocabSize, paddingId, initialFeatures, outFeatures, ...bandsPlan(bands) },
      placement,
    );
  }

  /** Ids `[batch, time]` int64 -> `[batch, time, outFeatures]`. @throws DataError for an id beyond the vocabulary */
  override forward(tokens: Tensor): Tensor {
    return this.call('forward', [tokens])[0]!;
  }
}
