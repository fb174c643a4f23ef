/** Dropout: in training, zeroes with probability `p` and scales the rest by 1 / (1 - p); nothing in evaluation. */
import { torch, type Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { checkProbability, readArguments } from './arguments';
import type { InplaceOptions } from './inplace';
import { TensorLayer } from './layer';

abstract class DropoutLayer extends TensorLayer {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p?: number, options?: InplaceOptions);
  constructor(options?: InplaceOptions & { p?: number });
  constructor(...given: unknown[]) {
    super();
    const { name } = new.target;
    const { p, inplace } = readArguments(name, given, { p: 0.5, inplace: false });
    this.p = checkProbability(name, 'p', p);
    this.inplace = inplace;
  }

  override extraRepr(): string {
    return listValues({ p: this.p, inplace: this.inplace ? true : undefined });
  }
}

/** Zeroes elements. */
export class Dropout extends DropoutLayer {
  protected override compute(input: Tensor): Tensor {
    return this.inplace ? input.dropout_(this.p, this.training) : torch.dropout(input, this.p, this.training);
  }
}

/** Zeroes whole channels of `[batch, channels, length]` or `[channels, length]`. */
export class Dropout1d extends DropoutLayer {
  protected override compute(input: Tensor): Tensor {
    return functional.dropout1d(input, this.p, this.training, this.inplace);
  }
}

/** Zeroes whole channels of `[batch, channels, height, width]`. */
export class Dropout2d extends DropoutLayer {
  protected override compute(input: Tensor): Tensor {
    return functional.dropout2d(input, this.p, this.training, this.inplace);
  }
}

/** Zeroes whole channels of `[batch, channels, depth, height, width]`, or of the same without batch. */
export class Dropout3d extends DropoutLayer {
  protected override compute(input: Tensor): Tensor {
    return functional.dropout3d(input, this.p, this.training, this.inplace);
  }
}

/** Sets elements to SELU's lowest value and keeps mean and variance. Source: Klambauer et al. 2017. */
export class AlphaDropout extends DropoutLayer {
  protected override compute(input: Tensor): Tensor {
    const { p, training } = this;
    return this.inplace ? input.alphaDropout_(p, training) : torch.alphaDropout(input, p, training);
  }
}

/** AlphaDropout of whole channels. */
export class FeatureAlphaDropout extends DropoutLayer {
  protected override compute(input: Tensor): Tensor {
    const { p, training } = this;
    return this.inplace ? input.featureAlphaDropout_(p, training) : torch.featureAlphaDropout(input, p, training);
  }
}
