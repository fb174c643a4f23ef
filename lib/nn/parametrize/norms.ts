/** Weights of a given norm: by direction and length, or by their largest singular value. */
import { ArgumentError, ShapeError } from '../../errors';
import { noGrad, scope, Tensor, torch } from '../../tensor';
import { functional } from '../functional';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../layers/transposed-convolution';
import { Module } from '../module/module';
import { Buffer } from '../module/parameter';
import { registerParametrization, type Parametrization } from './parametrize';

const weightNormOperator = torch.operator('aten::_weight_norm') as (v: Tensor, g: Tensor, dim: number) => Tensor;
const normExceptDim = torch.operator('aten::norm_except_dim') as (v: Tensor, power: number, dim: number) => Tensor;

class WeightNorm extends Module implements Parametrization {
  constructor(private readonly dim: number) {
    super();
  }

  override forward(length: Tensor, direction: Tensor): Tensor {
    return weightNormOperator(direction, length, this.dim);
  }

  rightInverse(weight: Tensor): Tensor[] {
    return [normExceptDim(weight, 2, this.dim), weight];
  }
}

export interface WeightNormOptions {
  /** Property of the weight. Default `weight`. */
  name?: string;
  /** Along which each slice has a length of its own; null for one length of all. Default 0. */
  dim?: number | null;
}

/** Makes a weight the product of a length (`original0`) and a direction (`original1`). Source: Salimans & Kingma 2016. */
export function weightNorm<M extends Module>(module: M, options: WeightNormOptions = {}): M {
  const { name = 'weight', dim = 0 } = options;
  return registerParametrization(module, name, new WeightNorm(dim ?? -1), { unsafe: true });
}

class SpectralNorm extends Module implements Parametrization {
  /** The singular vectors, as far as they are known. */
  readonly _u: Buffer | null;
  readonly _v: Buffer | null;

  constructor(
    weight: Tensor,
    private readonly nPowerIterations: number,
    private readonly dim: number,
    private readonly eps: number,
  ) {
    super();
    if (weight.ndim < 2) {
      this._u = this._v = null;
      return;
    }
    [this._u, this._v] = scope(() =>
      noGrad(() => {
        const { dtype, device } = weight;
        const [rows, columns] = this.matrix(weight).shape as [number, number];
        const drawn = (size: number) => this.unit(torch.empty([size], { dtype, device }).normal_(0, 1));
        return [new Buffer(drawn(rows)), new Buffer(drawn(columns))];
      }),
    );
    this.iterate(weight, 15);
  }

  private unit(vector: Tensor): Tensor {
    return functional.normalize(vector, 2, 0, this.eps);
  }

  private matrix(weight: Tensor): Tensor {
    return weight.movedim(this.dim, 0).flatten(1);
  }

  private iterate(weight: Tensor, times: number): void {
    scope(() =>
      noGrad(() => {
        const matrix = this.matrix(weight.detach());
        for (let time = 0; time < times; time++) {
          this._u!.copy_(this.unit(matrix.mv(this._v!)));
          this._v!.copy_(this.unit(matrix.t().mv(this._u!)));
        }
      }),
    );
  }

  override forward(weight: Tensor): Tensor {
    if (this._u === null || this._v === null) return this.unit(weight);
    if (this.training) this.iterate(weight, this.nPowerIterations);
    const [u, v] = [this._u.clone(), this._v.clone()];
    return weight.div(torch.vdot(u, this.matrix(weight).mv(v)));
  }

  rightInverse(value: Tensor): Tensor {
    return value;
  }
}

export interface SpectralNormOptions {
  /** Property of the weight. Default `weight`. */
  name?: string;
  /** In each use in training. Default 1. */
  nPowerIterations?: number;
  /** The least norm. Default 1e-12. */
  eps?: number;
  /** Dimension of the outputs. Default 1 for transposed convolutions, else 0. */
  dim?: number;
}

/** Divides a weight by its largest singular value, found by power iteration. Source: Miyato et al. 2018. */
export function spectralNorm<M extends Module>(module: M, options: SpectralNormOptions = {}): M {
  const { name = 'weight', nPowerIterations = 1, eps = 1e-12 } = options;
  if (!(module instanceof Module)) throw new ArgumentError('What is normed must be a module.');
  const weight = (module as unknown as Record<string, Tensor | undefined>)[name];
  if (!(weight instanceof Tensor)) {
    throw new ArgumentError(`${module.constructor.name} has no parameter or buffer "${name}".`);
  }
  if (!Number.isSafeInteger(nPowerIterations) || nPowerIterations < 1) {
    throw new ArgumentError(`nPowerIterations must be a positive whole number, not ${nPowerIterations}.`);
  }
  const transposed = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d].some((each) => module instanceof each);
  const dim = options.dim ?? (transposed ? 1 : 0);
  const { ndim } = weight;
  if (!(dim >= -ndim && dim < ndim)) throw new ShapeError(`dim ${dim} is no dimension of a weight of ${ndim}.`);
  return registerParametrization(module, name, new SpectralNorm(weight, nPowerIterations, dim, eps));
}
