/** Layers and losses as functions over operators: `torch.nn.functional`. */
import { ArgumentError, ShapeError } from '../errors';
import { torch, type Integer, type Integers, type Tensor } from '../tensor';

/** What becomes of the losses of single elements. */
export type Reduction = 'none' | 'mean' | 'sum';

const reductions: Record<Reduction, number> = { none: 0, mean: 1, sum: 2 };

function reductionCode(reduction: Reduction): number {
  const code = (reductions as Record<string, number | undefined>)[reduction];
  if (code === undefined)
    throw new ArgumentError(`reduction must be "none", "mean" or "sum", not ${JSON.stringify(reduction)}.`);
  return code;
}

export const relu = (input: Tensor): Tensor => torch.relu(input);
export const silu = (input: Tensor): Tensor => torch.silu(input);
export const tanh = (input: Tensor): Tensor => torch.tanh(input);
export const sigmoid = (input: Tensor): Tensor => torch.sigmoid(input);

/** @param options `approximate: 'tanh'` for the faster form */
export function gelu(input: Tensor, options: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  return torch.gelu(input, { approximate: options.approximate ?? 'none' });
}

/** Sums to 1 along `dim`. */
export const softmax = (input: Tensor, dim: number): Tensor => torch.softmax(input, dim);
export const logSoftmax = (input: Tensor, dim: number): Tensor => torch.logSoftmax(input, dim);

/** `input [*, in]` times `weight [out, in]` transposed, plus `bias [out]`. */
export const linear = (input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor =>
  torch.linear(input, weight, bias);

/** Rows of `weight [count, size]` for `ids [*]`. */
export function embedding(ids: Tensor, weight: Tensor, options: { paddingIdx?: Integer } = {}): Tensor {
  return torch.embedding(weight, ids, { paddingIdx: options.paddingIdx ?? -1 });
}

/** Zeroes elements with probability `p` and scales the others by 1 / (1 - p), in training only. */
export function dropout(input: Tensor, options: { p?: number; training?: boolean } = {}): Tensor {
  return torch.dropout(input, options.p ?? 0.5, options.training ?? true);
}

export interface NormOptions {
  weight?: Tensor | null;
  eps?: number;
}

/** Normalises the last dimensions to mean 0 and variance 1. */
export function layerNorm(
  input: Tensor,
  shape: Integers,
  options: NormOptions & { bias?: Tensor | null } = {},
): Tensor {
  const { weight = null, bias = null, eps = 1e-5 } = options;
  return torch.layerNorm(input, shape, weight, bias, eps);
}

/** Divides the last dimensions by their root mean square. `eps` default: the dtype's machine epsilon. */
export function rmsNorm(input: Tensor, shape: Integers, options: NormOptions = {}): Tensor {
  return torch.rmsNorm(input, shape, options.weight ?? null, options.eps ?? null);
}

export interface AttentionOptions {
  /** Boolean (true: may attend) or added to the scores. */
  mask?: Tensor | null;
  dropout?: number;
  causal?: boolean;
  /** Default 1 / sqrt(head size). */
  scale?: number;
  /** Query heads share fewer key-value heads. */
  groupedQuery?: boolean;
}

/** Attention of `query [*, heads, time, size]` on `key` and `value`. */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  return torch.scaledDotProductAttention(query, key, value, {
    attnMask: options.mask ?? null,
    dropoutP: options.dropout ?? 0,
    isCausal: options.causal ?? false,
    scale: options.scale ?? null,
    enableGqa: options.groupedQuery ?? false,
  });
}

/** Refuses what libtorch would broadcast into a loss of something else. */
function sameShape(name: string, input: Tensor, target: Tensor): void {
  const [a, b] = [input.shape, target.shape];
  if (a.length !== b.length || a.some((size, index) => size !== b[index])) {
    throw new ShapeError(`${name}: input [${a.join(', ')}] and target [${b.join(', ')}] must have the same shape.`);
  }
}

/** Mean of (input - target)^2. @throws ShapeError unless both have the same shape */
export function mseLoss(input: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  sameShape('mseLoss', input, target);
  return torch.mseLoss(input, target, reductionCode(options.reduction ?? 'mean'));
}

/** Mean of |input - target|. @throws ShapeError unless both have the same shape */
export function l1Loss(input: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  sameShape('l1Loss', input, target);
  return torch.l1Loss(input, target, reductionCode(options.reduction ?? 'mean'));
}

export interface CrossEntropyOptions {
  /** Weight of each class, [classes]. */
  weight?: Tensor | null;
  /** Target that is left out. Default -100. */
  ignoreIndex?: number;
  reduction?: Reduction;
  labelSmoothing?: number;
}

/** Cross-entropy of logits `[batch, classes, *]` with classes `[batch, *]` int64, or with probabilities of the logits' shape. */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight = null, ignoreIndex = -100, reduction = 'mean', labelSmoothing = 0 } = options;
  return torch.crossEntropyLoss(input, target, weight, reductionCode(reduction), ignoreIndex, labelSmoothing);
}

/** Cross-entropy of logits with probabilities of one class each. @throws ShapeError unless both have the same shape */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: { reduction?: Reduction } = {},
): Tensor {
  sameShape('binaryCrossEntropyWithLogits', input, target);
  return torch.binaryCrossEntropyWithLogits(input, target, null, null, reductionCode(options.reduction ?? 'mean'));
}
