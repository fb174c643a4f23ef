/** Normalisation of channels, with running statistics for evaluation: over the batch, or over each sample. */
import { ShapeError } from '../../errors';
import { noGrad, scope, torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import type { Buffer, Parameter } from '../module/parameter';
import { checkSize, layerDefaults, placeOf, readOptions, type LayerOptions } from './arguments';
import { buffer, parameter, TensorLayer } from './layer';
import { checkMomentum } from './normalization';

export interface ChannelNormOptions extends LayerOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Part of the running statistics that is new in each step; null for the mean of all steps. Default 0.1. */
  momentum?: number | null;
  /** Whether it scales and shifts each channel by what it learns. */
  affine?: boolean;
  /** Whether it shifts. Default true. */
  bias?: boolean;
  /** Whether it keeps running statistics, used in evaluation. */
  trackRunningStats?: boolean;
}

/** What batch and instance normalisation share. */
abstract class ChannelNorm extends TensorLayer {
  readonly eps: number;
  readonly momentum: number | null;
  /** [numFeatures] */
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  /** Steps so far, int64. */
  readonly numBatchesTracked: Buffer | null;

  protected constructor(
    readonly numFeatures: number,
    options: ChannelNormOptions,
    defaults: { affine: boolean; trackRunningStats: boolean },
    /** How many dimensions an input may have. */
    protected readonly ranks: readonly number[],
  ) {
    super();
    const { name } = new.target;
    checkSize(name, 'numFeatures', numFeatures);
    const read = readOptions<Required<ChannelNormOptions>>(name, options, {
      eps: 1e-5,
      momentum: null,
      bias: true,
      ...defaults,
      ...layerDefaults,
    });
    const place = placeOf(read);
    this.eps = read.eps;
    this.momentum = checkMomentum(name, options.momentum === undefined ? 0.1 : options.momentum);
    this.weight = read.affine ? parameter(() => torch.ones([numFeatures], place)) : null;
    this.bias = read.affine && read.bias ? parameter(() => torch.zeros([numFeatures], place)) : null;
    const tracks = read.trackRunningStats;
    this.runningMean = tracks ? buffer(() => torch.zeros([numFeatures], place)) : null;
    this.runningVar = tracks ? buffer(() => torch.ones([numFeatures], place)) : null;
    this.numBatchesTracked = tracks ? buffer(() => torch.zeros([], { dtype: 'int64', device: place.device })) : null;
  }

  protected checkRank(input: Tensor): readonly number[] {
    const { shape } = input;
    if (this.ranks.includes(shape.length)) return shape;
    throw new ShapeError(
      `the input must have ${this.ranks.join(' or ')} dimensions, not ${shape.length}: [${shape.join(', ')}].`,
    );
  }

  /** Forgets the running statistics. */
  resetRunningStats(): void {
    noGrad(() => {
      this.runningMean?.zero_();
      this.runningVar?.fill_(1);
      this.numBatchesTracked?.zero_();
    });
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, weight, runningMean } = this;
    return listValues({ numFeatures, eps, momentum, affine: weight !== null, trackRunningStats: runningMean !== null });
  }
}

/** Over the batch and all positions, in training; by the running statistics in evaluation. Source: Ioffe & Szegedy 2015. */
abstract class BatchNorm extends ChannelNorm {
  protected constructor(numFeatures: number, options: ChannelNormOptions, ranks: readonly number[]) {
    super(numFeatures, options, { affine: true, trackRunningStats: true }, ranks);
  }

  protected override compute(input: Tensor): Tensor {
    const shape = this.checkRank(input);
    const { runningMean, runningVar, training, weight, bias, eps } = this;
    const byBatch = training || runningMean === null;
    if (byBatch && shape.every((size, index) => index === 1 || size === 1)) {
      throw new ShapeError(`training needs more than one value for each channel, not an input [${shape.join(', ')}].`);
    }
    const momentum = training && runningMean !== null ? this.step() : (this.momentum ?? 0);
    return torch.batchNorm(input, weight, bias, runningMean, runningVar, byBatch, momentum, eps, true);
  }

  /** Counts a step, and tells how much of the statistics it makes up. */
  private step(): number {
    return scope(() =>
      noGrad(() => {
        this.numBatchesTracked!.add_(1);
        return this.momentum ?? 1 / this.numBatchesTracked!.item();
      }),
    );
  }
}

/** Batch normalisation of `[batch, numFeatures]` or `[batch, numFeatures, length]`. */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, [2, 3]);
  }
}

/** Batch normalisation of `[batch, numFeatures, height, width]`. */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, [4]);
  }
}

/** Batch normalisation of `[batch, numFeatures, depth, height, width]`. */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, [5]);
  }
}

/** Over all positions of each sample; learns no scale and keeps no statistics unless asked to. Source: Ulyanov et al. 2016. */
abstract class InstanceNorm extends ChannelNorm {
  protected constructor(numFeatures: number, options: ChannelNormOptions, ranks: readonly [number, number]) {
    super(numFeatures, options, { affine: false, trackRunningStats: false }, ranks);
  }

  protected override compute(input: Tensor): Tensor {
    const shape = this.checkRank(input);
    const batched = shape.length === this.ranks[1];
    const channels = shape[batched ? 1 : 0]!;
    if (channels !== this.numFeatures && (this.weight !== null || this.runningMean !== null)) {
      throw new ShapeError(`the input must have ${this.numFeatures} channels, not ${channels}: [${shape.join(', ')}].`);
    }
    const { runningMean, runningVar, training, weight, bias, eps, momentum } = this;
    const bySample = training || runningMean === null;
    if (bySample && shape.slice(batched ? 2 : 1).every((size) => size === 1)) {
      throw new ShapeError(
        `it needs more than one value for each channel of a sample, not an input [${shape.join(', ')}].`,
      );
    }
    const samples = batched ? input : input.unsqueeze(0);
    const output = torch.instanceNorm(
      samples,
      weight,
      bias,
      runningMean,
      runningVar,
      bySample,
      momentum ?? 0,
      eps,
      true,
    );
    return batched ? output : output.squeeze(0);
  }
}

/** Instance normalisation of `[batch, numFeatures, length]` or `[numFeatures, length]`. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, [2, 3]);
  }
}

/** Instance normalisation of `[batch, numFeatures, height, width]` or the same without batch. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, [3, 4]);
  }
}

/** Instance normalisation of `[batch, numFeatures, depth, height, width]` or the same without batch. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, [4, 5]);
  }
}
