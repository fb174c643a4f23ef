/** Activations that are smooth, or shrink, with PyTorch's names and defaults. */
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { checkNumber, checkOneOf, readArguments } from './arguments';
import { SimpleInplaceLayer } from './inplace';
import { TensorLayer } from './layer';

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
