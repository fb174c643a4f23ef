/** Products, norms and factorisations that PyTorch writes in Python. */
import { ArgumentError, ShapeError } from '../../errors';
import type { Dtype } from '../dtype';
import { operatorFunctions as operators } from '../surface';
import type { Tensor } from '../tensor';
import { composite } from './composite';
import { elementsOf } from './list';

type Dims = readonly [readonly number[], readonly number[]];

const euclideanModes = [
  'use_mm_for_euclid_dist_if_necessary',
  'use_mm_for_euclid_dist',
  'donot_use_mm_for_euclid_dist',
];

function isList(value: readonly unknown[]): value is number[] {
  return value.every((each) => Number.isSafeInteger(each));
}

/** The dimensions of both tensors that `dims` stands for: n for the last n and the first n. */
function contracted(dims: unknown): Dims {
  if (Array.isArray(dims)) {
    const lists = elementsOf(dims, 2, 'dims of tensordot');
    const [a, b] = lists.map((each) => (typeof each === 'number' ? [each] : elementsOf(each, 64, 'dims of tensordot')));
    if (a !== undefined && b !== undefined && isList(a) && isList(b)) return [a, b];
  }
  if (typeof dims !== 'number' || !Number.isSafeInteger(dims) || dims < 0 || dims > 64) {
    throw new ArgumentError('tensordot: dims must be a whole number from 0 on, or two lists of dimensions.');
  }
  const range = Array.from({ length: dims }, (_, index) => index);
  return [range.map((index) => index - dims), range];
}

function norm(input: Tensor, p: number | string | null, dim: number[] | null, keepdim: boolean, dtype: Dtype | null) {
  if (p === 'fro' && (dim === null || dim.length <= 2)) {
    return operators.linalg.vectorNorm(input, 2, dim, keepdim, { dtype });
  }
  if (typeof p === 'string') {
    const all = Array.from({ length: input.ndim }, (_, index) => index);
    return operators.linalg.matrixNorm(input, p, dim ?? all, keepdim, { dtype });
  }
  return operators.linalg.vectorNorm(input, p ?? 2, dim, keepdim, { dtype });
}

/** An orthonormal basis `[m, q]` of nearly the range of `input [m, n]`, by `niter` rounds of subspace iteration. */
function rangeBasis(input: Tensor, q: number, niter: number): Tensor {
  const random = operators.randn([input.size(-1), q], { dtype: input.dtype, device: input.device });
  let [basis] = operators.linalg.qr(operators.matmul(input, random));
  for (let round = 0; round < niter; round++) {
    [basis] = operators.linalg.qr(operators.matmul(operators.adjoint(input), basis));
    [basis] = operators.linalg.qr(operators.matmul(input, basis));
  }
  return basis;
}

function lowRank(name: string, input: Tensor, q: number, niter: number): [Tensor, Tensor, Tensor] {
  if (input.ndim < 2)
    throw new ShapeError(`${name} takes matrices; this tensor has shape [${input.shape.join(', ')}].`);
  const [rows, columns] = [input.size(-2), input.size(-1)];
  if (q < 0 || q > Math.min(rows, columns)) {
    throw new ShapeError(`${name}: q must be from 0 to ${Math.min(rows, columns)}, the smaller side, not ${q}.`);
  }
  if (niter < 0 || niter > 1000) throw new ArgumentError(`${name}: niter must be from 0 to 1000, not ${niter}.`);
  // The basis is sought for the shorter side.
  const tall = rows >= columns;
  const matrix = tall ? operators.adjoint(input) : input;
  const basis = rangeBasis(matrix, q, niter);
  const [u, s, vh] = operators.linalg.svd(operators.matmul(operators.adjoint(basis), matrix), false);
  const left = operators.matmul(basis, u);
  const right = operators.adjoint(vh);
  return tall ? [right, s, left] : [left, s, right];
}

