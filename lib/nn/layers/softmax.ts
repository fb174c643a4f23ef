/** Activations along a dimension: softmax and its like, and the gated linear unit. */
import { ArgumentError, ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { readArguments } from './arguments';
import { TensorLayer } from './layer';

/** A layer along one dimension. */
abstract class DimensionLayer extends TensorLayer {
  readonly dim: number;

  /** @param dim negative ones count from the end */
  constructor(dim: number | { dim: number }) {
    super();
    const { name } = new.target;
    this.dim = readArguments<{ dim: number }>(name, [dim], { dim: NaN }).dim;
    if (!Number.isSafeInteger(this.dim)) {
      throw new ArgumentError(`${name}: dim must be a whole number, not ${String(this.dim)}.`);
    }
  }

  override extraRepr(): string {
    return listValues({ dim: this.dim });
  }
}

/** e^x over its sum along `dim`. */
export class Softmax extends DimensionLayer {
  protected override compute(input: Tensor): Tensor {
    return torch.softmax(input, this.dim);
  }
}

/** Softmax of -x. */
export class Softmin extends DimensionLayer {
  protected override compute(input: Tensor): Tensor {
    return torch.softmax(input.neg(), this.dim);
  }
}

export class LogSoftmax extends DimensionLayer {
  protected override compute(input: Tensor): Tensor {
    return torch.logSoftmax(input, this.dim);
  }
}

/** Softmax over the channels of `[batch, channels, height, width]` or `[channels, height, width]`. */
export class Softmax2d extends TensorLayer {
  protected override compute(input: Tensor): Tensor {
    const { ndim } = input;
    if (ndim !== 3 && ndim !== 4) throw new ShapeError(`the input must have 3 or 4 dimensions, not ${ndim}.`);
    return torch.softmax(input, -3);
  }
}

/** The first half along `dim` times the sigmoid of the second. */
export class GLU extends DimensionLayer {
  constructor(dim: number | { dim: number } = -1) {
    super(dim);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.glu(input, this.dim);
  }
}
