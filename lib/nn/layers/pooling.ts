/** Pooling over windows, as many as fit: maxima, means and norms. */
import { torch, type Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { checkNumber, checkSize, checkSizes, readOptions, type Sizes } from './arguments';
import { inLayer, TensorLayer } from './layer';

type Dimensions = 1 | 2 | 3;

/** What a pooling gives: with `returnIndices`, where the elements stood too. */
export type Pooled<Indices extends boolean> = Indices extends true ? [output: Tensor, indices: Tensor] : Tensor;

export interface MaxPoolOptions<Indices extends boolean = boolean> {
  /** Default: the kernel's size. */
  stride?: Sizes | null;
  /** Added at both ends of each dimension; never the maximum. Default 0. */
  padding?: Sizes;
  dilation?: Sizes;
  /** Gives where the maxima stood too, for MaxUnpool. */
  returnIndices?: Indices;
  /** Counts a window that goes beyond the end too. */
  ceilMode?: boolean;
}

type WindowArguments = [kernel: number[], stride: number[], padding: number[], dilation: number[], ceilMode: boolean];

const maxPools = { 1: torch.maxPool1d, 2: torch.maxPool2d, 3: torch.maxPool3d } as Record<
  Dimensions,
  (input: Tensor, ...window: WindowArguments) => Tensor
>;
const indexedMaxPools = {
  1: torch.maxPool1dWithIndices,
  2: torch.maxPool2dWithIndices,
  3: torch.maxPool3dWithIndices,
} as Record<Dimensions, (input: Tensor, ...window: WindowArguments) => [Tensor, Tensor]>;

abstract class MaxPool<Indices extends boolean> extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly returnIndices: boolean;
  readonly ceilMode: boolean;

  protected constructor(
    private readonly dimensions: Dimensions,
    kernelSize: Sizes,
    options: MaxPoolOptions<Indices>,
  ) {
    super();
    const { name } = new.target;
    const read = readOptions<Required<MaxPoolOptions>>(name, options, {
      stride: null,
      padding: null as unknown as Sizes,
      dilation: null as unknown as Sizes,
      returnIndices: false,
      ceilMode: false,
    });
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.stride = checkSizes(name, 'stride', read.stride ?? this.kernelSize, dimensions);
    this.padding = checkSizes(name, 'padding', read.padding ?? 0, dimensions, 0);
    this.dilation = checkSizes(name, 'dilation', read.dilation ?? 1, dimensions);
    this.returnIndices = read.returnIndices;
    this.ceilMode = read.ceilMode;
  }

  override forward(input: Tensor): Pooled<Indices> {
    const { kernelSize, stride, padding, dilation } = this as Record<string, unknown> as Record<string, number[]>;
    const window: WindowArguments = [kernelSize!, stride!, padding!, dilation!, this.ceilMode];
    try {
      const pool = this.returnIndices ? indexedMaxPools[this.dimensions] : maxPools[this.dimensions];
      return pool(input, ...window) as Pooled<Indices>;
    } catch (error) {
      throw inLayer(this, { input }, error);
    }
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return listValues({ kernelSize, stride, padding, dilation, ceilMode });
  }
}

/** Largest elements of windows of `[batch, channels, length]`; the batch may be left out. */
export class MaxPool1d<Indices extends boolean = false> extends MaxPool<Indices> {
  constructor(kernelSize: Sizes, options: MaxPoolOptions<Indices> = {}) {
    super(1, kernelSize, options);
  }
}

/** Largest elements of windows of `[batch, channels, height, width]`; the batch may be left out. */
export class MaxPool2d<Indices extends boolean = false> extends MaxPool<Indices> {
  constructor(kernelSize: Sizes, options: MaxPoolOptions<Indices> = {}) {
    super(2, kernelSize, options);
  }
}

/** Largest elements of windows of `[batch, channels, depth, height, width]`; the batch may be left out. */
export class MaxPool3d<Indices extends boolean = false> extends MaxPool<Indices> {
  constructor(kernelSize: Sizes, options: MaxPoolOptions<Indices> = {}) {
    super(3, kernelSize, options);
  }
}

type Unpool = (
  input: Tensor,
  indices: Tensor,
  kernelSize: readonly number[],
  stride: readonly number[],
  padding: readonly number[],
  outputSize: readonly number[] | null,
) => Tensor;

const unpools = { 1: functional.maxUnpool1d, 2: functional.maxUnpool2d, 3: functional.maxUnpool3d } as Record<
  Dimensions,
  Unpool
>;

abstract class MaxUnpool extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];

  protected constructor(
    private readonly dimensions: Dimensions,
    kernelSize: Sizes,
    options: Pick<MaxPoolOptions, 'stride' | 'padding'>,
  ) {
    super();
    const { name } = new.target;
    const read = readOptions<{ stride: Sizes | null; padding: Sizes | null }>(name, options, {
      stride: null,
      padding: null,
    });
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.stride = checkSizes(name, 'stride', read.stride ?? this.kernelSize, dimensions);
    this.padding = checkSizes(name, 'padding', read.padding ?? 0, dimensions, 0);
  }

  /** @param outputSize where the stride leaves several possible */
  override forward(input: Tensor, indices: Tensor, outputSize: readonly number[] | null = null): Tensor {
    try {
      return unpools[this.dimensions](input, indices, this.kernelSize, this.stride, this.padding, outputSize);
    } catch (error) {
      throw inLayer(this, { input, indices }, error);
    }
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return listValues({ kernelSize, stride, padding });
  }
}

/** Puts what MaxPool1d found, with its indices, back where it stood, zeros elsewhere. */
export class MaxUnpool1d extends MaxUnpool {
  constructor(kernelSize: Sizes, options: Pick<MaxPoolOptions, 'stride' | 'padding'> = {}) {
    super(1, kernelSize, options);
  }
}

/** Puts what MaxPool2d found, with its indices, back where it stood, zeros elsewhere. */
export class MaxUnpool2d extends MaxUnpool {
  constructor(kernelSize: Sizes, options: Pick<MaxPoolOptions, 'stride' | 'padding'> = {}) {
    super(2, kernelSize, options);
  }
}

/** Puts what MaxPool3d found, with its indices, back where it stood, zeros elsewhere. */
export class MaxUnpool3d extends MaxUnpool {
  constructor(kernelSize: Sizes, options: Pick<MaxPoolOptions, 'stride' | 'padding'> = {}) {
    super(3, kernelSize, options);
  }
}

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
    const pool = this.dimensions === 2 ? torch.avgPool2d : torch.avgPool3d;
    return pool(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
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

const normPools = { 1: functional.lpPool1d, 2: functional.lpPool2d, 3: functional.lpPool3d } as Record<
  Dimensions,
  NormPool
>;

abstract class LPPool extends TensorLayer {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly ceilMode: boolean;

  protected constructor(
    private readonly dimensions: Dimensions,
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
  }

  protected override compute(input: Tensor): Tensor {
    return normPools[this.dimensions](input, this.normType, this.kernelSize, this.stride, this.ceilMode);
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