export const algebraComposites = [
  composite({
    signature: 'einsum(str equation, Tensor[] *operands) -> Tensor',
    doc: 'Sums products of elements as the equation of index letters says, such as `bij,bjk->bik`; `...` broadcasts.',
    run: (equation: string, operands: Tensor[]) => operators.einsum(equation, operands),
  }),
  composite({
    signature: 'tensordot(Tensor a, Tensor b, any dims=2) -> Tensor',
    types: { dims: 'number | readonly [number | readonly number[], number | readonly number[]]' },
    doc: 'Sums products over dimensions of both tensors: the last `dims` of a with the first of b, or two lists of dimensions.',
    run: (a: Tensor, b: Tensor, dims: unknown) => operators.tensordot(a, b, ...contracted(dims)),
  }),
  composite({
    signature:
      'cdist(Tensor x1, Tensor x2, float p=2, ' +
      `${euclideanModes.join('|')} computeMode="${euclideanModes[0]!}") -> Tensor`,
    doc: 'Distances in the p-norm between each row of `x1 [..., P, M]` and each of `x2 [..., R, M]`: `[..., P, R]`.',
    run: (x1: Tensor, x2: Tensor, p: number, mode: string) => operators.cdist(x1, x2, p, euclideanModes.indexOf(mode)),
  }),
  composite({
    signature:
      'norm(Tensor input, Scalar|fro|nuc? p="fro", int[]? dim=None, bool keepdim=False, ScalarType? dtype=None) -> Tensor',
    doc: 'Vector or matrix norm over `dim` (all dimensions); `torch.linalg.vectorNorm` and `matrixNorm` say which.',
    as: 'both',
    run: norm,
  }),
  ...['spmm', 'dsmm', 'hsmm'].map((name) =>
    composite({
      signature: `${name}(Tensor input, Tensor mat2) -> Tensor`,
      doc: 'Matrix product of a sparse and a dense matrix; `torch.mm` does the same.',
      run: (input: Tensor, mat2: Tensor) =>
        name === 'hsmm' ? operators.hspmm(input, mat2) : operators.mm(input, mat2),
    }),
  ),
  composite({
    signature: 'saddmm(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
    doc: 'beta * input + alpha * (mat1 @ mat2) of sparse matrices, as `sspaddmm`.',
    run: (input: Tensor, mat1: Tensor, mat2: Tensor, beta: number, alpha: number) =>
      operators.sspaddmm(input, mat1, mat2, { beta, alpha }),
  }),
  composite({
    signature: 'chainMatmul(Tensor[] *matrices) -> Tensor',
    doc: 'Product of matrices in the cheapest order; `torch.linalg.multiDot` is its successor.',
    run: (matrices: Tensor[]) =>
      matrices.length === 1 ? operators.clone(matrices[0]!) : operators.linalg.multiDot(matrices),
  }),
  composite({
    signature: [
      'lu(Tensor A, bool pivot=True, *, true getInfos) -> (Tensor LU, Tensor pivots, Tensor infos)',
      'lu(Tensor A, bool pivot=True, bool getInfos=False) -> (Tensor LU, Tensor pivots)',
    ],
    doc: 'LU factorisation in the compact form that `luUnpack` and `luSolve` take.',
    as: 'both',
    run: (a: Tensor, pivot: boolean, getInfos: boolean) => {
      const [lu, pivots, infos] = operators.linalg.luFactorEx(a, { pivot, checkErrors: !getInfos });
      return getInfos ? [lu, pivots, infos] : [lu, pivots];
    },
  }),
  composite({
    signature: 'svdLowrank(Tensor A, int q=6, int niter=2, Tensor? M=None) -> (Tensor U, Tensor S, Tensor V)',
    doc: 'The `q` largest singular values and vectors of A - M, nearly, by a random projection (Halko and others, 2009).',
    run: (a: Tensor, q: number, niter: number, m: Tensor | null) =>
      lowRank('torch.svdLowrank', m === null ? a : operators.sub(a, m), q, niter),
  }),
  composite({
    signature: 'pcaLowrank(Tensor A, int? q=None, bool center=True, int niter=2) -> (Tensor U, Tensor S, Tensor V)',
    doc: 'The first `q` principal components (6, or fewer where A is smaller) of the rows of A, nearly.',
    run: (a: Tensor, q: number | null, center: boolean, niter: number) => {
      const smaller = a.ndim < 2 ? 0 : Math.min(a.size(-2), a.size(-1));
      const matrix = center && a.ndim >= 2 ? operators.sub(a, operators.mean(a, -2, true)) : a;
      return lowRank('torch.pcaLowrank', matrix, q ?? Math.min(6, smaller), niter);
    },
  }),
];
