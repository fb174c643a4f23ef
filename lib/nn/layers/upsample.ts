/** Enlarging by interpolation. */
import { ArgumentError } from '../../errors';
import type { Tensor } from '../../tensor';
import { functional } from '../functional';
import { listValues } from '../module/describe';
import { checkOneOf, readOptions, type Sizes } from './arguments';
import { TensorLayer } from './layer';

const modes = ['nearest', 'linear', 'bilinear', 'bicubic', 'trilinear', 'nearest-exact'] as const;

export interface UpsampleOptions {
  /** Of the spatial dimensions of the output; or `scaleFactor`. */
  size?: Sizes | null;
  scaleFactor?: Sizes | null;
  /** Default `nearest`. */
  mode?: (typeof modes)[number];
  /** Whether the elements at the corners keep their values, in modes that interpolate. Default false. */
  alignCorners?: boolean | null;
  /** Whether the scale is computed from the output's size, which is a whole number. */
  recomputeScaleFactor?: boolean | null;
}

/** `[batch, channels, *]` to the same with larger (or smaller) spatial dimensions. */
export class Upsample extends TensorLayer {
  readonly size: number | readonly number[] | null;
  readonly scaleFactor: number | readonly number[] | null;
  readonly mode: (typeof modes)[number];
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;

  constructor(options: UpsampleOptions = {}) {
    super();
    const { name } = new.target;
    const read = readOptions<Required<UpsampleOptions>>(name, options, {
      size: null,
      scaleFactor: null,
      mode: 'nearest',
      alignCorners: null,
      recomputeScaleFactor: null,
    });
    if ((read.size === null) === (read.scaleFactor === null)) {
      throw new ArgumentError(`${name} needs either the option size or the option scaleFactor.`);
    }
    this.size = read.size;
    this.scaleFactor = read.scaleFactor;
    this.mode = checkOneOf(name, 'mode', read.mode, modes);
    this.alignCorners = read.alignCorners;
    this.recomputeScaleFactor = read.recomputeScaleFactor;
  }

  protected override compute(input: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return functional.interpolate(input, size, scaleFactor, mode, alignCorners, recomputeScaleFactor);
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode, alignCorners } = this;
    return listValues({
      size: size ?? undefined,
      scaleFactor: scaleFactor ?? undefined,
      mode,
      alignCorners: alignCorners ?? undefined,
    });
  }
}

type FixedMode = Pick<UpsampleOptions, 'size' | 'scaleFactor'>;

/** Upsample of images in the mode `nearest`. */
export class UpsamplingNearest2d extends Upsample {
  constructor(options: FixedMode = {}) {
    super({
      ...readOptions<FixedMode>('UpsamplingNearest2d', options, { size: null, scaleFactor: null }),
      mode: 'nearest',
    });
  }
}

/** Upsample of images in the mode `bilinear`, with corners aligned. */
export class UpsamplingBilinear2d extends Upsample {
  constructor(options: FixedMode = {}) {
    const read = readOptions<FixedMode>('UpsamplingBilinear2d', options, { size: null, scaleFactor: null });
    super({ ...read, mode: 'bilinear', alignCorners: true });
  }
}
