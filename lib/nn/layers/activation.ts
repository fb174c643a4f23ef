/** Activations: functions of each element, with PyTorch's names and defaults. */
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import type { Parameter } from '../module/parameter';
import {
  checkNumber,
  checkOneOf,
  checkSize,
  layerDefaults,
  placeOf,
  readOptions,
  type LayerOptions,
} from './arguments';
import { parameter, TensorLayer } from './layer';

export interface InplaceOptions {
  /** Overwrites the input. Default false. */
  inplace?: boolean;
}

/** An activation that may overwrite its input. */
abstract class InplaceLayer extends TensorLayer {
  readonly inplace: boolean;

  constructor(options: InplaceOptions) {
    super();
    this.inplace = readOptions(new.target.name, options, { inplace: false }).inplace;
  }

  /** What the layer is made with, for `extraRepr`. */
  protected settings(): Record<string, unknown> {
    return {};
  }

  override extraRepr(): string {
    return listValues({ ...this.settings(), inplace: this.inplace ? true : undefined });
  }
}

/** max(0, x) */
export class ReLU extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.relu_() : torch.relu(input);
  }
}

/** min(max(0, x), 6) */
export class ReLU6 extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.relu6_() : torch.relu6(input);
  }
}

/** x above 0, else alpha (e^x - 1) */
export class ELU extends InplaceLayer {
  constructor(
    readonly alpha = 1,
    options: InplaceOptions = {},
  ) {
    super(options);
    checkNumber('ELU', 'alpha', alpha);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.elu_(this.alpha) : torch.elu(input, this.alpha);
  }

  protected override settings() {
    return { alpha: this.alpha };
  }
}

/** ELU, scaled so that activations normalise themselves. Source: Klambauer et al. 2017. */
export class SELU extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.selu_() : torch.selu(input);
  }
}

/** max(0, x) + min(0, alpha (e^(x / alpha) - 1)) */
export class CELU extends InplaceLayer {
  constructor(
    readonly alpha = 1,
    options: InplaceOptions = {},
  ) {
    super(options);
    checkNumber('CELU', 'alpha', alpha);
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
  constructor(
    readonly negativeSlope = 0.01,
    options: InplaceOptions = {},
  ) {
    super(options);
    checkNumber('LeakyReLU', 'negativeSlope', negativeSlope);
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
  constructor(
    readonly lower = 1 / 8,
    readonly upper = 1 / 3,
    options: InplaceOptions = {},
  ) {
    super(options);
    checkNumber('RReLU', 'lower', lower);
    checkNumber('RReLU', 'upper', upper);
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

  constructor(numParameters = 1, options: LayerOptions & { init?: number } = {}) {
    super();
    checkSize('PReLU', 'numParameters', numParameters);
    const { init, ...rest } = readOptions('PReLU', options, { init: 0.25, ...layerDefaults });
    this.weight = parameter(() => torch.full([numParameters], init, placeOf(rest)));
  }

  protected override compute(input: Tensor): Tensor {
    return torch.prelu(input, this.weight);
  }

  override extraRepr(): string {
    return listValues({ numParameters: this.weight.numel });
  }
}

/** x from minVal to maxVal, and these beyond them */
export class Hardtanh extends InplaceLayer {
  constructor(
    readonly minVal = -1,
    readonly maxVal = 1,
    options: InplaceOptions = {},
  ) {
    super(options);
    checkNumber('Hardtanh', 'minVal', minVal);
    checkNumber('Hardtanh', 'maxVal', maxVal);
  }

  protected override compute(input: Tensor): Tensor {
    const { minVal, maxVal } = this;
    return this.inplace ? input.hardtanh_(minVal, maxVal) : torch.hardtanh(input, minVal, maxVal);
  }

  protected override settings() {
    return { minVal: this.minVal, maxVal: this.maxVal };
  }
}

/** x times Hardsigmoid(x) */
export class Hardswish extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.hardswish_() : torch.hardswish(input);
  }
}

/** x / 6 + 1 / 2, from 0 to 1 */
export class Hardsigmoid extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.hardsigmoid_() : torch.hardsigmoid(input);
  }
}

/** x above `threshold`, else `value` */
export class Threshold extends InplaceLayer {
  constructor(
    readonly threshold: number,
    readonly value: number,
    options: InplaceOptions = {},
  ) {
    super(options);
    checkNumber('Threshold', 'threshold', threshold);
    checkNumber('Threshold', 'value', value);
  }

  protected override compute(input: Tensor): Tensor {
    const { threshold, value } = this;
    return this.inplace ? input.threshold_(threshold, value) : torch.threshold(input, threshold, value);
  }

  protected override settings() {
    return { threshold: this.threshold, value: this.value };
  }
}

/** x sigmoid(x), also known as swish */
export class SiLU extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.silu_() : torch.silu(input);
  }
}

/** x tanh(softplus(x)) */
export class Mish extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(options);
  }

  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.mish_() : torch.mish(input);
  }
}

/** x times the normal distribution's function of x, or its approximation by tanh */
export class GELU extends TensorLayer {
  private readonly options: { approximate: 'none' | 'tanh' };

  constructor(readonly approximate: 'none' | 'tanh' = 'none') {
    super();
    this.options = { approximate: checkOneOf('GELU', 'approximate', approximate, ['none', 'tanh']) };
  }

  protected override compute(input: Tensor): Tensor {
    return torch.gelu(input, this.options);
  }

  override extraRepr(): string {
    return listValues({ approximate: this.approximate });
  }
}

/** 1 / (1 + e^-x) */
export class Sigmoid extends TensorLayer {
  protected override compute(input: Tensor): Tensor {
    return torch.sigmoid(input);
  }
}

/** log(1 / (1 + e^-x)) */
export class LogSigmoid extends TensorLayer {
  protected override compute(input: Tensor): Tensor {
    return torch.logSigmoid(input);
  }
}

export class Tanh extends TensorLayer {
  protected override compute(input: Tensor): Tensor {
    return torch.tanh(input);
  }
}

/** x - tanh(x) */
export class Tanhshrink extends TensorLayer {
  protected override compute(input: Tensor): Tensor {
    return input.sub(input.tanh());
  }
}

/** x / (1 + |x|) */
export class Softsign extends TensorLayer {
  protected override compute(input: Tensor): Tensor {
    return input.div(input.abs().add(1));
  }
}

/** log(1 + e^(beta x)) / beta, and x where beta x is above the threshold */
export class Softplus extends TensorLayer {
  constructor(
    readonly beta = 1,
    readonly threshold = 20,
  ) {
    super();
    checkNumber('Softplus', 'beta', beta);
    checkNumber('Softplus', 'threshold', threshold);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.softplus(input, this.beta, this.threshold);
  }

  override extraRepr(): string {
    return listValues({ beta: this.beta, threshold: this.threshold });
  }
}

/** 0 from -lambd to lambd, else x that far nearer to 0 */
export class Softshrink extends TensorLayer {
  constructor(readonly lambd = 0.5) {
    super();
    checkNumber('Softshrink', 'lambd', lambd);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.softshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return listValues({ lambd: this.lambd });
  }
}

/** 0 from -lambd to lambd, else x */
export class Hardshrink extends TensorLayer {
  constructor(readonly lambd = 0.5) {
    super();
    checkNumber('Hardshrink', 'lambd', lambd);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.hardshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return listValues({ lambd: this.lambd });
  }
}
