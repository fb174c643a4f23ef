/** Adafactor: second moments of matrices kept as a row and a column. */
import { torch, type Dtype, type Tensor } from '../tensor';
import { foreach, scale_ } from './foreach';
import { countUpdates, descending, ForeachOptimizer, pick, shrink, zerosOnce, type Bucket } from './foreach-optimizer';
import type { ParameterGroup } from './groups';
import { commonRules, type CommonSettings, type Rules } from './settings';
import type { StateForm } from './state';

/** With PyTorch's names. */
export interface AdafactorSettings extends CommonSettings {
  /** Power of the step, at most 0, with which the decay of second moments nears 1. Default -0.8. */
  beta2Decay: number;
  /** Least root of a second moment (null: the dtype's epsilon), and least size of a parameter for relative step sizes. Default null and 1e-3. */
  eps: readonly [number | null, number];
  /** Largest root mean square of an update before the learning rate. Default 1. */
  d: number;
}

/** Means of squares along rows and columns of the last two dimensions, or of single elements where there is one dimension or none. */
export type AdafactorState = { step: number; rowVar?: Tensor; colVar?: Tensor; variance?: Tensor };

const isFromZero = (value: unknown) => typeof value === 'number' && value >= 0 && value < Infinity;
const rules: Rules<AdafactorSettings> = {
  ...commonRules,
  beta2Decay: {
    range: 'a finite number of at most 0',
    fits: (value) => typeof value === 'number' && value <= 0 && value > -Infinity,
  },
  eps: {
    range: 'null or a number from 0 on, and a number from 0 on',
    fits: (value) =>
      Array.isArray(value) && value.length === 2 && (value[0] === null || isFromZero(value[0])) && isFromZero(value[1]),
  },
  d: {
    range: 'a finite number from 1 on',
    fits: (value) => typeof value === 'number' && value >= 1 && value < Infinity,
  },
};

const defaults: AdafactorSettings = {
  lr: 1e-2,
  beta2Decay: -0.8,
  eps: [null, 1e-3],
  d: 1,
  weightDecay: 0,
  maximize: false,
};

/** Differences between 1 and the next number. */
const epsilons: Partial<Record<Dtype, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/**
 * The form of `torch.optim.Adafactor`, not that of fairseq and Hugging Face: the learning rate is an upper bound of the relative step
 * size, there is no first moment, and `eps[0]` bounds second moments from below. Weight decay shrinks the weights themselves.
 * Source: Shazeer and Stern 2018.
 */
export class Adafactor extends ForeachOptimizer<AdafactorSettings, AdafactorState> {
  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroup<AdafactorSettings>>,
    options: Partial<AdafactorSettings> = {},
  ) {
    super(params, options, defaults, rules);
  }

  protected override stateForm(shape: readonly number[]): StateForm {
    if (shape.length < 2) return { step: 'count', variance: { shape } };
    return { step: 'count', rowVar: { shape: rowShape(shape) }, colVar: { shape: columnShape(shape) } };
  }

  protected override updateBucket(settings: AdafactorSettings, bucket: Bucket<AdafactorState>): void {
    const isMatrix = bucket.params.map(({ ndim }) => ndim > 1);
    for (const matrices of [true, false]) {
      const part = pick(bucket, (index) => isMatrix[index] === matrices);
      if (part.params.length > 0) updateAlike(settings, part, matrices);
    }
  }
}

function updateAlike(settings: AdafactorSettings, bucket: Bucket<AdafactorState>, matrices: boolean): void {
  const { lr, beta2Decay, eps, d } = settings;
  const { params } = bucket;
  const leastRoot = eps[0] ?? epsilons[params[0]!.dtype]!;
  const grads = descending(settings, bucket);
  const steps = countUpdates(bucket);
  const newWeights = steps.map((step) => step ** beta2Decay);
  const sizes = rootMeanSquares(params).map(
    (size, index) => Math.max(eps[1], size) * Math.min(lr, 1 / Math.sqrt(steps[index]!)),
  );
  shrink(settings, bucket);
  const squares = matrices
    ? factoredSquares(bucket, grads, newWeights, leastRoot)
    : elementSquares(bucket, grads, newWeights);
  foreach.clampMin_(squares, leastRoot ** 2);
  foreach.rsqrt_(squares);
  foreach.mul_(squares, grads);
  const updates = squares;
  scale_(
    updates,
    rootMeanSquares(updates).map((size, index) => -sizes[index]! / Math.max(1, size / d)),
  );
  foreach.add_(params, updates);
}

/** The estimate from a row and a column: their product over the row's mean. */
function factoredSquares(
  { params, states }: Bucket<AdafactorState>,
  grads: Tensor[],
  newWeights: number[],
  leastMean: number,
): Tensor[] {
  const means = (dim: -1 | -2, name: 'rowVar' | 'colVar', shapeOf: (shape: readonly number[]) => number[]) => {
    // Squared norms over the size: no tensor as large as the gradient is made.
    const squares = grads.map((grad) => grad.norm(2, [dim], true));
    foreach.mul_(squares, squares);
    foreach.div_(
      squares,
      grads.map((grad) => grad.size(dim)),
    );
    const means = states.map((state, index) => {
      const { shape, dtype, device } = params[index]!;
      return (state[name] ??= torch.zeros(shapeOf(shape), { dtype, device }).keep());
    });
    foreach.lerp_(means, squares, newWeights);
    return means;
  };
  const rows = means(-1, 'rowVar', rowShape);
  const columns = means(-2, 'colVar', columnShape);
  const estimates = foreach.mul(rows, columns);
  const rowMeans = rows.map((row) => row.mean([-2], true));
  foreach.clampMin_(rowMeans, leastMean);
  foreach.div_(estimates, rowMeans);
  return estimates;
}

function elementSquares(bucket: Bucket<AdafactorState>, grads: Tensor[], newWeights: number[]): Tensor[] {
  const variances = zerosOnce('variance', bucket as Bucket<{ variance: Tensor }>);
  foreach.lerp_(variances, foreach.mul(grads, grads), newWeights);
  return variances.map((variance) => variance.clone());
}

/** Of each tensor, read back at once. */
function rootMeanSquares(tensors: Tensor[]): number[] {
  const norms = torch.stack(foreach.norm(tensors, 2)).dataSync();
  return tensors.map(({ numel }, index) => Number(norms[index]) / Math.sqrt(numel));
}

const rowShape = (shape: readonly number[]): number[] => [...shape.slice(0, -1), 1];
const columnShape = (shape: readonly number[]): number[] => [...shape.slice(0, -2), 1, shape.at(-1)!];
