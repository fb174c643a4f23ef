/** Distances between the rows of two tensors. */
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { checkNumber, readOptions } from './arguments';
import { inLayer } from './layer';

/** Cosine of the angle between `x1` and `x2` along `dim`, which the result lacks. */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;

  constructor(options: { dim?: number; eps?: number } = {}) {
    super();
    ({ dim: this.dim, eps: this.eps } = readOptions('CosineSimilarity', options, { dim: 1, eps: 1e-8 }));
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    try {
      return torch.cosineSimilarity(x1, x2, this.dim, this.eps);
    } catch (error) {
      throw inLayer(this, { x1, x2 }, error);
    }
  }

  override extraRepr(): string {
    return listValues({ dim: this.dim, eps: this.eps });
  }
}

/** The p-norm of `x1 - x2 + eps` along the last dimension. */
export class PairwiseDistance extends Module {
  readonly norm: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor(options: { p?: number; eps?: number; keepdim?: boolean } = {}) {
    super();
    const read = readOptions('PairwiseDistance', options, { p: 2, eps: 1e-6, keepdim: false });
    this.norm = checkNumber('PairwiseDistance', 'p', read.p);
    this.eps = read.eps;
    this.keepdim = read.keepdim;
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    try {
      return torch.pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim);
    } catch (error) {
      throw inLayer(this, { x1, x2 }, error);
    }
  }

  override extraRepr(): string {
    return listValues({ p: this.norm, eps: this.eps, keepdim: this.keepdim });
  }
}
