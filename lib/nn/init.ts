/**
 * First values of parameters, written in place, without gradients: `nn.init.xavierUniform_(layer.weight)`. Under the same seed they
 * are those that PyTorch draws. Sources: Glorot & Bengio 2010 (xavier), He et al. 2015 (kaiming), Saxe et al. 2013 (orthogonal),
 * Martens 2010 (sparse).
 */
import { inspect } from 'node:util';

import { ArgumentError, ShapeError } from '../errors';
import { noGrad, scope, Tensor, torch, type Generator } from '../tensor';

/** Where random numbers come from; the default generator if left out. */
export interface DrawOptions {
  generator?: Generator;
}

export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'selu';

/** Which sizes of a weight keep their variance: those of the forward pass (`fanIn`) or of the backward pass. */
export type FanMode = 'fanIn' | 'fanOut';

export interface KaimingOptions extends DrawOptions {
  /** Slope of the leaky ReLU for negative inputs. Default 0. */
  a?: number;
  mode?: FanMode;
  /** Default `leakyRelu`. */
  nonlinearity?: Nonlinearity;
}

function checkTensor(tensor: Tensor): Tensor {
  if (tensor instanceof Tensor) return tensor;
  throw new ArgumentError(
    `First values go into a tensor, such as layer.weight, not into ${inspect(tensor, { depth: 0 })}.`,
  );
}

/** Runs `fill` without gradients and frees what it made on the way. */
function filled(tensor: Tensor, fill: () => void): Tensor {
  checkTensor(tensor);
  scope(() => noGrad(fill));
  return tensor;
}

/** From U(low, high). */
export function uniform_(tensor: Tensor, low = 0, high = 1, options: DrawOptions = {}): Tensor {
  return filled(tensor, () => tensor.uniform_(low, high, options));
}

/** From N(mean, deviation^2). */
export function normal_(tensor: Tensor, mean = 0, deviation = 1, options: DrawOptions = {}): Tensor {
  return filled(tensor, () => tensor.normal_(mean, deviation, options));
}

export function constant_(tensor: Tensor, value: number): Tensor {
  return filled(tensor, () => tensor.fill_(value));
}

export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

export function zeros_(tensor: Tensor): Tensor {
  return filled(tensor, () => tensor.zero_());
}

/** The identity matrix, as far as the shape goes. @throws ShapeError unless there are two dimensions */
export function eye_(tensor: Tensor): Tensor {
  const [rows, columns] = matrix('eye_', tensor);
  return filled(tensor, () => tensor.copy_(torch.eye(rows, columns)));
}

/**
 * A convolution weight that hands each channel on unchanged, as far as there are channels; in each of `groups`.
 * @throws ShapeError unless there are three to five dimensions and the groups divide the first
 */
export function dirac_(tensor: Tensor, groups = 1): Tensor {
  const shape = checkTensor(tensor).shape;
  const [out = 0, perGroup = 0, ...kernel] = shape;
  if (kernel.length < 1 || kernel.length > 3) {
    throw new ShapeError(`dirac_ fills weights of convolutions, of 3 to 5 dimensions, not [${shape.join(', ')}].`);
  }
  if (!Number.isInteger(groups) || groups < 1 || out % groups !== 0) {
    throw new ShapeError(`dirac_: groups (${groups}) must divide the first size, ${out}.`);
  }
  return filled(tensor, () => {
    tensor.zero_();
    for (let group = 0; group < groups; group++) {
      for (let channel = 0; channel < Math.min(out / groups, perGroup); channel++) {
        let element: Tensor = tensor.select(0, group * (out / groups) + channel).select(0, channel);
        for (const size of kernel) element = element.select(0, Math.floor(size / 2));
        element.fill_(1);
      }
    }
  });
}

