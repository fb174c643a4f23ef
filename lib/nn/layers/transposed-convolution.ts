/** Transposed convolutions: what carries gradients back through a convolution, as a layer that enlarges. */
import { ArgumentError, ShapeError } from '../../errors';
import type { Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import { checkSizes, layerDefaults, placeOf, readOptions, type LayerOptions, type Sizes } from './arguments';
import { checkChannels, convolutionWeights } from './convolution';
import { inLayer, torchFunction } from './layer';

export interface ConvTransposeOptions extends LayerOptions {
  /** Default 1. */
  stride?: Sizes;
  /** Taken away at both ends of each dimension of the output. Default 0. */
  padding?: Sizes;
  /** Added at one end of each dimension of the output. Default 0. */
  outputPadding?: Sizes;
  dilation?: Sizes;
  groups?: number;
  bias?: boolean;
}

type Convolve = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  stride: number[],
  padding: number[],
  outputPadding: number[],
  groups: number,
  dilation: number[],
) => Tensor;

const defaults = {
  stride: null as unknown as Sizes,
  padding: null as unknown as Sizes,
  outputPadding: null as unknown as Sizes,
  dilation: null as unknown as Sizes,
  groups: 1,
  bias: true,
  ...layerDefaults,
};

/** What transposed convolutions share. The weight and bias are from U(-b, b), b = 1 / sqrt(outChannels / groups * kernel). */
abstract class TransposedConvolution extends Module {
  /** [inChannels, outChannels / groups, ...kernelSize] */
  readonly weight: Parameter;
  /** [outChannels] */
  readonly bias: Parameter | null;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  private readonly convolve: Convolve;

  protected constructor(
    private readonly dimensions: 1 | 2 | 3,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Sizes,
    options: ConvTransposeOptions,
  ) {
    super();
    const { name } = new.target;
    const read = readOptions<Required<ConvTransposeOptions>>(name, options, defaults);
    this.groups = checkChannels(name, inChannels, outChannels, read.groups);
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.stride = checkSizes(name, 'stride', read.stride ?? 1, dimensions);
    this.padding = checkSizes(name, 'padding', read.padding ?? 0, dimensions, 0);
    this.outputPadding = checkSizes(name, 'outputPadding', read.outputPadding ?? 0, dimensions, 0);
    this.dilation = checkSizes(name, 'dilation', read.dilation ?? 1, dimensions);
    this.convolve = torchFunction(`convTranspose${dimensions}d`);
    const shape = [inChannels, outChannels / this.groups, ...this.kernelSize];
    [this.weight, this.bias] = convolutionWeights(shape, outChannels, read.bias, placeOf(read));
  }

  /** @param outputSize of the spatial dimensions, where the stride leaves several possible; in place of `outputPadding` */
  override forward(input: Tensor, outputSize: readonly number[] | null = null): Tensor {
    try {
      return this.convolve(
        input,
        this.weight,
        this.bias,
        this.stride as number[],
        this.padding as number[],
        outputSize === null ? (this.outputPadding as number[]) : this.paddingFor(input, outputSize),
        this.groups,
        this.dilation as number[],
      );
    } catch (error) {
      throw inLayer(this, { input }, error);
    }
  }

  /** The padding of the output that makes it `outputSize`. */
  private paddingFor(input: Tensor, outputSize: readonly number[]): number[] {
    if (!Array.isArray(outputSize)) throw new ArgumentError('outputSize must be an array of sizes.');
    const { dimensions, stride, padding, dilation, kernelSize } = this;
    const shape = input.shape;
    const wanted = outputSize.length === shape.length ? outputSize.slice(-dimensions) : outputSize;
    if (wanted.length !== dimensions) {
      throw new ShapeError(`outputSize must have ${dimensions} or ${shape.length} sizes, not ${outputSize.length}.`);
    }
    const sizes = shape.slice(-dimensions);
    return sizes.map((size, index) => {
      const least = (size - 1) * stride[index]! - 2 * padding[index]! + dilation[index]! * (kernelSize[index]! - 1) + 1;
      const most = least + stride[index]! - 1;
      const asked = wanted[index] as number;
      if (asked >= least && asked <= most) return asked - least;
      throw new ShapeError(`outputSize[${index}] must be from ${least} to ${most} for this input, not ${asked}.`);
    });
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, outputPadding, dilation, groups, bias } = this;
    const unless = (value: readonly number[], usual: number) =>
      value.some((each) => each !== usual) ? value : undefined;
    return listValues({
      inChannels,
      outChannels,
      kernelSize,
      stride,
      padding: unless(padding, 0),
      outputPadding: unless(outputPadding, 0),
      dilation: unless(dilation, 1),
      groups: groups === 1 ? undefined : groups,
      bias: bias === null ? false : undefined,
    });
  }
}

/** `[batch, inChannels, length]` to `[batch, outChannels, length']`; the batch may be left out. */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvTransposeOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
}

/** `[batch, inChannels, height, width]` to `[batch, outChannels, height', width']`; the batch may be left out. */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvTransposeOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
}

/** `[batch, inChannels, depth, height, width]` to `[batch, outChannels, ...]`; the batch may be left out. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvTransposeOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
}
