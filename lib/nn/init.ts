/** First values of parameters, as PyTorch draws them: the same seed gives the same values. */
import { noGrad, type Tensor } from '../tensor';

/** Fills from U(-bound, bound). */
export function uniform_(tensor: Tensor, bound: number): Tensor {
  return noGrad(() => tensor.uniform_(-bound, bound));
}

/** Fills from N(0, deviation^2). */
export function normal_(tensor: Tensor, deviation: number): Tensor {
  return noGrad(() => tensor.normal_(0, deviation));
}

/**
 * U(-bound, bound) with bound = sqrt(6 / ((1 + a^2) fanIn)), fanIn being the columns of a weight [out, in].
 * Source: He et al. 2015, as in PyTorch's `kaiming_uniform_`.
 */
export function kaimingUniform_(weight: Tensor, a = 0): Tensor {
  return uniform_(weight, Math.sqrt(6 / ((1 + a * a) * weight.size(1))));
}
