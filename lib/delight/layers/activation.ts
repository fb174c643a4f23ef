import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import type { ActivationName } from '../keys';

/** An activation by its name: `leaky` has slope 0.1, `gelu` is the exact one, `swish` is x * sigmoid(x), `prelu` learns its slope (parameter `weight`, 0.25 at first). */
export class Activation extends NativeModule {
  /** @throws ConfigError for an unknown name */
  constructor(activation: ActivationName, placement: NativeModuleOptions = {}) {
    super('delight-activation', { activation }, placement);
  }

  /** Element by element. */
  override forward(x: Tensor): Tensor {
    return this.call('forward', [x])[0]!;
  }
}
