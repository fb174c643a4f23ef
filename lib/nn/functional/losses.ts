/** Losses, with PyTorch's names and defaults. */
import { ArgumentError, ShapeError } from '../../errors';
import { composite, noGrad, torch, type Composite, type Tensor } from '../../tensor';

/** What becomes of the losses of single elements. */
export type Reduction = 'none' | 'mean' | 'sum';

const codes: Record<Reduction, number> = { none: 0, mean: 1, sum: 2 };
const reduction = 'none|mean|sum reduction="mean"';

function reduce(loss: Tensor, how: Reduction): Tensor {
  return how === 'none' ? loss : how === 'mean' ? loss.mean() : loss.sum();
}

/** Refuses what libtorch would broadcast into a loss of something else. */
function sameShape(name: string, input: Tensor, target: Tensor): void {
  const [a, b] = [input.shape, target.shape];
  if (a.length !== b.length || a.some((size, index) => size !== b[index])) {
    throw new ShapeError(`${name}: input [${a.join(', ')}] and target [${b.join(', ')}] must have the same shape.`);
  }
}

/** A loss of elements of one shape, with an optional weight for each. */
function elementwise(
  name: string,
  doc: string,
  loss: (input: Tensor, target: Tensor, code: number) => Tensor,
): Composite {
  return composite({
    signature: `${name}(Tensor input, Tensor target, ${reduction}, *, Tensor? weight=None) -> Tensor`,
    doc: `${doc}; both of one shape.`,
    run: (input: Tensor, target: Tensor, how: Reduction, weight: Tensor | null) => {
      sameShape(name, input, target);
      if (weight === null) return loss(input, target, codes[how]);
      sameShape(name, input, weight);
      const weighted = loss(input, target, codes.none).mul(weight);
      return how === 'mean' ? weighted.sum().div(weight.sum()) : reduce(weighted, how);
    },
  });
}

function gaussian(
  input: Tensor,
  target: Tensor,
  variance: unknown,
  full: boolean,
  eps: number,
  how: Reduction,
): Tensor {
  let varied = typeof variance === 'number' ? torch.onesLike(input).mul(variance) : (variance as Tensor);
  if (!torch.isTensor(varied)) throw new ArgumentError('F.gaussianNllLoss: var must be a tensor or a number.');
  if (varied.numel > 0 && varied.min().item() < 0)
    throw new ArgumentError('F.gaussianNllLoss: var has negative elements.');
  if (varied.ndim === input.ndim - 1) varied = varied.unsqueeze(-1);
  // Too small a variance is raised without a gradient of its own.
  const lift = noGrad(() => varied.clamp({ min: eps }).sub(varied));
  const spread = varied.add(lift);
  const loss = spread.log().add(input.sub(target).square().div(spread)).mul(0.5);
  return reduce(full ? loss.add(0.5 * Math.log(2 * Math.PI)) : loss, how);
}

type Distance = (a: Tensor, b: Tensor) => Tensor;

function tripletWithDistance(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  ...[distanceFunction, margin, swap, how]: [unknown, number, boolean, Reduction]
): Tensor {
  const distance = (distanceFunction ?? ((a: Tensor, b: Tensor) => torch.pairwiseDistance(a, b))) as Distance;
  if (typeof distance !== 'function')
    throw new ArgumentError('F.tripletMarginWithDistanceLoss: distanceFunction must be a function.');
  if (!(margin > 0))
    throw new ArgumentError(`F.tripletMarginWithDistanceLoss: margin must be positive, not ${margin}.`);
  const near = distance(anchor, positive);
  const far = distance(anchor, negative);
  const farthest = swap ? torch.minimum(far, distance(positive, negative)) : far;
  // Functions, not methods: they refuse what the caller's function may have given.
  return reduce(torch.sub(near, farthest).add(margin).clampMin(0), how);
}

function multilabelSoftMargin(input: Tensor, target: Tensor, weight: Tensor | null, how: Reduction): Tensor {
  const rest = target.neg().add(1);
  const gains = target.mul(torch.logSigmoid(input)).add(rest.mul(torch.logSigmoid(input.neg())));
  const losses = gains.neg();
  return reduce((weight === null ? losses : losses.mul(weight)).mean(-1), how);
}

