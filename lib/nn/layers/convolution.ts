/** Convolutions over one to three dimensions. */
import { ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { fans, kaimingUniform_, uniform_ } from '../init';
import { listValues } from '../module/describe';
import type { Parameter } from '../module/parameter';
import {
  checkOneOf,
  checkSize,
  checkSizes,
  layerDefaults,
  placeOf,
  readOptions,
  type LayerOptions,
  type Place,
  type Sizes,
} from './arguments';
import { parameter, TensorLayer, torchFunction } from './layer';

export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

export interface ConvOptions extends LayerOptions {
  /** Default 1. */
  stride?: Sizes;
  /** Added at both ends of each dimension, or `same` for outputs of the input's size, or `valid` for none. Default 0. */
  padding?: Sizes | 'same' | 'valid';
  /** Distance between the kernel's elements. Default 1. */
  dilation?: Sizes;
  /** Parts of the channels that do not see each other. Default 1. */
  groups?: number;
  bias?: boolean;
  paddingMode?: PaddingMode;
}

/** `torch.conv2d` and its like. */
type Convolve = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  stride: number[],
  padding: number[] | 'same' | 'valid',
  dilation: number[],
  groups: number,
) => Tensor;

const defaults: Required<ConvOptions> = {
  stride: null as unknown as Sizes,
  padding: null as unknown as Sizes,
  dilation: null as unknown as Sizes,
  groups: 1,
  bias: true,
  paddingMode: 'zeros',
  ...layerDefaults,
};

/** What convolutions share. The weight and bias are from U(-b, b), b = 1 / sqrt(inputs of an output). */
abstract class Convolution extends TensorLayer {
  /** [outChannels, inChannels / groups, ...kernelSize] */
  readonly weight: Parameter;
  /** [outChannels] */
  readonly bias: Parameter | null;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  /** What `torch.pad` adds first, for modes that a convolution cannot pad with itself. */
  private readonly added: number[];
  private readonly convolve: Convolve;

  protected constructor(
    dimensions: 1 | 2 | 3,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Sizes,
    options: ConvOptions,
  ) {
    super();
    const { name } = new.target;
    const read = readOptions<Required<ConvOptions>>(name, options, defaults);
    this.groups = checkChannels(name, inChannels, outChannels, read.groups);
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, dimensions);
    this.stride = checkSizes(name, 'stride', read.stride ?? 1, dimensions);
    this.dilation = checkSizes(name, 'dilation', read.dilation ?? 1, dimensions);
    this.padding =
      typeof read.padding === 'string'
        ? checkOneOf<'same' | 'valid'>(name, 'padding', read.padding, ['same', 'valid'])
        : checkSizes(name, 'padding', read.padding ?? 0, dimensions, 0);
    if (this.padding === 'same' && this.stride.some((step) => step !== 1)) {
      throw new ShapeError(`${name}: padding "same" goes with stride 1 only, not ${JSON.stringify(this.stride)}.`);
    }
    this.paddingMode = checkOneOf(name, 'paddingMode', read.paddingMode, ['zeros', 'reflect', 'replicate', 'circular']);
    this.added = this.ends();
    this.convolve = torchFunction(`conv${dimensions}d`);
    const shape = [outChannels, inChannels / this.groups, ...this.kernelSize];
    [this.weight, this.bias] = convolutionWeights(shape, outChannels, read.bias, placeOf(read));
  }

  /** Padding before and after each dimension, the last dimension first. */
  private ends(): number[] {
    const { padding, kernelSize, dilation } = this;
    const ends = kernelSize.map((size, index) => {
      const total = padding === 'same' ? dilation[index]! * (size - 1) : 0;
      return typeof padding === 'string'
        ? [Math.floor(total / 2), total - Math.floor(total / 2)]
        : [padding[index]!, padding[index]!];
    });
    return ends.reverse().flat();
  }

  protected override compute(input: Tensor): Tensor {
    const stride = this.stride as number[];
    const dilation = this.dilation as number[];
    if (this.paddingMode === 'zeros') {
      const padding = this.padding as number[];
      return this.convolve(input, this.weight, this.bias, stride, padding, dilation, this.groups);
    }
    const padded = torch.pad(input, this.added, this.paddingMode);
    return this.convolve(padded, this.weight, this.bias, stride, 'valid', dilation, this.groups);
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode } = this;
    return listValues({
      inChannels,
      outChannels,
      kernelSize,
      stride,
      padding: typeof padding === 'string' || padding.some((each) => each !== 0) ? padding : undefined,
      dilation: dilation.some((each) => each !== 1) ? dilation : undefined,
      groups: groups === 1 ? undefined : groups,
      bias: bias === null ? false : undefined,
      paddingMode: paddingMode === 'zeros' ? undefined : paddingMode,
    });
  }
}

/** @throws ShapeError unless the channels are whole numbers that the groups divide */
export function checkChannels(layer: string, inChannels: number, outChannels: number, groups: number): number {
  checkSize(layer, 'inChannels', inChannels);
  checkSize(layer, 'outChannels', outChannels);
  checkSize(layer, 'groups', groups);
  if (inChannels % groups === 0 && outChannels % groups === 0) return groups;
  throw new ShapeError(
    `${layer}: groups (${groups}) must divide inChannels (${inChannels}) and outChannels (${outChannels}).`,
  );
}

/** Weight and bias of a convolution with their first values. */
export function convolutionWeights(
  shape: number[],
  outChannels: number,
  bias: boolean,
  place: Place,
): [weight: Parameter, bias: Parameter | null] {
  const weight = parameter(() => kaimingUniform_(torch.empty(shape, place), { a: Math.sqrt(5) }));
  const bound = 1 / Math.sqrt(fans('a convolution', weight).fanIn);
  return [weight, bias ? parameter(() => uniform_(torch.empty([outChannels], place), -bound, bound)) : null];
}

/** `[batch, inChannels, length]` to `[batch, outChannels, length']`; the batch may be left out. */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
}

/** `[batch, inChannels, height, width]` to `[batch, outChannels, height', width']`; the batch may be left out. */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
}

/** `[batch, inChannels, depth, height, width]` to `[batch, outChannels, ...]`; the batch may be left out. */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
}
