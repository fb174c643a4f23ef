/** Resampling of grids: resizing, sampling at given places, padding, patches. */
import { ArgumentError, ShapeError } from '../../errors';
import { composite, operator, torch, type Tensor } from '../../tensor';

const modes = ['nearest', 'linear', 'bilinear', 'bicubic', 'trilinear', 'area', 'nearest-exact', 'lanczos'] as const;
type Mode = (typeof modes)[number];

/** Modes that count the corners in, and those for inputs of one number of spatial dimensions. */
const cornered: readonly Mode[] = ['linear', 'bilinear', 'bicubic', 'trilinear', 'lanczos'];
const dimensionsOf: Partial<Record<Mode, number>> = { linear: 1, bilinear: 2, bicubic: 2, lanczos: 2, trilinear: 3 };

type Raw = (...values: unknown[]) => Tensor;

/** Operators of the underscored names are looked up when they are first needed. */
const raw = (name: string): Raw => {
  let found: Raw | undefined;
  return (...values) => (found ??= operator(`aten::${name}`) as Raw)(...values);
};

const nearest: readonly Raw[] = [raw('upsample_nearest1d'), raw('upsample_nearest2d'), raw('upsample_nearest3d')];
const nearestExact: readonly Raw[] = [1, 2, 3].map((dimensions) => raw(`_upsample_nearest_exact${dimensions}d`));
const area: readonly Raw[] = [raw('adaptive_avg_pool1d'), raw('adaptive_avg_pool2d'), raw('adaptive_avg_pool3d')];
const interpolating: Partial<Record<Mode, Raw>> = {
  linear: raw('upsample_linear1d'),
  bilinear: raw('upsample_bilinear2d'),
  bicubic: raw('upsample_bicubic2d'),
  trilinear: raw('upsample_trilinear3d'),
};
const antialiased: Partial<Record<Mode, Raw>> = {
  bilinear: raw('_upsample_bilinear2d_aa'),
  bicubic: raw('_upsample_bicubic2d_aa'),
  lanczos: raw('_upsample_lanczos2d_aa'),
};

/** One value for each spatial dimension; one stands for all. */
function spread(list: readonly number[], dimensions: number, what: string): number[] {
  if (list.length === dimensions) return [...list];
  if (list.length === 1) return Array.from({ length: dimensions }, () => list[0]!);
  throw new ShapeError(`F.interpolate: ${what} takes one number or ${dimensions}, not ${list.length}.`);
}

interface Resizing {
  mode: Mode;
  alignCorners: boolean | null;
  recomputeScaleFactor: boolean;
  antialias: boolean;
}

function checkResizing(dimensions: number, { mode, alignCorners, antialias }: Resizing): void {
  if (dimensions < 1 || dimensions > 3)
    throw new ShapeError('F.interpolate: the input must be [batch, channel, ...] of 3 to 5 dimensions.');
  const wanted = dimensionsOf[mode];
  if (wanted !== undefined && wanted !== dimensions) {
    throw new ShapeError(
      `F.interpolate: mode "${mode}" is for inputs of ${wanted + 2} dimensions; this one has ${dimensions + 2}.`,
    );
  }
  if (alignCorners !== null && !cornered.includes(mode)) {
    throw new ArgumentError(`F.interpolate: alignCorners is for the modes that interpolate; "${mode}" does not.`);
  }
  if (antialias && antialiased[mode] === undefined) {
    throw new ArgumentError('F.interpolate: antialias is for the modes "bilinear", "bicubic" and "lanczos".');
  }
  if (mode === 'lanczos' && (!antialias || alignCorners === true)) {
    throw new ArgumentError('F.interpolate: mode "lanczos" needs antialias, and knows no alignCorners.');
  }
}

function interpolate(input: Tensor, size: number[] | null, scaleFactor: number[] | null, resizing: Resizing): Tensor {
  const { mode, alignCorners, antialias } = resizing;
  const dimensions = input.ndim - 2;
  checkResizing(dimensions, resizing);
  if ((size === null) === (scaleFactor === null))
    throw new ArgumentError('F.interpolate: give either size or scaleFactor.');
  if (size !== null && resizing.recomputeScaleFactor) {
    throw new ArgumentError('F.interpolate: recomputeScaleFactor means nothing with a size.');
  }
  let sizes = size === null ? null : spread(size, dimensions, 'size');
  let factors = scaleFactor === null ? null : spread(scaleFactor, dimensions, 'scaleFactor');
  if (factors !== null && (resizing.recomputeScaleFactor || mode === 'area')) {
    sizes = factors.map((factor, index) => Math.trunc(input.size(index + 2) * factor));
    factors = null;
  }
  if (mode === 'area') return area[dimensions - 1]!(input, sizes);
  if (mode === 'nearest') return nearest[dimensions - 1]!(input, sizes, factors);
  if (mode === 'nearest-exact') return nearestExact[dimensions - 1]!(input, sizes, factors);
  const resize = antialias ? antialiased[mode] : interpolating[mode];
  return resize!(input, sizes, alignCorners ?? false, factors);
}

const corners = { bilinear: 0, nearest: 1, bicubic: 2 } as const;
const outside = { zeros: 0, border: 1, reflection: 2 } as const;

