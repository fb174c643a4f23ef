/** Pooling over windows, over fractions, and its partial inverse. */
import { ArgumentError, ShapeError } from '../../errors';
import { composite, elementsOf, torch, type Composite, type Tensor } from '../../tensor';

type Dimensions = 1 | 2 | 3;

/** A list of one for each dimension; one number stands for all. */
function each(list: readonly number[], dimensions: Dimensions, what: string): number[] {
  if (list.length === dimensions) return [...list];
  if (list.length === 1) return Array.from({ length: dimensions }, () => list[0]!);
  throw new ShapeError(`${what} takes one number or ${dimensions}, not ${list.length}.`);
}

/** The three forms of a function that gives indices too when asked, for `signature` without its end. */
function withIndices(name: string, parameters: string): [string, string] {
  return [
    `${name}(${parameters}, *, true returnIndices) -> (Tensor output, Tensor indices)`,
    `${name}(${parameters}, bool returnIndices=False) -> Tensor`,
  ];
}

type MaxPool = (
  input: Tensor,
  kernelSize: number[],
  stride: number[],
  padding: number[],
  dilation: number[],
  ceilMode: boolean,
) => [Tensor, Tensor];

type Window = [kernelSize: number[], stride: number[] | null, padding: number[], dilation: number[], ceilMode: boolean];

function maxPool(
  dimensions: Dimensions,
  plain: (...args: Parameters<MaxPool>) => Tensor,
  indexed: MaxPool,
): Composite[] {
  const name = `maxPool${dimensions}d`;
  const parameters =
    'Tensor input, int[] kernelSize, int[]? stride=None, int[] padding=[0], int[] dilation=[1], bool ceilMode=False';
  return [
    composite({
      signature: withIndices(name, parameters),
      doc: 'Largest element of each window; asked for, with where it stood. `stride` is `kernelSize` unless given.',
      run: (input: Tensor, ...[kernel, stride, padding, dilation, ceil, indices]: [...Window, boolean]) =>
        (indices ? indexed : plain)(input, kernel, stride ?? [], padding, dilation, ceil),
    }),
    composite({
      signature: `${name}WithIndices(${parameters}) -> (Tensor output, Tensor indices)`,
      doc: 'Largest element of each window and where it stood.',
      run: (input: Tensor, ...[kernel, stride, padding, dilation, ceil]: Window) =>
        indexed(input, kernel, stride ?? [], padding, dilation, ceil),
    }),
  ];
}

/** Sizes that libtorch takes no `null` in: those of the input stand there. */
function adaptiveSizes(sizes: unknown, input: Tensor, dimensions: Dimensions): number[] {
  const list: unknown[] = Array.isArray(sizes)
    ? elementsOf(sizes, 64, 'outputSize')
    : Array.from({ length: dimensions }, () => sizes);
  if (list.length !== dimensions || input.ndim < dimensions) {
    throw new ShapeError(`outputSize takes one number or ${dimensions}, and an input of at least as many dimensions.`);
  }
  return list.map((size, index) => {
    if (size === null) return input.size(index - dimensions);
    if (typeof size === 'number' && Number.isSafeInteger(size)) return size;
    throw new ArgumentError('outputSize must hold whole numbers; null keeps the size of the input.');
  });
}

const adaptiveTypes = { outputSize: 'number | readonly (number | null)[]' };

function adaptiveMaxPool(
  dimensions: Dimensions,
  pool: (input: Tensor, size: number[]) => [Tensor, Tensor],
): Composite[] {
  const name = `adaptiveMaxPool${dimensions}d`;
  return [
    composite({
      signature: withIndices(name, 'Tensor input, any outputSize'),
      types: adaptiveTypes,
      doc: 'Largest elements of as many windows as make up `outputSize`; asked for, with where they stood.',
      run: (input: Tensor, size: unknown, indices: boolean) => {
        const results = pool(input, adaptiveSizes(size, input, dimensions));
        return indices ? results : results[0];
      },
    }),
    composite({
      signature: `${name}WithIndices(Tensor input, any outputSize) -> (Tensor output, Tensor indices)`,
      types: adaptiveTypes,
      doc: 'Largest elements of as many windows as make up `outputSize`, and where they stood.',
      run: (input: Tensor, size: unknown) => pool(input, adaptiveSizes(size, input, dimensions)),
    }),
  ];
}

