/** Pooling whose windows make up an output of a given size, or of a fraction of the input's. */
import { ArgumentError, ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { checkSize, checkSizes, readOptions, type Sizes } from './arguments';
import { functionalFunction, inLayer, TensorLayer } from './layer';
import type { Pooled } from './max-pooling';

/** One size for all dimensions, or one for each; null keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[];

function outputSizes(layer: string, size: OutputSize, dimensions: number): (number | null)[] {
  const sizes = Array.isArray(size)
    ? (size as (number | null)[])
    : new Array<number | null>(dimensions).fill(size as number);
  if (sizes.length !== dimensions) {
    throw new ShapeError(
      `${layer}: outputSize must be a number or ${dimensions} of them, not ${JSON.stringify(size)}.`,
    );
  }
  return sizes.map((each) => (each === null ? null : checkSize(layer, 'outputSize', each, 0)));
}

abstract class AdaptiveAvgPool extends TensorLayer {
  readonly outputSize: readonly (number | null)[];

  protected constructor(
    private readonly dimensions: 1 | 2 | 3,
    outputSize: OutputSize,
  ) {
    super();
    this.outputSize = outputSizes(new.target.name, outputSize, dimensions);
  }

  protected override compute(input: Tensor): Tensor {
    if (this.dimensions === 2) return functional.adaptiveAvgPool2d(input, this.outputSize);
    if (this.dimensions === 3) return functional.adaptiveAvgPool3d(input, this.outputSize);
    return torch.adaptiveAvgPool1d(input, [this.outputSize[0] ?? input.size(-1)]);
  }

  override extraRepr(): string {
    return listValues({ outputSize: this.outputSize });
  }
}

/** Means of as many windows of `[batch, channels, length]` as make up `outputSize`. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(1, outputSize);
  }
}

/** Means of as many windows of `[batch, channels, height, width]` as make up `outputSize`. */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(2, outputSize);
  }
}

/** Means of as many windows of `[batch, channels, depth, height, width]` as make up `outputSize`. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(3, outputSize);
  }
}

type IndexedPool = (input: Tensor, outputSize: readonly (number | null)[]) => [Tensor, Tensor];

export interface AdaptiveMaxPoolOptions<Indices extends boolean = boolean> {
  /** Gives where the maxima stood too. */
  returnIndices?: Indices;
}

abstract class AdaptiveMaxPool<Indices extends boolean> extends Module {
  readonly outputSize: readonly (number | null)[];
  readonly returnIndices: boolean;
  private readonly pool: IndexedPool;

  protected constructor(dimensions: 1 | 2 | 3, outputSize: OutputSize, options: AdaptiveMaxPoolOptions<Indices>) {
    super();
    const { name } = new.target;
    this.outputSize = outputSizes(name, outputSize, dimensions);
    this.returnIndices = readOptions<Required<AdaptiveMaxPoolOptions>>(name, options, {
      returnIndices: false,
    }).returnIndices;
    this.pool = functionalFunction(`adaptiveMaxPool${dimensions}dWithIndices`);
  }

  override forward(input: Tensor): Pooled<Indices> {
    try {
      const results = this.pool(input, this.outputSize);
      return (this.returnIndices ? results : results[0]) as Pooled<Indices>;
    } catch (error) {
      throw inLayer(this, { input }, error);
    }
  }

  override extraRepr(): string {
    return listValues({ outputSize: this.outputSize });
  }
}

/** Largest elements of as many windows of `[batch, channels, length]` as make up `outputSize`. */
export class AdaptiveMaxPool1d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  constructor(outputSize: OutputSize, options: AdaptiveMaxPoolOptions<Indices> = {}) {
    super(1, outputSize, options);
  }
}

/** Largest elements of as many windows of `[batch, channels, height, width]` as make up `outputSize`. */
export class AdaptiveMaxPool2d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  constructor(outputSize: OutputSize, options: AdaptiveMaxPoolOptions<Indices> = {}) {
    super(2, outputSize, options);
  }
}

/** Largest elements of as many windows of `[batch, channels, depth, height, width]` as make up `outputSize`. */
export class AdaptiveMaxPool3d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  constructor(outputSize: OutputSize, options: AdaptiveMaxPoolOptions<Indices> = {}) {
    super(3, outputSize, options);
  }
}

export interface FractionalMaxPoolOptions<Indices extends boolean = boolean> {
  /** Of the output; or `outputRatio`. */
  outputSize?: Sizes | null;
  /** The output's share of the input's size, above 0 and below 1. */
  outputRatio?: Sizes | null;
  returnIndices?: Indices;
}

type FractionalPool = (
  input: Tensor,
  kernelSize: readonly number[],
  outputSize: readonly number[] | null,
  outputRatio: readonly number[] | null,
) => [Tensor, Tensor];

abstract class FractionalMaxPool<Indices extends boolean> extends Module {
  readonly kernelSize: readonly number[];
  readonly outputSize: readonly number[] | null;
  readonly outputRatio: readonly number[] | null;
  readonly returnIndices: boolean;
  private readonly pool: FractionalPool;

  protected constructor(dimensions: 2 | 3, kernelSize: Sizes, options: FractionalMaxPoolOptions<Indices>) {
    super();
    const { name } = new.target;
    const read = readOptions<Required<FractionalMaxPoolOptions>>(name, options, {
      outputSize: null,
      outputRatio: null,
      returnIndices: false,
    });
    if ((read.outputSize === null) === (read.outputRatio === null)) {
      throw new ArgumentError(`${name} needs either the option outputSize or the option outputRatio.`);
    }
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.outputSize = read.outputSize === null ? null : checkSizes(name, 'outputSize', read.outputSize, dimensions);
    this.outputRatio = read.outputRatio === null ? null : ratios(name, read.outputRatio, dimensions);
    this.returnIndices = read.returnIndices;
    this.pool = functionalFunction(`fractionalMaxPool${dimensions}dWithIndices`);
  }

  override forward(input: Tensor): Pooled<Indices> {
    try {
      const results = this.pool(input, this.kernelSize, this.outputSize, this.outputRatio);
      return (this.returnIndices ? results : results[0]) as Pooled<Indices>;
    } catch (error) {
      throw inLayer(this, { input }, error);
    }
  }

  override extraRepr(): string {
    const { kernelSize, outputSize, outputRatio } = this;
    return listValues({ kernelSize, outputSize: outputSize ?? undefined, outputRatio: outputRatio ?? undefined });
  }
}

function ratios(layer: string, ratio: Sizes, dimensions: number): number[] {
  const all = Array.isArray(ratio) ? (ratio as number[]) : new Array<number>(dimensions).fill(ratio as number);
  if (all.length === dimensions && all.every((each) => each > 0 && each < 1)) return [...all];
  throw new ShapeError(
    `${layer}: outputRatio must be above 0 and below 1, one or ${dimensions}, not ${JSON.stringify(ratio)}.`,
  );
}

/** Largest elements of windows at random steps that shrink `[batch, channels, height, width]`. Source: Graham 2014. */
export class FractionalMaxPool2d<Indices extends boolean = false> extends FractionalMaxPool<Indices> {
  constructor(kernelSize: Sizes, options: FractionalMaxPoolOptions<Indices> = {}) {
    super(2, kernelSize, options);
  }
}

/** Largest elements of windows at random steps that shrink `[batch, channels, depth, height, width]`. */
export class FractionalMaxPool3d<Indices extends boolean = false> extends FractionalMaxPool<Indices> {
  constructor(kernelSize: Sizes, options: FractionalMaxPoolOptions<Indices> = {}) {
    super(3, kernelSize, options);
  }
}
