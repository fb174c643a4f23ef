import { checkArgument } from '../../arguments';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { checkGroupLinear, type GroupLinearSize } from '../transformation';
import { stylePlan, type StyleOptions } from './style';

export interface GroupLinearOptions extends GroupLinearSize, StyleOptions {
  /** Lets each group of the next layer see every group of this one: output j comes from group j mod `groups`. Default false. */
  shuffle?: boolean;
}

/**
 * A group linear transform (GLT): the features in `groups` slices, each with a matrix of its own; then shuffle, norm, activation, dropout.
 * The norm sees each group of `outFeatures / groups` features after the shuffle, with one weight and bias for all groups.
 * One group is a dense transform: its weights lie as those of `GatedLinear`, and shuffling is nothing.
 *
 * Parameters: `weights` `[groups, inFeatures / groups, outFeatures / groups]`, `bias` `[groups, 1, outFeatures / groups]`.
 * Source: DeLighT, section 3.1, and its code.
 */
export class GroupLinear extends NativeModule {
  /** @throws ConfigError for widths that the groups do not divide, naming the nearest that they do */
  constructor(options: GroupLinearOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a GroupLinear');
    const { inFeatures, outFeatures, groups, shuffle = false, ...style } = options;
    checkGroupLinear({ inFeatures, outFeatures, groups });
    super('delight-group-linear', { inFeatures, outFeatures, groups, shuffle, ...stylePlan(style) }, placement);
  }

  /**
   * `[time, batch, inFeatures]` -> `[time, batch, outFeatures]`. Two dimensions give `[batch, groups, outFeatures / groups]`, not
   * flattened, as in the original (with one group: `[batch, outFeatures]`).
   * @throws ShapeError for other shapes
   */
  override forward(x: Tensor): Tensor {
    return this.call('forward', [x])[0]!;
  }
}