function adaptiveAvgPool(dimensions: 2 | 3, pool: (input: Tensor, size: number[]) => Tensor): Composite {
  return composite({
    signature: `adaptiveAvgPool${dimensions}d(Tensor input, any outputSize) -> Tensor`,
    types: adaptiveTypes,
    doc: 'Means of as many windows as make up `outputSize`; `null` keeps the size of the input.',
    run: (input: Tensor, size: unknown) => pool(input, adaptiveSizes(size, input, dimensions)),
  });
}

type Pool = (input: Tensor, kernel: number[], stride: number[], ceilMode: boolean) => Tensor;

/** The p-norm of each window, by the mean of p-th powers. */
function lpPool(dimensions: Dimensions, average: Pool, largest: Pool): Composite {
  return composite({
    signature: `lpPool${dimensions}d(Tensor input, float normType, int[] kernelSize, int[]? stride=None, bool ceilMode=False) -> Tensor`,
    doc: 'The p-norm of each window.',
    run: (input: Tensor, p: number, kernelSize: number[], stride: number[] | null, ceil: boolean) => {
      const kernel = each(kernelSize, dimensions, 'kernelSize');
      if (p === Infinity) return largest(input.abs(), kernel, stride ?? [], ceil);
      if (p === -Infinity) return largest(input.abs().neg(), kernel, stride ?? [], ceil).neg();
      const mean = average(input.pow(p), kernel, stride ?? [], ceil);
      const size = kernel.reduce((product, side) => product * side, 1);
      return mean
        .sign()
        .mul(mean.abs().relu())
        .mul(size)
        .pow(1 / p);
    },
  });
}

/** The size before a max pooling, which `outputSize` may vary by less than a stride. */
function unpooledSize(
  input: Tensor,
  kernel: readonly number[],
  stride: readonly number[],
  padding: readonly number[],
  outputSize: readonly number[] | null,
): number[] {
  const dimensions = kernel.length;
  if (input.ndim < dimensions) throw new ShapeError(`maxUnpool needs an input of at least ${dimensions} dimensions.`);
  const usual = kernel.map(
    (side, index) => (input.size(index - dimensions) - 1) * stride[index]! + side - 2 * padding[index]!,
  );
  if (outputSize === null) return usual;
  const wanted = outputSize.length === dimensions + 2 ? outputSize.slice(2) : [...outputSize];
  if (wanted.length !== dimensions) {
    throw new ShapeError(`outputSize takes ${dimensions} or ${dimensions + 2} numbers, not ${outputSize.length}.`);
  }
  for (const [index, size] of wanted.entries()) {
    const [low, high] = [usual[index]! - stride[index]!, usual[index]! + stride[index]!];
    if (size <= low || size >= high) {
      throw new ShapeError(`outputSize[${index}] must lie between ${low} and ${high}, not be ${size}.`);
    }
  }
  return wanted;
}

type Unpool = (input: Tensor, indices: Tensor, size: number[], stride: number[], padding: number[]) => Tensor;

function maxUnpool(dimensions: Dimensions, unpool: Unpool): Composite {
  return composite({
    signature: `maxUnpool${dimensions}d(Tensor input, Tensor indices, int[] kernelSize, int[]? stride=None, int[] padding=[0], int[]? outputSize=None) -> Tensor`,
    doc: 'Puts what max pooling found back where it stood, zeros elsewhere.',
    run: (
      input: Tensor,
      indices: Tensor,
      ...[kernelSize, stride, padding, size]: [number[], number[] | null, number[], number[] | null]
    ) => {
      const kernel = each(kernelSize, dimensions, 'kernelSize');
      const steps = each(stride ?? kernel, dimensions, 'stride');
      const pads = each(padding, dimensions, 'padding');
      return unpool(input, indices, unpooledSize(input, kernel, steps, pads, size), steps, pads);
    },
  });
}

type Fractional = (input: Tensor, kernel: number[], size: number[], samples: Tensor) => [Tensor, Tensor];

