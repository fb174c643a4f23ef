/** Layers that only arrange elements anew. */
import { ArgumentError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { checkSize, checkSizes, readArguments, readOptions, type Sizes } from './arguments';
import { TensorLayer } from './layer';

/** Makes one dimension of those from `startDim` to `endDim`. */
export class Flatten extends TensorLayer {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim?: number, endDim?: number);
  constructor(options?: { startDim?: number; endDim?: number });
  constructor(...given: unknown[]) {
    super();
    const { startDim, endDim } = readArguments('Flatten', given, { startDim: 1, endDim: -1 });
    this.startDim = checkDimension('Flatten', 'startDim', startDim);
    this.endDim = checkDimension('Flatten', 'endDim', endDim);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.flatten(input, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return listValues({ startDim: this.startDim, endDim: this.endDim });
  }
}

/** Makes of the dimension `dim` those of `unflattenedSize`, of which one may be -1: what is left. */
export class Unflatten extends TensorLayer {
  constructor(
    readonly dim: number,
    readonly unflattenedSize: readonly number[],
  ) {
    super();
    checkDimension('Unflatten', 'dim', dim);
    if (!Array.isArray(unflattenedSize)) {
      throw new ArgumentError(`Unflatten: unflattenedSize must be an array of sizes, not ${String(unflattenedSize)}.`);
    }
    for (const size of unflattenedSize) checkSize('Unflatten', 'unflattenedSize', size as number, -1);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.unflatten(input, this.dim, this.unflattenedSize);
  }

  override extraRepr(): string {
    return listValues({ dim: this.dim, unflattenedSize: this.unflattenedSize });
  }
}

function checkDimension(layer: string, name: string, dim: number): number {
  if (Number.isSafeInteger(dim)) return dim;
  throw new ArgumentError(`${layer}: ${name} must be a whole number, not ${String(dim)}.`);
}

/** `[*, channels r^2, height, width]` to `[*, channels, height r, width r]`. Source: Shi et al. 2016. */
export class PixelShuffle extends TensorLayer {
  constructor(readonly upscaleFactor: number) {
    super();
    checkSize('PixelShuffle', 'upscaleFactor', upscaleFactor);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.pixelShuffle(input, this.upscaleFactor);
  }

  override extraRepr(): string {
    return listValues({ upscaleFactor: this.upscaleFactor });
  }
}

/** The way back from PixelShuffle. */
export class PixelUnshuffle extends TensorLayer {
  constructor(readonly downscaleFactor: number) {
    super();
    checkSize('PixelUnshuffle', 'downscaleFactor', downscaleFactor);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.pixelUnshuffle(input, this.downscaleFactor);
  }

  override extraRepr(): string {
    return listValues({ downscaleFactor: this.downscaleFactor });
  }
}

/** Interleaves `groups` of the channels of `[batch, channels, *]`. */
export class ChannelShuffle extends TensorLayer {
  constructor(readonly groups: number) {
    super();
    checkSize('ChannelShuffle', 'groups', groups);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.channelShuffle(input, this.groups);
  }

  override extraRepr(): string {
    return listValues({ groups: this.groups });
  }
}

export interface WindowOptions {
  dilation?: Sizes;
  padding?: Sizes;
  stride?: Sizes;
}

const windowDefaults: Required<WindowOptions> = {
  dilation: null as unknown as Sizes,
  padding: null as unknown as Sizes,
  stride: null as unknown as Sizes,
};

abstract class WindowLayer extends TensorLayer {
  readonly kernelSize: number[];
  readonly dilation: number[];
  readonly padding: number[];
  readonly stride: number[];

  protected constructor(kernelSize: Sizes, options: WindowOptions) {
    super();
    const { name } = new.target;
    const read = readOptions<Required<WindowOptions>>(name, options, windowDefaults);
    this.kernelSize = checkSizes(name, 'kernelSize', kernelSize, 2);
    this.dilation = checkSizes(name, 'dilation', read.dilation ?? 1, 2);
    this.padding = checkSizes(name, 'padding', read.padding ?? 0, 2, 0);
    this.stride = checkSizes(name, 'stride', read.stride ?? 1, 2);
  }

  override extraRepr(): string {
    const { kernelSize, dilation, padding, stride } = this;
    return listValues({ kernelSize, dilation, padding, stride });
  }
}

/** The windows a convolution sees: `[batch, channels, height, width]` to `[batch, channels kernel, windows]`. */
export class Unfold extends WindowLayer {
  constructor(kernelSize: Sizes, options: WindowOptions = {}) {
    super(kernelSize, options);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.im2col(input, this.kernelSize, this.dilation, this.padding, this.stride);
  }
}

/** Sums windows `[batch, channels kernel, windows]` into an image `[batch, channels, ...outputSize]`. */
export class Fold extends WindowLayer {
  readonly outputSize: number[];

  constructor(outputSize: Sizes, kernelSize: Sizes, options: WindowOptions = {}) {
    super(kernelSize, options);
    this.outputSize = checkSizes('Fold', 'outputSize', outputSize, 2);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.col2im(input, this.outputSize, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  override extraRepr(): string {
    return `${listValues({ outputSize: this.outputSize })}, ${super.extraRepr()}`;
  }
}
