import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';

/** Dropout that in training zeroes a feature at all positions of a sequence or at none. Source: Gal and Ghahramani 2016. */
export class RecurrentDropout extends NativeModule {
  /** @throws ConfigError for a probability outside [0, 1) */
  constructor(p: number, placement: NativeModuleOptions = {}) {
    super('delight-recurrent-dropout', { p }, placement);
  }

  /** `[batch, time, features]` -> the same. */
  override forward(x: Tensor): Tensor {
    return this.call('forward', [x])[0]!;
  }
}
