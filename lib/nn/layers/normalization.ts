/** Normalisation within one sample: of layers, of groups of channels, of neighbouring channels. */
import { ArgumentError, ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import type { Parameter } from '../module/parameter';
import {
  checkNumber,
  checkSize,
  layerDefaults,
  placeOf,
  readOptions,
  type LayerOptions,
  type Sizes,
} from './arguments';
import { parameter, TensorLayer } from './layer';

function normShape(layer: string, shape: Sizes): number[] {
  const sizes = Array.isArray(shape) ? [...(shape as number[])] : [shape as number];
  if (sizes.length === 0) throw new ShapeError(`${layer}: normalizedShape must name at least one dimension.`);
  return sizes.map((size) => checkSize(layer, 'normalizedShape', size));
}

export interface LayerNormOptions extends LayerOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Whether it scales and shifts by what it learns. Default true. */
  elementwiseAffine?: boolean;
  /** Whether it shifts. Default true. */
  bias?: boolean;
}

/** Normalises the last dimensions to mean 0 and variance 1, then scales and shifts. */
export class LayerNorm extends TensorLayer {
  /** Of shape normalizedShape. */
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number;

  constructor(normalizedShape: Sizes, options: LayerNormOptions = {}) {
    super();
    const shape = normShape('LayerNorm', normalizedShape);
    const { eps, elementwiseAffine, bias, ...rest } = readOptions('LayerNorm', options, {
      eps: 1e-5,
      elementwiseAffine: true,
      bias: true,
      ...layerDefaults,
    });
    const place = placeOf(rest);
    this.normalizedShape = shape;
    this.eps = eps;
    this.weight = elementwiseAffine ? parameter(() => torch.ones(shape, place)) : null;
    this.bias = elementwiseAffine && bias ? parameter(() => torch.zeros(shape, place)) : null;
  }

  protected override compute(input: Tensor): Tensor {
    return torch.layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    const { normalizedShape, eps, weight, bias } = this;
    const withBias = weight !== null && bias === null ? false : undefined;
    return listValues({ normalizedShape, eps, elementwiseAffine: weight !== null, bias: withBias });
  }
}

export interface RMSNormOptions extends LayerOptions {
  /** Added to the mean square. Default: the dtype's machine epsilon. */
  eps?: number | null;
  /** Whether it scales by what it learns. Default true. */
  elementwiseAffine?: boolean;
}

/** Divides the last dimensions by their root mean square, then scales. Source: Zhang & Sennrich 2019. */
export class RMSNorm extends TensorLayer {
  /** Of shape normalizedShape. */
  readonly weight: Parameter | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;

  constructor(normalizedShape: Sizes, options: RMSNormOptions = {}) {
    super();
    const shape = normShape('RMSNorm', normalizedShape);
    const { eps, elementwiseAffine, ...rest } = readOptions<Required<RMSNormOptions>>('RMSNorm', options, {
      eps: null,
      elementwiseAffine: true,
      ...layerDefaults,
    });
    this.normalizedShape = shape;
    this.eps = eps === null ? null : checkNumber('RMSNorm', 'eps', eps);
    this.weight = elementwiseAffine ? parameter(() => torch.ones(shape, placeOf(rest))) : null;
  }

  protected override compute(input: Tensor): Tensor {
    return torch.rmsNorm(input, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    const { normalizedShape, eps, weight } = this;
    return listValues({ normalizedShape, eps: eps ?? undefined, elementwiseAffine: weight !== null });
  }
}

export interface GroupNormOptions extends LayerOptions {
  eps?: number;
  /** Whether it scales and shifts each channel by what it learns. Default true. */
  affine?: boolean;
  /** Whether it shifts. Default true. */
  bias?: boolean;
}

/** Normalises groups of channels of `[batch, numChannels, *]` in each sample. */
export class GroupNorm extends TensorLayer {
  /** [numChannels] */
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly eps: number;

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: GroupNormOptions = {},
  ) {
    super();
    checkSize('GroupNorm', 'numGroups', numGroups);
    checkSize('GroupNorm', 'numChannels', numChannels);
    if (numChannels % numGroups !== 0) {
      throw new ShapeError(`GroupNorm: numGroups (${numGroups}) must divide numChannels (${numChannels}).`);
    }
    const { eps, affine, bias, ...rest } = readOptions('GroupNorm', options, {
      eps: 1e-5,
      affine: true,
      bias: true,
      ...layerDefaults,
    });
    const place = placeOf(rest);
    this.eps = eps;
    this.weight = affine ? parameter(() => torch.ones([numChannels], place)) : null;
    this.bias = affine && bias ? parameter(() => torch.zeros([numChannels], place)) : null;
  }

  protected override compute(input: Tensor): Tensor {
    return torch.groupNorm(input, this.numGroups, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    const { numGroups, numChannels, eps, weight } = this;
    return listValues({ numGroups, numChannels, eps, affine: weight !== null });
  }
}

/** Divides `[batch, channels, *]` by a power of the mean square of `size` neighbouring channels. Source: Krizhevsky et al. 2012. */
export class LocalResponseNorm extends TensorLayer {
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(
    readonly size: number,
    options: { alpha?: number; beta?: number; k?: number } = {},
  ) {
    super();
    checkSize('LocalResponseNorm', 'size', size);
    const read = readOptions('LocalResponseNorm', options, { alpha: 1e-4, beta: 0.75, k: 1 });
    ({ alpha: this.alpha, beta: this.beta, k: this.k } = read);
  }

  protected override compute(input: Tensor): Tensor {
    return functional.localResponseNorm(input, this.size, this.alpha, this.beta, this.k);
  }

  override extraRepr(): string {
    const { size, alpha, beta, k } = this;
    return listValues({ size, alpha, beta, k });
  }
}

/** @throws ArgumentError unless `value` is a momentum: a number from 0 to 1, or null */
export function checkMomentum(layer: string, value: number | null): number | null {
  if (value === null || (typeof value === 'number' && value >= 0 && value <= 1)) return value;
  throw new ArgumentError(`${layer}: momentum must be a number from 0 to 1, or null, not ${String(value)}.`);
}