/** The factor by which a nonlinearity's inputs should be larger, to keep the variance. @param param slope of `leakyRelu`, default 0.01 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.sqrt(2);
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case 'selu':
      return 3 / 4;
    case 'linear':
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
    case 'convTranspose1d':
    case 'convTranspose2d':
    case 'convTranspose3d':
    case 'sigmoid':
      return 1;
    default:
      throw new ArgumentError(`There is no gain for the nonlinearity ${JSON.stringify(nonlinearity)}.`);
  }
}

/** U(-a, a) with a = gain * sqrt(6 / (fanIn + fanOut)). */
export function xavierUniform_(tensor: Tensor, gain = 1, options: DrawOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierDeviation('xavierUniform_', tensor, gain);
  return uniform_(tensor, -bound, bound, options);
}

/** N(0, d^2) with d = gain * sqrt(2 / (fanIn + fanOut)). */
export function xavierNormal_(tensor: Tensor, gain = 1, options: DrawOptions = {}): Tensor {
  return normal_(tensor, 0, xavierDeviation('xavierNormal_', tensor, gain), options);
}

/** U(-b, b) with b = gain * sqrt(3 / fan). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  if (checkTensor(tensor).numel === 0) return tensor;
  const bound = Math.sqrt(3) * kaimingDeviation('kaimingUniform_', tensor, options);
  return uniform_(tensor, -bound, bound, generatorOf(options));
}

/** N(0, d^2) with d = gain / sqrt(fan). */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  if (checkTensor(tensor).numel === 0) return tensor;
  return normal_(tensor, 0, kaimingDeviation('kaimingNormal_', tensor, options), generatorOf(options));
}

/** From N(mean, deviation^2), values outside [low, high] drawn again. */
export function truncNormal_(
  tensor: Tensor,
  mean = 0,
  deviation = 1,
  low = -2,
  high = 2,
  options: DrawOptions = {},
): Tensor {
  if (!(deviation > 0) || !(low < high)) {
    throw new ArgumentError(
      `truncNormal_ needs a deviation above 0 and low < high, not deviation ${deviation}, low ${low}, high ${high}.`,
    );
  }
  const within = normalCdf((high - mean) / deviation) - normalCdf((low - mean) / deviation);
  return filled(tensor, () => {
    if (within > 0.3) redrawNormal(tensor, mean, deviation, low, high, options);
    else rejectUniform(tensor, mean, deviation, low, high, options);
  });
}

/** Draws from the normal distribution until all values are within the bounds, which are rounded as the tensor's are. */
function redrawNormal(
  tensor: Tensor,
  mean: number,
  deviation: number,
  low: number,
  high: number,
  options: DrawOptions,
): void {
  const bound = (value: number) => torch.tensor(value, { dtype: tensor.dtype }).item();
  const [least, most] = [bound(low), bound(high)];
  let result = tensor.normal_(mean, deviation, options);
  for (;;) {
    const outside = result.lt(least).logicalOr(result.gt(most));
    if (outside.any().item() === 0) break;
    result = torch.where(outside, torch.emptyLike(result).normal_(mean, deviation, options), result);
  }
  if (result !== tensor) tensor.copy_(result);
}

/** Far from the mean normal draws would rarely hit: draws uniformly, and keeps by the density over that at its peak. */
function rejectUniform(
  tensor: Tensor,
  mean: number,
  deviation: number,
  low: number,
  high: number,
  options: DrawOptions,
): void {
  const peak = -0.5 * ((Math.max(low, Math.min(mean, high)) - mean) / deviation) ** 2;
  const candidates = torch.emptyLike(tensor);
  const accept = torch.emptyLike(tensor);
  const rejected = (): Tensor => {
    candidates.sub_(mean).div_(deviation).pow_(2).mul_(-0.5).sub_(peak);
    return accept.uniform_(0, 1, options).log_().gt(candidates);
  };
  candidates.copy_(tensor.uniform_(low, high, options));
  let pending = rejected();
  let result = tensor;
  while (pending.any().item() !== 0) {
    candidates.uniform_(low, high, options);
    result = torch.where(pending, candidates, result);
    pending = torch.where(pending, rejected(), pending);
  }
  if (result !== tensor) tensor.copy_(result);
}

