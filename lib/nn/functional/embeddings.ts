/** Rows of tables by id. */
import { ArgumentError, ShapeError } from '../../errors';
import { composite, noGrad, torch, type Tensor } from '../../tensor';

/** The row that gets no gradient, counted from the start; -1 for none. */
function paddingRow(name: string, index: number | null, weight: Tensor): number | null {
  if (index === null) return null;
  const rows = weight.size(0);
  const row = index < 0 ? index + rows : index;
  if (row < 0 || row >= rows)
    throw new ShapeError(`F.${name}: paddingIdx ${index} is not a row of a table of ${rows}.`);
  return row;
}

function limitNorms(weight: Tensor, ids: Tensor, maxNorm: number, normType: number): void {
  noGrad(() => weight.embeddingRenorm_(ids.contiguous(), maxNorm, normType));
}

const bagModes = { sum: 0, mean: 1, max: 2 } as const;
type BagMode = keyof typeof bagModes;

type BagOptions = [
  offsets: Tensor | null,
  maxNorm: number | null,
  normType: number,
  scaleGradByFreq: boolean,
  mode: BagMode,
  sparse: boolean,
  perSampleWeights: Tensor | null,
  includeLastOffset: boolean,
  paddingIdx: number | null,
];

function embeddingBag(input: Tensor, weight: Tensor, ...options: BagOptions): Tensor {
  const [offsets, maxNorm, normType, scaleGradByFreq, mode, sparse, perSampleWeights, includeLastOffset, paddingIdx] =
    options;
  if (weight.ndim !== 2)
    throw new ShapeError(`F.embeddingBag: weight must be [rows, size], not [${weight.shape.join(', ')}].`);
  if (input.ndim !== 1 && input.ndim !== 2)
    throw new ShapeError('F.embeddingBag: the input must have one or two dimensions.');
  if ((input.ndim === 1) !== (offsets !== null)) {
    throw new ArgumentError(
      'F.embeddingBag: offsets belong to an input of one dimension; with two, each row is a bag.',
    );
  }
  if (mode === 'max' && (scaleGradByFreq || sparse)) {
    throw new ArgumentError('F.embeddingBag: mode "max" has neither scaleGradByFreq nor sparse gradients.');
  }
  if (perSampleWeights !== null && mode !== 'sum')
    throw new ArgumentError('F.embeddingBag: perSampleWeights need mode "sum".');
  if (perSampleWeights !== null && perSampleWeights.shape.join() !== input.shape.join()) {
    throw new ShapeError('F.embeddingBag: perSampleWeights must have the shape of the input.');
  }
  if (maxNorm !== null) limitNorms(weight, input.reshape([-1]), maxNorm, normType);
  const { dtype, device } = input;
  const starts = offsets ?? torch.arange(0, input.numel, Math.max(1, input.size(1)), { dtype, device });
  const [bags] = torch.embeddingBag(
    weight,
    input.reshape([-1]),
    starts,
    scaleGradByFreq,
    bagModes[mode],
    sparse,
    perSampleWeights === null ? null : perSampleWeights.reshape([-1]),
    offsets !== null && includeLastOffset,
    paddingRow('embeddingBag', paddingIdx, weight),
  );
  return bags;
}

export const embeddings = [
  composite({
    signature:
      'embedding(Tensor input, Tensor weight, int? paddingIdx=None, float? maxNorm=None, float normType=2, ' +
      'bool scaleGradByFreq=False, bool sparse=False) -> Tensor',
    doc: 'Rows of `weight [count, size]` for the ids of `input [*]`: `[*, size]`.',
    run: (
      input: Tensor,
      weight: Tensor,
      ...[paddingIdx, maxNorm, normType, scale, sparse]: [number | null, number | null, number, boolean, boolean]
    ) => {
      if (maxNorm !== null) limitNorms(weight, input, maxNorm, normType);
      return torch.embedding(weight, input, paddingRow('embedding', paddingIdx, weight) ?? -1, scale, sparse);
    },
  }),
  composite({
    signature:
      'embeddingBag(Tensor input, Tensor weight, Tensor? offsets=None, float? maxNorm=None, float normType=2, ' +
      'bool scaleGradByFreq=False, sum|mean|max mode="mean", bool sparse=False, Tensor? perSampleWeights=None, ' +
      'bool includeLastOffset=False, int? paddingIdx=None) -> Tensor',
    doc: 'Sum, mean or maximum of the rows of each bag of ids: `[bags, size]`.',
    run: embeddingBag,
  }),
];
