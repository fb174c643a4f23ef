/** Clipping of gradients, and the norm they are clipped by. */
import { ArgumentError } from '../errors';
import { native } from '../native';
import { noGrad, scope, wrap, type Tensor } from '../tensor';
import { foreach } from './foreach';
import { handlesOf } from './groups';

export interface NormOptions {
  /** Order of the norm, such as 1, 2 or Infinity. Default 2. */
  normType?: number;
}

export interface ClipNormOptions extends NormOptions {
  /** Throws where the norm is not a finite number, before any gradient is changed. Default: every gradient becomes NaN or 0, as in PyTorch. */
  errorIfNonfinite?: boolean;
}

/**
 * Scales all gradients together so that their joint norm is at most `maxNorm`. As `torch.nn.utils.clip_grad_norm_`.
 * @returns the norm before
 * @throws NonFiniteError as `errorIfNonfinite` says
 */
export function clipGradNorm(
  parameters: Iterable<Tensor>,
  maxNorm: number,
  { normType = 2, errorIfNonfinite = false }: ClipNormOptions = {},
): number {
  checkAbove0('maxNorm', maxNorm);
  return native.clipGradNorm(handlesOf([...parameters]), maxNorm, checkOrder(normType), errorIfNonfinite);
}

/** Bounds every element of every gradient to the range from `-clipValue` to `clipValue`. As `torch.nn.utils.clip_grad_value_`. */
export function clipGradValue(parameters: Iterable<Tensor>, clipValue: number): void {
  checkAbove0('clipValue', clipValue);
  for (const { gradients } of native.gradients(handlesOf([...parameters]))) {
    scope(() =>
      noGrad(() => {
        const grads = gradients.map(wrap);
        foreach.clampMin_(grads, -clipValue);
        foreach.clampMax_(grads, clipValue);
      }),
    );
  }
}

/** The joint norm of tensors: the norm of their norms. As `torch.nn.utils.get_total_norm`. */
export function getTotalNorm(tensors: Iterable<Tensor>, { normType = 2 }: NormOptions = {}): number {
  return native.totalNorm(handlesOf([...tensors]), checkOrder(normType));
}

function checkAbove0(name: string, value: number): void {
  if (!(typeof value === 'number' && value > 0)) throw new ArgumentError(`${name} must be above 0, not ${value}.`);
}

function checkOrder(normType: number): number {
  if (typeof normType === 'number' && normType > 0) return normType;
  throw new ArgumentError(`normType must be a number above 0, such as 2 or Infinity, not ${String(normType)}.`);
}
