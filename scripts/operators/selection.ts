/** Which operators of libtorch become part of the typed surface, where each goes, and why the others do not. */
import fs from 'node:fs';
import path from 'node:path';

import type { NativeSchema } from '../../lib/native';
import { parseType, placeName, type Namespace, type Overload } from '../../lib/tensor/schema';

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

/** Public names of PyTorch's Python, by namespace: the yardstick. */
export const pythonNames = JSON.parse(
  fs.readFileSync(path.resolve(__dirname, '../../test/fixtures/operators/python-names.json'), 'utf8'),
) as Record<'torch' | 'Tensor' | 'linalg' | 'fft' | 'special' | 'functional', string[]>;

const inPython = new Set(pythonNames.torch);

/** Members that `Tensor` has by hand, by their names in libtorch. */
const ownMembers = new Set(
  (
    'at backward data device dispose dtype grad handle is_leaf item keep ndim numel output_nr requires_grad requires_grad_ ' +
    'retain_grad retains_grad set shape size stride strides to'
  ).split(' '),
);

/** Properties of Tensor, as in Python; libtorch has them as operators. Some are functions besides. */
const properties = new Set(['H', 'T', 'imag', 'mH', 'mT', 'matrix_H', 'numpy_T', 'real']);

/** Copies of in-place operators that give a new tensor, made for compilers: Python has no names for them. */
const functionalForms = new Set(
  (
    'cauchy copy embedding_renorm exponential geometric lift lift_fresh lift_fresh_copy log_normal normal_functional random ' +
    'resize resize_as resize_as_sparse rrelu_with_noise_functional sparse_resize sparse_resize_and_clear uniform zero ' +
    'copy_sparse_to_sparse copy_sparse_to_sparse_'
  ).split(' '),
);

/** Parts of other operators, without a name in Python; several crash on what their callers never give them. */
const parts = new Set(
  (
    'choose_qparams_optimized conv_depthwise3d convolution_overrideable fake_quantize_per_channel_affine_cachemask ' +
    'fake_quantize_per_tensor_affine_cachemask glu_jvp log_sigmoid_forward multilabel_margin_loss_forward nll_loss2d_forward ' +
    'nll_loss_forward rrelu_with_noise rrelu_with_noise_ slow_conv3d slow_conv3d_forward slow_conv_dilated2d ' +
    'slow_conv_dilated3d slow_conv_transpose2d slow_conv_transpose3d thnn_conv2d sparse_resize_ ' +
    'sparse_resize_and_clear_ linalg__powsum data_ptr unsafe_chunk_ is_set_to'
  ).split(' '),
);

/** Where this package registers its own kernels. */
const ownLibrary = 'torchwright';

/** Reasons to leave out a whole operator, by letter in the table. */
export const operatorReasons = {
  internal: 'Internal to libtorch by its leading underscore; callable as `torch.operator(name)`.',
  derivative: 'A derivative: autograd calls it.',
  backend: 'The kernel of one backend; the public operator reaches it where it applies.',
  symbolic: 'For shapes without numbers, in compilers.',
  nested: 'For nested or quantised tensors, which have no form here.',
  functional: "An in-place operator's copy for compilers; call the in-place operator, on a clone where needed.",
  part: 'A part of a public operator, with no name of its own in Python.',
  member: 'Tensor has it by hand: a property or a method of its own.',
  library: "Of a library of libtorch's that is not PyTorch's public surface.",
  type: 'All its overloads take or give what has no form in JavaScript.',
} as const;
export type OperatorReason = keyof typeof operatorReasons;

/** Reasons to leave out one overload. */
export const overloadReasons = {
  out: 'Writes into an `out` argument.',
  name: 'Takes named dimensions (Dimname).',
  type: 'Takes or gives a type that has no form in JavaScript.',
} as const;
export type OverloadReason = keyof typeof overloadReasons;

const public_ = /^_(foreach_(?!(copy|zero)$)\w+|fused_(adam|adamw|sgd|adagrad)_$)/;
const patterns: readonly [RegExp, OperatorReason][] = [
  [/^_/, 'internal'],
  [/_backward(_|$)/, 'derivative'],
  [/^(cudnn|miopen|mkldnn|mps|xnnpack|fbgemm)_|^to_mkldnn/, 'backend'],
  [/^sym_/, 'symbolic'],
  [/^(quantized|nested)_|^to_padded_tensor$/, 'nested'],
];

/** Why an operator is left out; undefined for those that are not. */
export function operatorReason(operator: string, overloads: readonly Overload[]): OperatorReason | undefined {
  const [library, bare] = operator.split('::') as [string, string];
  if (library === ownLibrary) return undefined;
  if (library !== 'aten') return 'library';
  if (!public_.test(bare)) {
    const found = patterns.find(([pattern]) => pattern.test(bare));
    if (found !== undefined) return found[1];
  }
  if (ownMembers.has(bare) || (properties.has(bare) && !inPython.has(bare))) return 'member';
  if (functionalForms.has(bare)) return 'functional';
  if (parts.has(bare)) return 'part';
  return overloads.length === 0 ? 'type' : undefined;
}

/** Why an overload is left out; undefined for those that are not. */
export function overloadReason(schema: NativeSchema): OverloadReason | undefined {
  if (schema.arguments.some((argument) => argument.written && argument.keywordOnly)) return 'out';
  const types = [...schema.arguments, ...schema.returns].map(({ type }) => type);
  if (types.some((type) => type.startsWith('Dimname'))) return 'name';
  return types.some((type) => parseType(type) === undefined) ? 'type' : undefined;
}

/** The place of an operator with these overloads; undefined for those left out. */
export function placeOf(operator: string, overloads: readonly Overload[]): Place | undefined {
  if (operatorReason(operator, overloads) !== undefined) return undefined;
  const bare = operator.slice(operator.indexOf('::') + 2);
  const { namespace, member } = placeName(bare);
  const method = namespace === undefined && !public_.test(bare) && !properties.has(bare) && overloads.some(isMethod);
  const inPlace = bare.endsWith('_');
  return { operator, name: member, namespace, method, function: !(inPlace && method) || inPython.has(bare) };
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

/** The list of sizes that may be given number by number, as the only positional argument after `skipped` ones. */
export function isVariadic(overload: Overload, skipped: number): boolean {
  const list = overload.arguments[skipped];
  return (
    overload.positional === skipped + 1 &&
    list !== undefined &&
    list.type.base === 'int' &&
    list.type.list &&
    !list.type.repeats &&
    !list.type.optional
  );
}
