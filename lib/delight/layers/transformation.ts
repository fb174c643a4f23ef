import { checkArgument } from '../../arguments';
import { ConfigError } from '../../errors';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { transformationPlan, type TransformationOptions, type TransformationPlan } from '../transformation';
import { stylePlan, type StyleOptions } from './style';

export interface DelightTransformationOptions extends TransformationOptions, StyleOptions {
  /** Mix the groups' features between group linear layers. Default true, and false with `define`, whose units never do. */
  shuffle?: boolean;
}

/** The native plan of a transformation inside another layer, and its sizes. Norm and activation are the models' unless given. */
export function unitPlan({
  shuffle,
  bias,
  norm = 'layer',
  activation = 'swish',
  dropout,
  ...sizes
}: DelightTransformationOptions) {
  const plan = transformationPlan(sizes);
  const { inFeatures, projFeatures, outFeatures, layers } = plan;
  const style = stylePlan({
    norm,
    activation,
    ...(bias === undefined ? {} : { bias }),
    ...(dropout === undefined ? {} : { dropout }),
  });
  if (sizes.define && shuffle) throw new ConfigError("shuffle cannot be used with define: DeFINE's units never do it");
  return {
    plan,
    native: { inFeatures, projFeatures, outFeatures, layers, shuffle: shuffle ?? !sizes.define, ...style },
  };
}

/**
 * The DeLighT transformation: a dense layer to `projFeatures`, group linear layers that first widen and then narrow, and a dense layer
 * to `outFeatures`. Before every layer but the first the projected input is mixed in again, group by group.
 *
 * Source: DeLighT, section 3.1; with `define` the sizes of DeFINE (Mehta et al. 2020).
 */
export class DelightTransformation extends NativeModule {
  /** Widths and groups of every layer. */
  readonly plan: TransformationPlan;

  /** @throws ConfigError for impossible sizes, naming the nearest possible value */
  constructor(options: DelightTransformationOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a DelightTransformation');
    const { plan, native } = unitPlan(options);
    super('delight-transformation', native, placement);
    this.plan = plan;
  }

  /** `[time, batch, inFeatures]` or `[batch, inFeatures]` -> the same with `outFeatures`. @throws ShapeError for other shapes */
  override forward(x: Tensor): Tensor {
    return this.call('forward', [x])[0]!;
  }
}
