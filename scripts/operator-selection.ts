/** Which operators of libtorch become part of the typed surface, where each goes and what it is called. */
import { placeName, type Namespace, type Overload } from '../lib/tensor/schema';

/** Where an operator appears. */
export interface Place {
  /** Qualified name, such as `aten::linalg_norm`. */
  operator: string;
  /** Name in its place, such as `norm`. */
  name: string;
  /** `linalg`, `fft` or `special`; undefined for `torch` itself. */
  namespace: Namespace | undefined;
  method: boolean;
  function: boolean;
}

/**
 * Left to `torch.operator(name)`: names that begin with an underscore (internal by PyTorch's convention), derivatives
 * (`..._backward`), kernels of one backend, symbolic-shape helpers, and what `Tensor` itself does.
 */
const skipped = [
  /^_/,
  /_backward(_|$)/,
  /^(cudnn|miopen|mkldnn|mps|xnnpack|fbgemm|quantized|sym|nested)_/,
  /^to_mkldnn/,
  /^to_padded_tensor/,
];

/** Members that `Tensor` has by hand. */
const ownMembers = new Set(
  (
    'at backward data device dispose dtype grad handle item is_leaf keep ndim numel requires_grad requires_grad_ set shape ' +
    'size strides to'
  ).split(' '),
);

/** The place of an operator with these overloads; undefined for those left out. */
export function placeOf(operator: string, overloads: readonly Overload[]): Place | undefined {
  const [library, bare] = operator.split('::') as [string, string];
  if (
    library !== 'aten' ||
    overloads.length === 0 ||
    skipped.some((pattern) => pattern.test(bare)) ||
    ownMembers.has(bare)
  ) {
    return undefined;
  }
  const { namespace, member } = placeName(bare);
  const method = namespace === undefined && overloads.some(isMethod);
  const inPlace = bare.endsWith('_');
  return { operator, name: member, namespace, method, function: !(inPlace && method) };
}

/** An overload is a method's when its first argument is a tensor called `self`. */
export function isMethod(overload: Overload): boolean {
  const [first] = overload.arguments;
  return (
    first !== undefined &&
    first.name === 'self' &&
    first.type.base === 'Tensor' &&
    !first.type.list &&
    !first.type.optional
  );
}
