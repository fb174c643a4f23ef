/** Largest elements of windows, and the way back. */
import type { Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { checkSizes, readOptions, type Sizes } from './arguments';
import { functionalFunction, inLayer, torchFunction } from './layer';

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

type Pool<Indices extends boolean> = (
  input: Tensor,
  kernelSize: readonly number[],
  stride: readonly number[],
  padding: readonly number[],
  dilation: readonly number[],
  ceilMode: boolean,
) => Pooled<Indices>;

abstract class MaxPool<Indices extends boolean> extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly returnIndices: boolean;
  readonly ceilMode: boolean;
  private readonly pool: Pool<Indices>;

  protected constructor(dimensions: Dimensions, kernelSize: Sizes, options: MaxPoolOptions<Indices>) {
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
    this.pool = torchFunction(read.returnIndices ? `maxPool${dimensions}dWithIndices` : `maxPool${dimensions}d`);
  }

  override forward(input: Tensor): Pooled<Indices> {
    try {
      return this.pool(input, this.kernelSize, this.stride, this.padding, this.dilation, this.ceilMode);
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

abstract class MaxUnpool extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  private readonly unpool: Unpool;

  protected constructor(
    dimensions: Dimensions,
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
    this.unpool = functionalFunction(`maxUnpool${dimensions}d`);
  }

  /** @param outputSize where the stride leaves several possible */
  override forward(input: Tensor, indices: Tensor, outputSize: readonly number[] | null = null): Tensor {
    try {
      return this.unpool(input, indices, this.kernelSize, this.stride, this.padding, outputSize);
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
