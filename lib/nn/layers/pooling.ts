/** Means and norms of windows, as many as fit. */
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { checkNumber, checkSize, checkSizes, readOptions, type Sizes } from './arguments';
import { functionalFunction, TensorLayer } from './layer';

type Dimensions = 1 | 2 | 3;

export interface AvgPool1dOptions {
  /** Default: the kernel's size. */
  stride?: Sizes | null;
  padding?: Sizes;
  ceilMode?: boolean;
  /** Whether padding counts as elements. Default true. */
  countIncludePad?: boolean;
}

export interface AvgPoolOptions extends AvgPool1dOptions {
  /** Divides by it in place of the number of elements. */
  divisorOverride?: number | null;
}

abstract class AvgPool extends TensorLayer {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;

  protected constructor(
    private readonly dimensions: Dimensions,
    kernelSize: Sizes,
    options: AvgPoolOptions,
  ) {
    super();
    const { name } = new.target;
    const known = { stride: null, padding: null as unknown as Sizes, ceilMode: false, countIncludePad: true };
    const defaults = dimensions === 1 ? known : { ...known, divisorOverride: null };
    const read = readOptions<Required<AvgPool1dOptions> & AvgPoolOptions>(name, options, defaults);
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.stride = checkSizes(name, 'stride', read.stride ?? this.kernelSize, dimensions);
    this.padding = checkSizes(name, 'padding', read.padding ?? 0, dimensions, 0);
    this.ceilMode = read.ceilMode;
    this.countIncludePad = read.countIncludePad;
    this.divisorOverride = read.divisorOverride ?? null;
    if (this.divisorOverride !== null) checkSize(name, 'divisorOverride', this.divisorOverride);
  }

  protected override compute(input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    if (this.dimensions === 1) return torch.avgPool1d(input, kernelSize, stride, padding, ceilMode, countIncludePad);
    if (this.dimensions === 2) {
      return torch.avgPool2d(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
    }
    return torch.avgPool3d(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return listValues({ kernelSize, stride, padding });
  }
}

/** Means of windows of `[batch, channels, length]`; the batch may be left out. */
export class AvgPool1d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPool1dOptions = {}) {
    super(1, kernelSize, options);
  }
}

/** Means of windows of `[batch, channels, height, width]`; the batch may be left out. */
export class AvgPool2d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    super(2, kernelSize, options);
  }
}

/** Means of windows of `[batch, channels, depth, height, width]`; the batch may be left out. */
export class AvgPool3d extends AvgPool {
  constructor(kernelSize: Sizes, options: AvgPoolOptions = {}) {
    super(3, kernelSize, options);
  }
}

export interface LPPoolOptions {
  /** Default: the kernel's size. */
  stride?: Sizes | null;
  ceilMode?: boolean;
}

type NormPool = (
  input: Tensor,
  norm: number,
  kernel: readonly number[],
  stride: readonly number[],
  ceil: boolean,
) => Tensor;

abstract class LPPool extends TensorLayer {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly ceilMode: boolean;
  private readonly pool: NormPool;

  protected constructor(
    dimensions: Dimensions,
    readonly normType: number,
    kernelSize: Sizes,
    options: LPPoolOptions,
  ) {
    super();
    const { name } = new.target;
    checkNumber(name, 'normType', normType);
    const read = readOptions<Required<LPPoolOptions>>(name, options, { stride: null, ceilMode: false });
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.stride = checkSizes(name, 'stride', read.stride ?? this.kernelSize, dimensions);
    this.ceilMode = read.ceilMode;
    this.pool = functionalFunction(`lpPool${dimensions}d`);
  }

  protected override compute(input: Tensor): Tensor {
    return this.pool(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }

  override extraRepr(): string {
    const { normType, kernelSize, stride, ceilMode } = this;
    return listValues({ normType, kernelSize, stride, ceilMode });
  }
}

/** The p-norm of windows of `[batch, channels, length]`, p being `normType`. */
export class LPPool1d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, options: LPPoolOptions = {}) {
    super(1, normType, kernelSize, options);
  }
}

/** The p-norm of windows of `[batch, channels, height, width]`, p being `normType`. */
export class LPPool2d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, options: LPPoolOptions = {}) {
    super(2, normType, kernelSize, options);
  }
}

/** The p-norm of windows of `[batch, channels, depth, height, width]`, p being `normType`. */
export class LPPool3d extends LPPool {
  constructor(normType: number, kernelSize: Sizes, options: LPPoolOptions = {}) {
    super(3, normType, kernelSize, options);
  }
}
