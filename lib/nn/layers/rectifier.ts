/** Activations that cut off or bend at a point, with PyTorch's names and defaults. */
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import type { Parameter } from '../module/parameter';
import { checkNumber, checkSize, layerDefaults, placeOf, readArguments, type LayerOptions } from './arguments';
import { InplaceLayer, SimpleInplaceLayer, type InplaceOptions } from './inplace';
import { parameter, TensorLayer } from './layer';

/** max(0, x) */
export class ReLU extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.relu_() : torch.relu(input);
  }
}

/** min(max(0, x), 6) */
export class ReLU6 extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.relu6_() : torch.relu6(input);
  }
}

/** x above 0, else alpha (e^x - 1) */
export class ELU extends InplaceLayer {
  readonly alpha: number;

  constructor(alpha?: number, options?: InplaceOptions);
  constructor(options?: InplaceOptions & { alpha?: number });
  constructor(...given: unknown[]) {
    const { alpha, inplace } = readArguments('ELU', given, { alpha: 1, inplace: false });
    super(inplace);
    this.alpha = checkNumber('ELU', 'alpha', alpha);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.elu_(this.alpha) : torch.elu(input, this.alpha);
  }

  protected override settings() {
    return { alpha: this.alpha };
  }
}

/** ELU, scaled so that activations normalise themselves. Source: Klambauer et al. 2017. */
export class SELU extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.selu_() : torch.selu(input);
  }
}

/** max(0, x) + min(0, alpha (e^(x / alpha) - 1)) */
export class CELU extends InplaceLayer {
  readonly alpha: number;

  constructor(alpha?: number, options?: InplaceOptions);
  constructor(options?: InplaceOptions & { alpha?: number });
  constructor(...given: unknown[]) {
    const { alpha, inplace } = readArguments('CELU', given, { alpha: 1, inplace: false });
    super(inplace);
    this.alpha = checkNumber('CELU', 'alpha', alpha);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.celu_(this.alpha) : torch.celu(input, this.alpha);
  }

  protected override settings() {
    return { alpha: this.alpha };
  }
}

/** x above 0, else negativeSlope x */
export class LeakyReLU extends InplaceLayer {
  readonly negativeSlope: number;

  constructor(negativeSlope?: number, options?: InplaceOptions);
  constructor(options?: InplaceOptions & { negativeSlope?: number });
  constructor(...given: unknown[]) {
    const { negativeSlope, inplace } = readArguments('LeakyReLU', given, { negativeSlope: 0.01, inplace: false });
    super(inplace);
    this.negativeSlope = checkNumber('LeakyReLU', 'negativeSlope', negativeSlope);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.leakyRelu_(this.negativeSlope) : torch.leakyRelu(input, this.negativeSlope);
  }

  protected override settings() {
    return { negativeSlope: this.negativeSlope };
  }
}

/** Leaky ReLU whose slope is drawn from U(lower, upper) for each element in training, and is their mean in evaluation. */
export class RReLU extends InplaceLayer {
  readonly lower: number;
  readonly upper: number;

  constructor(lower?: number, upper?: number, options?: InplaceOptions);
  constructor(options?: InplaceOptions & { lower?: number; upper?: number });
  constructor(...given: unknown[]) {
    const { lower, upper, inplace } = readArguments('RReLU', given, { lower: 1 / 8, upper: 1 / 3, inplace: false });
    super(inplace);
    this.lower = checkNumber('RReLU', 'lower', lower);
    this.upper = checkNumber('RReLU', 'upper', upper);
  }

  protected override compute(input: Tensor): Tensor {
    const { lower, upper, training } = this;
    return this.inplace ? input.rrelu_(lower, upper, training) : torch.rrelu(input, lower, upper, training);
  }

  protected override settings() {
    return { lower: this.lower, upper: this.upper };
  }
}

/** Leaky ReLU whose slope is learned: one, or one for each channel `[batch, channels, *]`. */
export class PReLU extends TensorLayer {
  /** [numParameters] */
  readonly weight: Parameter;

  constructor(numParameters?: number, options?: LayerOptions & { init?: number });
  constructor(options?: LayerOptions & { numParameters?: number; init?: number });
  constructor(...given: unknown[]) {
    super();
    const defaults = { numParameters: 1, init: 0.25, ...layerDefaults };
    const { numParameters, init, ...rest } = readArguments('PReLU', given, defaults);
    checkSize('PReLU', 'numParameters', numParameters);
    this.weight = parameter(() => torch.full([numParameters], init, placeOf(rest)));
  }

  protected override compute(input: Tensor): Tensor {
    return torch.prelu(input, this.weight);
  }

  override extraRepr(): string {
    return listValues({ numParameters: this.weight.numel });
  }
}

/** x above `threshold`, else `value` */
export class Threshold extends InplaceLayer {
  readonly threshold: number;
  readonly value: number;

  constructor(threshold: number, value: number, options?: InplaceOptions);
  constructor(options: InplaceOptions & { threshold: number; value: number });
  constructor(...given: unknown[]) {
    const { threshold, value, inplace } = readArguments('Threshold', given, {
      threshold: NaN,
      value: NaN,
      inplace: false,
    });
    super(inplace);
    this.threshold = checkNumber('Threshold', 'threshold', threshold);
    this.value = checkNumber('Threshold', 'value', value);
  }

  protected override compute(input: Tensor): Tensor {
    const { threshold, value } = this;
    return this.inplace ? input.threshold_(threshold, value) : torch.threshold(input, threshold, value);
  }

  protected override settings() {
    return { threshold: this.threshold, value: this.value };
  }
}

/** x from minVal to maxVal, and these beyond them */
export class Hardtanh extends InplaceLayer {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(minVal?: number, maxVal?: number, options?: InplaceOptions);
  constructor(options?: InplaceOptions & { minVal?: number; maxVal?: number });
  constructor(...given: unknown[]) {
    const { minVal, maxVal, inplace } = readArguments('Hardtanh', given, { minVal: -1, maxVal: 1, inplace: false });
    super(inplace);
    this.minVal = checkNumber('Hardtanh', 'minVal', minVal);
    this.maxVal = checkNumber('Hardtanh', 'maxVal', maxVal);
  }

  protected override compute(input: Tensor): Tensor {
    const { minVal, maxVal } = this;
    return this.inplace ? input.hardtanh_(minVal, maxVal) : torch.hardtanh(input, minVal, maxVal);
  }

  protected override settings() {
    return { minVal: this.minVal, maxVal: this.maxVal };
  }
}