export const losses = [
  elementwise('mseLoss', 'Mean of (input - target)^2', (x, y, code) => torch.mseLoss(x, y, code)),
  elementwise('l1Loss', 'Mean of |input - target|', (x, y, code) => torch.l1Loss(x, y, code)),
  composite({
    signature: `smoothL1Loss(Tensor input, Tensor target, ${reduction}, float beta=1) -> Tensor`,
    doc: 'Squared below `beta` (halved and divided by it), absolute above; both of one shape.',
    run: (input: Tensor, target: Tensor, how: Reduction, beta: number) => {
      sameShape('smoothL1Loss', input, target);
      return beta === 0 ? torch.l1Loss(input, target, codes[how]) : torch.smoothL1Loss(input, target, codes[how], beta);
    },
  }),
  composite({
    signature: `huberLoss(Tensor input, Tensor target, ${reduction}, float delta=1, Tensor? weight=None) -> Tensor`,
    doc: 'Half the square below `delta`, linear above; both of one shape.',
    run: (input: Tensor, target: Tensor, how: Reduction, delta: number, weight: Tensor | null) => {
      sameShape('huberLoss', input, target);
      if (weight === null) return torch.huberLoss(input, target, codes[how], delta);
      return reduce(torch.huberLoss(input, target, codes.none, delta).mul(weight), how);
    },
  }),
  composite({
    signature: `crossEntropy(Tensor input, Tensor target, Tensor? weight=None, int ignoreIndex=-100, ${reduction}, float labelSmoothing=0) -> Tensor`,
    doc: "Cross-entropy of logits `[batch, classes, *]` with classes `[batch, *]` int64, or with probabilities of the logits' shape.",
    run: (input: Tensor, target: Tensor, weight: Tensor | null, ignore: number, how: Reduction, smoothing: number) =>
      torch.crossEntropyLoss(input, target, weight, codes[how], ignore, smoothing),
  }),
  composite({
    signature: `nllLoss(Tensor input, Tensor target, Tensor? weight=None, int ignoreIndex=-100, ${reduction}) -> Tensor`,
    doc: 'Negative of the log-probabilities `[batch, classes, *]` at the classes `[batch, *]` int64.',
    run: (input: Tensor, target: Tensor, weight: Tensor | null, ignore: number, how: Reduction) =>
      torch.nllLossNd(input, target, weight, codes[how], ignore),
  }),
  composite({
    signature: `binaryCrossEntropy(Tensor input, Tensor target, Tensor? weight=None, ${reduction}) -> Tensor`,
    doc: 'Cross-entropy of probabilities with targets from 0 to 1; both of one shape.',
    run: (input: Tensor, target: Tensor, weight: Tensor | null, how: Reduction) => {
      sameShape('binaryCrossEntropy', input, target);
      return torch.binaryCrossEntropy(input, target, weight === null ? null : weight.expandAs(input), codes[how]);
    },
  }),
  composite({
    signature: `binaryCrossEntropyWithLogits(Tensor input, Tensor target, Tensor? weight=None, ${reduction}, Tensor? posWeight=None) -> Tensor`,
    doc: 'Cross-entropy of logits with probabilities of one class each; both of one shape.',
    run: (input: Tensor, target: Tensor, weight: Tensor | null, how: Reduction, posWeight: Tensor | null) => {
      sameShape('binaryCrossEntropyWithLogits', input, target);
      return torch.binaryCrossEntropyWithLogits(input, target, weight, posWeight, codes[how]);
    },
  }),
  composite({
    signature:
      'klDiv(Tensor input, Tensor target, none|mean|batchmean|sum reduction="mean", bool logTarget=False) -> Tensor',
    doc: 'Kullback-Leibler divergence of the target from log-probabilities; `batchmean` divides by the batch size, as the definition does.',
    run: (input: Tensor, target: Tensor, how: Reduction | 'batchmean', logTarget: boolean) => {
      const loss = torch.klDiv(input, target, codes[how === 'batchmean' ? 'sum' : how], { logTarget });
      return how === 'batchmean' && input.ndim > 0 ? loss.div(input.size(0)) : loss;
    },
  }),
  composite({
    signature: `poissonNllLoss(Tensor input, Tensor target, bool logInput=True, bool full=False, float eps=1e-8, ${reduction}) -> Tensor`,
    doc: 'Negative log-likelihood of counts under Poisson distributions.',
    run: (input: Tensor, target: Tensor, logInput: boolean, full: boolean, eps: number, how: Reduction) =>
      torch.poissonNllLoss(input, target, logInput, full, eps, codes[how]),
  }),
  composite({
    signature: `gaussianNllLoss(Tensor input, Tensor target, any var, bool full=False, float eps=1e-6, ${reduction}) -> Tensor`,
    types: { var: 'Tensor | number' },
    doc: 'Negative log-likelihood of the target under normal distributions of these means and variances.',
    run: gaussian,
  }),
  composite({
    signature: `ctcLoss(Tensor logProbs, Tensor targets, any inputLengths, any targetLengths, int blank=0, ${reduction}, bool zeroInfinity=False) -> Tensor`,
    types: { inputLengths: 'Tensor | readonly number[]', targetLengths: 'Tensor | readonly number[]' },
    doc: 'Connectionist temporal classification of log-probabilities `[time, batch, classes]`.',
    run: (
      logProbs: Tensor,
      targets: Tensor,
      ...[inputLengths, targetLengths, blank, how, zeroInfinity]: [unknown, unknown, number, Reduction, boolean]
    ) =>
      torch.ctcLoss(
        logProbs,
        targets,
        inputLengths as Tensor,
        targetLengths as Tensor,
        blank,
        codes[how],
        zeroInfinity,
      ),
  }),
  composite({
    signature: `marginRankingLoss(Tensor input1, Tensor input2, Tensor target, float margin=0, ${reduction}) -> Tensor`,
    doc: 'max(0, -target * (input1 - input2) + margin), with targets of 1 and -1.',
    run: (input1: Tensor, input2: Tensor, target: Tensor, margin: number, how: Reduction) =>
      torch.marginRankingLoss(input1, input2, target, margin, codes[how]),
  }),
  composite({
    signature: `hingeEmbeddingLoss(Tensor input, Tensor target, float margin=1, ${reduction}) -> Tensor`,
    doc: 'The input where the target is 1, max(0, margin - input) where it is -1.',
    run: (input: Tensor, target: Tensor, margin: number, how: Reduction) =>
      torch.hingeEmbeddingLoss(input, target, margin, codes[how]),
  }),
  composite({
    signature: `cosineEmbeddingLoss(Tensor input1, Tensor input2, Tensor target, float margin=0, ${reduction}) -> Tensor`,
    doc: '1 - cosine where the target is 1, max(0, cosine - margin) where it is -1.',
    run: (input1: Tensor, input2: Tensor, target: Tensor, margin: number, how: Reduction) =>
      torch.cosineEmbeddingLoss(input1, input2, target, margin, codes[how]),
  }),
  composite({
    signature: `multiMarginLoss(Tensor input, Tensor target, int p=1, float margin=1, Tensor? weight=None, ${reduction}) -> Tensor`,
    doc: 'Hinge loss of scores `[batch, classes]` with one class each; `p` is 1 or 2.',
    run: (input: Tensor, target: Tensor, p: number, margin: number, weight: Tensor | null, how: Reduction) =>
      torch.multiMarginLoss(input, target, p, margin, weight, codes[how]),
  }),
  composite({
    signature: `multilabelMarginLoss(Tensor input, Tensor target, ${reduction}) -> Tensor`,
    doc: 'Hinge loss of scores with several classes each: indices, ended by -1.',
    run: (input: Tensor, target: Tensor, how: Reduction) => torch.multilabelMarginLoss(input, target, codes[how]),
  }),
  composite({
    signature: `multilabelSoftMarginLoss(Tensor input, Tensor target, Tensor? weight=None, ${reduction}) -> Tensor`,
    doc: 'Cross-entropy of logits with a probability for each class, averaged over the classes.',
    run: multilabelSoftMargin,
  }),
  composite({
    signature: `softMarginLoss(Tensor input, Tensor target, ${reduction}) -> Tensor`,
    doc: 'log(1 + exp(-target * input)), with targets of 1 and -1.',
    run: (input: Tensor, target: Tensor, how: Reduction) => torch.softMarginLoss(input, target, codes[how]),
  }),
  composite({
    signature: `tripletMarginLoss(Tensor anchor, Tensor positive, Tensor negative, float margin=1, float p=2, float eps=1e-6, bool swap=False, ${reduction}) -> Tensor`,
    doc: 'max(0, |anchor - positive| - |anchor - negative| + margin) in the p-norm.',
    run: (
      anchor: Tensor,
      positive: Tensor,
      negative: Tensor,
      ...[margin, p, eps, swap, how]: [number, number, number, boolean, Reduction]
    ) => torch.tripletMarginLoss(anchor, positive, negative, margin, p, eps, swap, codes[how]),
  }),
  composite({
    signature: `tripletMarginWithDistanceLoss(Tensor anchor, Tensor positive, Tensor negative, *, any distanceFunction=None, float margin=1, bool swap=False, ${reduction}) -> Tensor`,
    types: { distanceFunction: '((a: Tensor, b: Tensor) => Tensor) | null' },
    doc: 'tripletMarginLoss with a distance of your own; default the Euclidean one.',
    run: tripletWithDistance,
  }),
];