function normalCdf(x: number): number {
  return scope(() => (1 + torch.erf(torch.tensor(x / Math.sqrt(2), { dtype: 'float64' })).item()) / 2);
}

/** An orthogonal matrix times `gain`; dimensions after the first count as one. @throws ShapeError below two dimensions */
export function orthogonal_(tensor: Tensor, gain = 1, options: DrawOptions = {}): Tensor {
  if (checkTensor(tensor).ndim < 2)
    throw new ShapeError(`orthogonal_ fills tensors of at least 2 dimensions, not ${tensor.ndim}.`);
  if (tensor.numel === 0) return tensor;
  const rows = tensor.size(0);
  const columns = tensor.numel / rows;
  return filled(tensor, () => {
    const drawn = torch.empty([rows, columns], { dtype: tensor.dtype, device: tensor.device }).normal_(0, 1, options);
    const [q, r] = torch.linalg.qr(rows < columns ? drawn.t() : drawn);
    const signed = q.mul(r.diag().sign());
    tensor.copy_((rows < columns ? signed.t() : signed).reshape(tensor.shape)).mul_(gain);
  });
}

/**
 * N(0, deviation^2), and in each column the share `sparsity` of elements zero.
 * @throws ShapeError unless there are two dimensions
 */
export function sparse_(tensor: Tensor, sparsity: number, deviation = 0.01, options: DrawOptions = {}): Tensor {
  const [rows, columns] = matrix('sparse_', tensor);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw new ArgumentError(`sparse_: sparsity must be in [0, 1], not ${sparsity}.`);
  return filled(tensor, () => {
    tensor.normal_(0, deviation, options);
    for (let column = 0; column < columns; column++) {
      const zeros = torch
        .randperm(rows)
        .narrow(0, 0, Math.ceil(sparsity * rows))
        .to(tensor.device);
      tensor.select(1, column).indexFill_(0, zeros, 0);
    }
  });
}

function matrix(name: string, tensor: Tensor): [rows: number, columns: number] {
  const [rows, columns, ...more] = checkTensor(tensor).shape;
  if (rows !== undefined && columns !== undefined && more.length === 0) return [rows, columns];
  throw new ShapeError(`${name} fills tensors of 2 dimensions, not [${tensor.shape.join(', ')}].`);
}

/** How many inputs a unit of a weight has, and how many units an input goes to. */
export function fans(name: string, tensor: Tensor): { fanIn: number; fanOut: number } {
  const [out, inputs, ...kernel] = checkTensor(tensor).shape;
  if (out === undefined || inputs === undefined) {
    throw new ShapeError(`${name} needs a tensor of at least 2 dimensions, not [${tensor.shape.join(', ')}].`);
  }
  const field = kernel.reduce((product, size) => product * size, 1);
  return { fanIn: inputs * field, fanOut: out * field };
}

function xavierDeviation(name: string, tensor: Tensor, gain: number): number {
  if (!Number.isFinite(gain))
    throw new ArgumentError(`${name}: gain must be a number, not ${inspect(gain, { depth: 0 })}.`);
  const { fanIn, fanOut } = fans(name, tensor);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

function kaimingDeviation(name: string, tensor: Tensor, options: KaimingOptions): number {
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options;
  const fan = (fans(name, tensor) as Record<string, number | undefined>)[mode];
  if (fan === undefined)
    throw new ArgumentError(`${name}: mode must be "fanIn" or "fanOut", not ${JSON.stringify(mode)}.`);
  return calculateGain(nonlinearity, a) / Math.sqrt(fan);
}

function generatorOf({ generator }: DrawOptions): DrawOptions {
  return generator === undefined ? {} : { generator };
}
