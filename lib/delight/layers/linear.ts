import { checkArgument } from '../../arguments';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { stylePlan, type StyleOptions } from './style';

export interface GatedLinearOptions extends StyleOptions {
  inFeatures: number;
  outFeatures: number;
  /** Transforms computed at once; the output holds them side by side. Default 1. */
  gates?: number;
}

/**
 * A dense transform, then norm, activation and dropout: `dropout(activation(norm(x W^T + b)))`.
 *
 * Parameters: `weights` `[outFeatures * gates, inFeatures]` (Xavier uniform), `bias` (zero).
 */
export class GatedLinear extends NativeModule {
  /** @throws ConfigError for sizes below 1 or a dropout outside [0, 1) */
  constructor(options: GatedLinearOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a GatedLinear');
    const { inFeatures, outFeatures, gates = 1, ...style } = options;
    super('delight-linear', { inFeatures, outFeatures, gates, ...stylePlan(style) }, placement);
  }

  /** `[..., inFeatures]` -> `[..., outFeatures * gates]`. @throws ShapeError for another width */
  override forward(x: Tensor): Tensor {
    return this.call('forward', [x])[0]!;
  }
}
