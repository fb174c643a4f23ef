/** Normalisation of batches, channels, groups, layers and vectors. */
import { ArgumentError, ShapeError } from '../../errors';
import { composite, torch, type Tensor } from '../../tensor';

/** A mean and variance over a single element say nothing. */
function moreThanOne(name: string, shape: readonly number[], first: number): void {
  const count = shape.reduce((product, size, index) => (index === 1 || index < first ? product : product * size), 1);
  if (count === 1) {
    throw new ShapeError(
      `F.${name}: training needs more than one value for each channel; the input has shape [${shape.join(', ')}].`,
    );
  }
}

type Statistics = [mean: Tensor | null, variance: Tensor | null];

function localResponse(input: Tensor, size: number, alpha: number, beta: number, k: number): Tensor {
  if (input.ndim < 3) throw new ShapeError('F.localResponseNorm: the input needs 3 dimensions or more.');
  if (input.numel === 0) return input;
  if (size < 1) throw new ArgumentError(`F.localResponseNorm: size must be positive, not ${size}.`);
  const [batch, channel, ...rest] = input.shape as [number, number, ...number[]];
  const count = rest.reduce((product, side) => product * side, 1);
  // Means over neighbouring channels, as a pooling along them.
  const squares = input.square().reshape([batch, 1, channel, count]);
  const padded = torch.pad(squares, [0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)]);
  const means = torch.avgPool2d(padded, [size, 1], 1).reshape(input.shape);
  return input.div(means.mul(alpha).add(k).pow(beta));
}

export const normalizations = [
  composite({
    signature:
      'batchNorm(Tensor input, Tensor? runningMean, Tensor? runningVar, Tensor? weight=None, Tensor? bias=None, ' +
      'bool training=False, float momentum=0.1, float eps=1e-5) -> Tensor',
    doc: 'Normalises each channel of `[batch, channel, *]` over the batch, or by the running statistics.',
    run: (
      input: Tensor,
      ...[mean, variance, weight, bias, training, momentum, eps]: [
        ...Statistics,
        Tensor | null,
        Tensor | null,
        boolean,
        number,
        number,
      ]
    ) => {
      if (input.ndim < 2) throw new ShapeError('F.batchNorm: the input must be [batch, channel, ...].');
      if (!(eps >= 0) || (training && eps === 0))
        throw new ArgumentError(`F.batchNorm: eps must be positive, not ${eps}.`);
      if (training) moreThanOne('batchNorm', input.shape, 0);
      return torch.batchNorm(input, weight, bias, mean, variance, training, momentum, eps, true);
    },
  }),
  composite({
    signature:
      'instanceNorm(Tensor input, Tensor? runningMean=None, Tensor? runningVar=None, Tensor? weight=None, Tensor? bias=None, ' +
      'bool useInputStats=True, float momentum=0.1, float eps=1e-5) -> Tensor',
    doc: 'Normalises each channel of each sample of `[batch, channel, *]`.',
    run: (
      input: Tensor,
      ...[mean, variance, weight, bias, useInputStats, momentum, eps]: [
        ...Statistics,
        Tensor | null,
        Tensor | null,
        boolean,
        number,
        number,
      ]
    ) => {
      if (input.ndim < 2) throw new ShapeError('F.instanceNorm: the input must be [batch, channel, ...].');
      if (useInputStats) moreThanOne('instanceNorm', input.shape, 2);
      return torch.instanceNorm(input, weight, bias, mean, variance, useInputStats, momentum, eps, true);
    },
  }),
  composite({
    signature:
      'groupNorm(Tensor input, int numGroups, Tensor? weight=None, Tensor? bias=None, float eps=1e-5) -> Tensor',
    doc: 'Normalises groups of channels of each sample of `[batch, channel, *]`.',
    run: (input: Tensor, groups: number, weight: Tensor | null, bias: Tensor | null, eps: number) => {
      if (input.ndim < 2) throw new ShapeError('F.groupNorm: the input must be [batch, channel, ...].');
      return torch.groupNorm(input, groups, weight, bias, eps);
    },
  }),
  composite({
    signature:
      'layerNorm(Tensor input, int[] normalizedShape, Tensor? weight=None, Tensor? bias=None, float eps=1e-5) -> Tensor',
    doc: 'Normalises the last dimensions to mean 0 and variance 1, then scales and shifts.',
    run: (input: Tensor, shape: number[], weight: Tensor | null, bias: Tensor | null, eps: number) =>
      torch.layerNorm(input, shape, weight, bias, eps),
  }),
  composite({
    signature: 'rmsNorm(Tensor input, int[] normalizedShape, Tensor? weight=None, float? eps=None) -> Tensor',
    doc: "Divides the last dimensions by their root mean square, then scales. `eps` default: the dtype's machine epsilon.",
    run: (input: Tensor, shape: number[], weight: Tensor | null, eps: number | null) =>
      torch.rmsNorm(input, shape, weight, eps),
  }),
  composite({
    signature: 'localResponseNorm(Tensor input, int size, float alpha=0.0001, float beta=0.75, float k=1) -> Tensor',
    doc: 'Divides by a power of the mean square over neighbouring channels.',
    run: localResponse,
  }),
  composite({
    signature: 'normalize(Tensor input, float p=2, int dim=1, float eps=1e-12) -> Tensor',
    doc: 'Divides by the p-norm along `dim`, which counts as at least `eps`.',
    run: (input: Tensor, p: number, dim: number, eps: number) =>
      input.div(input.norm(p, dim, true).clampMin(eps).expandAs(input)),
  }),
];