function affineGrid(theta: Tensor, size: number[], alignCorners: boolean): Tensor {
  const spatial = size.length - 2;
  if (spatial !== 2 && spatial !== 3)
    throw new ShapeError(`F.affineGrid: size takes 4 or 5 numbers, not ${size.length}.`);
  if (theta.ndim !== 3 || theta.size(1) !== spatial || theta.size(2) !== spatial + 1) {
    throw new ShapeError(
      `F.affineGrid: theta must be [batch, ${spatial}, ${spatial + 1}], not [${theta.shape.join(', ')}].`,
    );
  }
  if (size.some((side) => !(side > 0)))
    throw new ShapeError(`F.affineGrid: size must be positive, not [${size.join(', ')}].`);
  return torch.affineGridGenerator(theta, size, alignCorners);
}

function pair(list: readonly number[], what: string): number[] {
  if (list.length > 2 || list.length === 0)
    throw new ShapeError(`${what} takes one number or two, not ${list.length}.`);
  return [list[0]!, list.at(-1)!];
}

export const images = [
  composite({
    signature:
      `interpolate(Tensor input, int[]? size=None, float[]? scaleFactor=None, ${modes.join('|')} mode="nearest", ` +
      'bool? alignCorners=None, bool? recomputeScaleFactor=None, bool antialias=False) -> Tensor',
    doc: 'Resizes `[batch, channel, ...]` to a size or by a factor.',
    run: (
      input: Tensor,
      ...[size, factor, mode, alignCorners, recompute, antialias]: [
        ...[number[] | null, number[] | null, Mode, boolean | null, boolean | null, boolean],
      ]
    ) => interpolate(input, size, factor, { mode, alignCorners, recomputeScaleFactor: recompute ?? false, antialias }),
  }),
  composite({
    signature: `upsample(Tensor input, int[]? size=None, float[]? scaleFactor=None, ${modes.join('|')} mode="nearest", bool? alignCorners=None) -> Tensor`,
    doc: 'The former name of `interpolate`.',
    run: (input: Tensor, size: number[] | null, factor: number[] | null, mode: Mode, alignCorners: boolean | null) =>
      interpolate(input, size, factor, { mode, alignCorners, recomputeScaleFactor: false, antialias: false }),
  }),
  composite({
    signature: 'upsampleNearest(Tensor input, int[]? size=None, float[]? scaleFactor=None) -> Tensor',
    doc: '`interpolate` in the mode "nearest".',
    run: (input: Tensor, size: number[] | null, factor: number[] | null) =>
      interpolate(input, size, factor, {
        mode: 'nearest',
        alignCorners: null,
        recomputeScaleFactor: false,
        antialias: false,
      }),
  }),
  composite({
    signature: 'upsampleBilinear(Tensor input, int[]? size=None, float[]? scaleFactor=None) -> Tensor',
    doc: '`interpolate` in the mode "bilinear", with the corners aligned.',
    run: (input: Tensor, size: number[] | null, factor: number[] | null) =>
      interpolate(input, size, factor, {
        mode: 'bilinear',
        alignCorners: true,
        recomputeScaleFactor: false,
        antialias: false,
      }),
  }),
  composite({
    signature:
      'gridSample(Tensor input, Tensor grid, bilinear|nearest|bicubic mode="bilinear", ' +
      'zeros|border|reflection paddingMode="zeros", bool? alignCorners=None) -> Tensor',
    doc: 'Elements of `[batch, channel, ...]` at the places `[batch, ..., 2 or 3]`, from -1 to 1 across the input.',
    run: (
      input: Tensor,
      grid: Tensor,
      mode: keyof typeof corners,
      padding: keyof typeof outside,
      align: boolean | null,
    ) => torch.gridSampler(input, grid, corners[mode], outside[padding], align ?? false),
  }),
  composite({
    signature: 'affineGrid(Tensor theta, int[] size, bool? alignCorners=None) -> Tensor',
    doc: "Places for `gridSample` from affine matrices `[batch, 2, 3]` or `[batch, 3, 4]`; `size` is the output's.",
    run: (theta: Tensor, size: number[], align: boolean | null) => affineGrid(theta, size, align ?? false),
  }),
  composite({
    signature:
      'pad(Tensor input, int[] pad, constant|reflect|replicate|circular mode="constant", float? value=None) -> Tensor',
    doc: 'Pads the last dimensions: `pad` holds before and after of the last one, then of the one before it, and so on.',
    run: (input: Tensor, pad: number[], mode: string, value: number | null) => torch.pad(input, pad, mode, value),
  }),
  composite({
    signature:
      'unfold(Tensor input, int[] kernelSize, int[] dilation=[1], int[] padding=[0], int[] stride=[1]) -> Tensor',
    doc: 'Patches of `[batch, channel, height, width]` as columns: `[batch, channel * patch, patches]`.',
    run: (input: Tensor, kernel: number[], dilation: number[], padding: number[], stride: number[]) =>
      torch.im2col(
        input,
        pair(kernel, 'kernelSize'),
        pair(dilation, 'dilation'),
        pair(padding, 'padding'),
        pair(stride, 'stride'),
      ),
  }),
  composite({
    signature:
      'fold(Tensor input, int[] outputSize, int[] kernelSize, int[] dilation=[1], int[] padding=[0], int[] stride=[1]) -> Tensor',
    doc: 'Adds patches, as columns, back into an image: the adjoint of `unfold`.',
    run: (
      input: Tensor,
      size: number[],
      ...[kernel, dilation, padding, stride]: [number[], number[], number[], number[]]
    ) =>
      torch.col2im(
        input,
        pair(size, 'outputSize'),
        pair(kernel, 'kernelSize'),
        pair(dilation, 'dilation'),
        pair(padding, 'padding'),
        pair(stride, 'stride'),
      ),
  }),
];