function fractionalMaxPool(dimensions: 2 | 3, pool: Fractional): Composite[] {
  const name = `fractionalMaxPool${dimensions}d`;
  const parameters = 'Tensor input, int[] kernelSize, int[]? outputSize=None, float[]? outputRatio=None';
  type Arguments = [kernel: number[], size: number[] | null, ratio: number[] | null];
  const run = (input: Tensor, [kernel, size, ratio]: Arguments, samples: Tensor | null): [Tensor, Tensor] => {
    if ((size === null) === (ratio === null))
      throw new ArgumentError(`F.${name}: give either outputSize or outputRatio.`);
    if (input.ndim < dimensions + 1)
      throw new ShapeError(`F.${name}: the input needs ${dimensions + 1} dimensions or more.`);
    const ratios = ratio === null ? [] : each(ratio, dimensions, 'outputRatio');
    const sizes = size ?? ratios.map((part, index) => Math.floor(input.size(index - dimensions) * part));
    const batch = input.ndim === dimensions + 1 ? 1 : input.size(0);
    const { dtype, device } = input;
    const drawn = samples ?? torch.rand([batch, input.size(-dimensions - 1), dimensions], { dtype, device });
    return pool(input, each(kernel, dimensions, 'kernelSize'), each(sizes, dimensions, 'outputSize'), drawn);
  };
  return [
    composite({
      signature: [
        `${name}(${parameters}, *, true returnIndices, Tensor? randomSamples=None) -> (Tensor output, Tensor indices)`,
        `${name}(${parameters}, bool returnIndices=False, Tensor? randomSamples=None) -> Tensor`,
      ],
      doc: 'Largest elements of windows at random steps that shrink the input by a fraction.',
      run: (input: Tensor, ...[kernel, size, ratio, indices, samples]: [...Arguments, boolean, Tensor | null]) => {
        const results = run(input, [kernel, size, ratio], samples);
        return indices ? results : results[0];
      },
    }),
    composite({
      signature: `${name}WithIndices(${parameters}, Tensor? randomSamples=None) -> (Tensor output, Tensor indices)`,
      doc: 'Largest elements of windows at random steps, and where they stood.',
      run: (input: Tensor, ...[kernel, size, ratio, samples]: [...Arguments, Tensor | null]) =>
        run(input, [kernel, size, ratio], samples),
    }),
  ];
}

export const pooling = [
  ...maxPool(
    1,
    (...args) => torch.maxPool1d(...args),
    (...args) => torch.maxPool1dWithIndices(...args),
  ),
  ...maxPool(
    2,
    (...args) => torch.maxPool2d(...args),
    (...args) => torch.maxPool2dWithIndices(...args),
  ),
  ...maxPool(
    3,
    (...args) => torch.maxPool3d(...args),
    (...args) => torch.maxPool3dWithIndices(...args),
  ),
  ...adaptiveMaxPool(1, (input, size) => torch.adaptiveMaxPool1d(input, size)),
  ...adaptiveMaxPool(2, (input, size) => torch.adaptiveMaxPool2d(input, size)),
  ...adaptiveMaxPool(3, (input, size) => torch.adaptiveMaxPool3d(input, size)),
  adaptiveAvgPool(2, (input, size) => torch.adaptiveAvgPool2d(input, size)),
  adaptiveAvgPool(3, (input, size) => torch.adaptiveAvgPool3d(input, size)),
  lpPool(
    1,
    (input, kernel, stride, ceil) => torch.avgPool1d(input, kernel, stride, 0, ceil),
    (input, kernel, stride, ceil) => torch.maxPool1d(input, kernel, stride, 0, 1, ceil),
  ),
  lpPool(
    2,
    (input, kernel, stride, ceil) => torch.avgPool2d(input, kernel, stride, 0, ceil),
    (input, kernel, stride, ceil) => torch.maxPool2d(input, kernel, stride, 0, 1, ceil),
  ),
  lpPool(
    3,
    (input, kernel, stride, ceil) => torch.avgPool3d(input, kernel, stride, 0, ceil),
    (input, kernel, stride, ceil) => torch.maxPool3d(input, kernel, stride, 0, 1, ceil),
  ),
  maxUnpool(1, (input, indices, size) =>
    torch.maxUnpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [...size, 1]).squeeze(-1),
  ),
  maxUnpool(2, (input, indices, size) => torch.maxUnpool2d(input, indices, size)),
  maxUnpool(3, (input, indices, size, stride, padding) => torch.maxUnpool3d(input, indices, size, stride, padding)),
  ...fractionalMaxPool(2, (...args) => torch.fractionalMaxPool2d(...args)),
  ...fractionalMaxPool(3, (...args) => torch.fractionalMaxPool3d(...args)),
];
