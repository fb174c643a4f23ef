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
  readArguments,
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

  constructor(inplace: boolean) {
    super();
    this.inplace = inplace;
  }

  /** What the layer is made with, for `extraRepr`. */
  protected settings(): Record<string, unknown> {
    return {};
  }

  override extraRepr(): string {
    return listValues({ ...this.settings(), inplace: this.inplace ? true : undefined });
  }
}

/** One whose only choice is that. */
abstract class SimpleInplaceLayer extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(readOptions(new.target.name, options, { inplace: false }).inplace);
  }
}

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

/** x times Hardsigmoid(x) */
export class Hardswish extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.hardswish_() : torch.hardswish(input);
  }
}

/** x / 6 + 1 / 2, from 0 to 1 */
export class Hardsigmoid extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.hardsigmoid_() : torch.hardsigmoid(input);
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

/** x sigmoid(x), also known as swish */
export class SiLU extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.silu_() : torch.silu(input);
  }
}

/** x tanh(softplus(x)) */
export class Mish extends SimpleInplaceLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.mish_() : torch.mish(input);
  }
}

/** x times the normal distribution's function of x, or its approximation by tanh */
export class GELU extends TensorLayer {
  readonly approximate: 'none' | 'tanh';
  private readonly options: { approximate: 'none' | 'tanh' };

  constructor(approximate?: 'none' | 'tanh');
  constructor(options?: { approximate?: 'none' | 'tanh' });
  constructor(...given: unknown[]) {
    super();
    const { approximate } = readArguments<{ approximate: 'none' | 'tanh' }>('GELU', given, { approximate: 'none' });
    this.approximate = checkOneOf('GELU', 'approximate', approximate, ['none', 'tanh']);
    this.options = { approximate };
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
  readonly beta: number;
  readonly threshold: number;

  constructor(beta?: number, threshold?: number);
  constructor(options?: { beta?: number; threshold?: number });
  constructor(...given: unknown[]) {
    super();
    const { beta, threshold } = readArguments('Softplus', given, { beta: 1, threshold: 20 });
    this.beta = checkNumber('Softplus', 'beta', beta);
    this.threshold = checkNumber('Softplus', 'threshold', threshold);
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
  readonly lambd: number;

  constructor(lambd?: number);
  constructor(options?: { lambd?: number });
  constructor(...given: unknown[]) {
    super();
    const { lambd } = readArguments('Softshrink', given, { lambd: 0.5 });
    this.lambd = checkNumber('Softshrink', 'lambd', lambd);
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
  readonly lambd: number;

  constructor(lambd?: number);
  constructor(options?: { lambd?: number });
  constructor(...given: unknown[]) {
    super();
    const { lambd } = readArguments('Hardshrink', given, { lambd: 0.5 });
    this.lambd = checkNumber('Hardshrink', 'lambd', lambd);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.hardshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return listValues({ lambd: this.lambd });
  }
}
