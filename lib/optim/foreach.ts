/** libtorch's kernels over lists of tensors: one call for many parameters. Those ending in `_` change their first list. */
import { operator, torch, type Tensor } from '../tensor';

/** Looks the operator up on first use. */
function listOperator<Values extends unknown[], Result>(name: string): (...values: Values) => Result {
  let call: ((...values: unknown[]) => unknown) | undefined;
  return (...values) => (call ??= operator(`aten::${name}`))(...values) as Result;
}

type Tensors = readonly Tensor[];
/** A number for all, a number for each, or a tensor for each. */
type Operand = number | readonly number[] | Tensors;

export const foreach = {
  add: listOperator<[Tensors, Operand, { alpha: number }?], Tensor[]>('_foreach_add'),
  add_: listOperator<[Tensors, Operand, { alpha: number }?], void>('_foreach_add_'),
  addcdiv_: listOperator<[Tensors, Tensors, Tensors, number], void>('_foreach_addcdiv_'),
  addcmul: listOperator<[Tensors, Tensors, Tensors, number], Tensor[]>('_foreach_addcmul'),
  addcmul_: listOperator<[Tensors, Tensors, Tensors, number], void>('_foreach_addcmul_'),
  clampMax_: listOperator<[Tensors, number], void>('_foreach_clamp_max_'),
  clampMin_: listOperator<[Tensors, number], void>('_foreach_clamp_min_'),
  copy_: listOperator<[Tensors, Tensors], void>('_foreach_copy_'),
  div_: listOperator<[Tensors, Operand], void>('_foreach_div_'),
  lerp: listOperator<[Tensors, Tensors, number], Tensor[]>('_foreach_lerp'),
  lerp_: listOperator<[Tensors, Tensors, number | readonly number[]], void>('_foreach_lerp_'),
  mul: listOperator<[Tensors, Operand], Tensor[]>('_foreach_mul'),
  mul_: listOperator<[Tensors, Operand | Tensor], void>('_foreach_mul_'),
  neg: listOperator<[Tensors], Tensor[]>('_foreach_neg'),
  norm: listOperator<[Tensors, number], Tensor[]>('_foreach_norm'),
  rsqrt_: listOperator<[Tensors], void>('_foreach_rsqrt_'),
  sign_: listOperator<[Tensors], void>('_foreach_sign_'),
  sqrt: listOperator<[Tensors], Tensor[]>('_foreach_sqrt'),
  sqrt_: listOperator<[Tensors], void>('_foreach_sqrt_'),
};

/**
 * Multiplies by a number, or each by its own. On the CPU `_foreach_mul_` first rounds numbers to the tensors' dtype, which in bfloat16
 * makes 0.999 a 1; tensors it takes as they are.
 */
export function scale_(tensors: Tensors, factor: number | readonly number[]): void {
  const { device, dtype } = tensors[0]!;
  if (device !== 'cpu' || dtype === 'float32' || dtype === 'float64') return foreach.mul_(tensors, factor);
  const factors = torch.tensor(factor as number[], { dtype: 'float32' });
  foreach.mul_(tensors, typeof factor === 'number' ? factors : factors.unbind(0));
}

/** What `fusedSgd_` needs besides the lists. */
export interface FusedSgdOptions {
  weightDecay: number;
  momentum: number;
  lr: number;
  dampening: number;
  nesterov: boolean;
  maximize: boolean;
  isFirstStep: boolean;
}

/** Parameters, gradients and momentum buffers (none without momentum). It walks over memory as it lies: see `native.alike`. */
export const fusedSgd_ = listOperator<[Tensors, Tensors, Tensors, FusedSgdOptions], void>('_fused_sgd_');
