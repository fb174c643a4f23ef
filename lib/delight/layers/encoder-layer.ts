import { checkArgument } from '../../arguments';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { delightLayerPlan, type DelightLayerOptions } from './layer-options';

export interface EncoderLayerInputs {
  /** Bool `[batch, time]`, true where a position is padding: no other attends to it. */
  paddingMask?: Tensor | null;
  /** Added to the scores, `[time, time]`. */
  attentionMask?: Tensor | null;
}

/**
 * One encoder block: a DeLighT transformation and single-head attention around one residual, a light-weight feed-forward network around
 * another. Source: DeLighT, section 3.2.
 */
export class DelightEncoderLayer extends NativeModule {
  /** @throws ConfigError for impossible sizes, naming the nearest possible value */
  constructor(options: DelightLayerOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a DelightEncoderLayer');
    super('delight-encoder-layer', delightLayerPlan(options), placement);
  }

  /** `[time, batch, hiddenSize]` -> the same. @throws ShapeError for other shapes */
  override forward(x: Tensor, { paddingMask = null, attentionMask = null }: EncoderLayerInputs = {}): Tensor {
    return this.call('forward', [x, paddingMask, attentionMask])[0]!;
  }
}
