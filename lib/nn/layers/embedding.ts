/** Tables of rows, looked up by ids. */
import { ArgumentError, ShapeError } from '../../errors';
import { noGrad, Tensor, torch } from '../../tensor';
import { functional } from '../functional';
import { normal_ } from '../init';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { Parameter } from '../module/parameter';
import { checkOneOf, checkSize, layerDefaults, placeOf, readOptions, type LayerOptions } from './arguments';
import { inLayer, parameter, TensorLayer } from './layer';

interface TableOptions {
  /** The row that starts at zero and gets no gradient; negative ones count from the end. */
  paddingIdx?: number | null;
  /** Rows looked up that are longer are scaled down to it, in the table. */
  maxNorm?: number | null;
  /** Of which norm `maxNorm` is. Default 2. */
  normType?: number;
  /** Divides a row's gradient by how often it was looked up. */
  scaleGradByFreq?: boolean;
  /** Makes the gradient of the table a sparse tensor. */
  sparse?: boolean;
}

export interface EmbeddingOptions extends TableOptions, LayerOptions {}

const tableDefaults = { maxNorm: null, normType: 2, scaleGradByFreq: false, sparse: false };

/** Ids `[*]` to rows `[*, embeddingDim]` of a table from N(0, 1). */
export class Embedding extends TensorLayer {
  /** [numEmbeddings, embeddingDim] */
  readonly weight: Parameter;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly sparse: boolean;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: EmbeddingOptions = {},
    pretrained: Parameter | null = null,
  ) {
    super();
    const shape = [
      checkSize('Embedding', 'numEmbeddings', numEmbeddings),
      checkSize('Embedding', 'embeddingDim', embeddingDim),
    ];
    const read = readOptions<Required<EmbeddingOptions>>('Embedding', options, {
      paddingIdx: null,
      ...tableDefaults,
      ...layerDefaults,
    });
    this.paddingIdx = paddingRow('Embedding', read.paddingIdx, numEmbeddings);
    this.maxNorm = read.maxNorm;
    this.normType = read.normType;
    this.scaleGradByFreq = read.scaleGradByFreq;
    this.sparse = read.sparse;
    this.weight = pretrained ?? table(shape, read, this.paddingIdx);
  }

  /** A table of given values `[count, size]`, frozen unless `freeze` is false. Its memory is shared, not copied. */
  static fromPretrained(values: Tensor, options: TableOptions & { freeze?: boolean } = {}): Embedding {
    const { freeze = true, ...rest } = options;
    const [count, size] = pretrainedShape('Embedding', values);
    return new Embedding(count, size, rest, new Parameter(values, { requiresGrad: !freeze }));
  }

  protected override compute(ids: Tensor): Tensor {
    if (this.maxNorm !== null) renorm(this.weight, ids, this.maxNorm, this.normType);
    return torch.embedding(this.weight, ids, this.paddingIdx ?? -1, this.scaleGradByFreq, this.sparse);
  }

  override extraRepr(): string {
    const { numEmbeddings, embeddingDim, paddingIdx, maxNorm } = this;
    return listValues({
      numEmbeddings,
      embeddingDim,
      paddingIdx: paddingIdx ?? undefined,
      maxNorm: maxNorm ?? undefined,
    });
  }
}

export interface EmbeddingBagOptions extends TableOptions, LayerOptions {
  /** What becomes of the rows of a bag. Default `mean`. */
  mode?: 'sum' | 'mean' | 'max';
  /** Whether the offsets end with the number of all ids. */
  includeLastOffset?: boolean;
}

/** Bags of ids `[bags, size]`, or `[ids]` with `offsets [bags]` at which bags begin, to `[bags, embeddingDim]`: their rows' mean. */
export class EmbeddingBag extends Module {
  /** [numEmbeddings, embeddingDim] */
  readonly weight: Parameter;
  readonly mode: 'sum' | 'mean' | 'max';
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly sparse: boolean;
  readonly includeLastOffset: boolean;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: EmbeddingBagOptions = {},
    pretrained: Parameter | null = null,
  ) {
    super();
    const shape = [
      checkSize('EmbeddingBag', 'numEmbeddings', numEmbeddings),
      checkSize('EmbeddingBag', 'embeddingDim', embeddingDim),
    ];
    const read = readOptions<Required<EmbeddingBagOptions>>('EmbeddingBag', options, {
      paddingIdx: null,
      ...tableDefaults,
      mode: 'mean',
      includeLastOffset: false,
      ...layerDefaults,
    });
    this.mode = checkOneOf('EmbeddingBag', 'mode', read.mode, ['sum', 'mean', 'max']);
    this.paddingIdx = paddingRow('EmbeddingBag', read.paddingIdx, numEmbeddings);
    this.maxNorm = read.maxNorm;
    this.normType = read.normType;
    this.scaleGradByFreq = read.scaleGradByFreq;
    this.sparse = read.sparse;
    this.includeLastOffset = read.includeLastOffset;
    this.weight = pretrained ?? table(shape, read, this.paddingIdx);
  }

  /** A table of given values `[count, size]`, frozen unless `freeze` is false. Its memory is shared, not copied. */
  static fromPretrained(
    values: Tensor,
    options: Omit<EmbeddingBagOptions, 'dtype' | 'device'> & { freeze?: boolean } = {},
  ): EmbeddingBag {
    const { freeze = true, ...rest } = options;
    const [count, size] = pretrainedShape('EmbeddingBag', values);
    return new EmbeddingBag(count, size, rest, new Parameter(values, { requiresGrad: !freeze }));
  }

  /**
   * @param offsets int64, only for ids of one dimension
   * @param perSampleWeights a factor for each id, of the ids' shape; only for the mode `sum`
   */
  override forward(ids: Tensor, offsets: Tensor | null = null, perSampleWeights: Tensor | null = null): Tensor {
    try {
      return functional.embeddingBag(
        ids,
        this.weight,
        offsets,
        this.maxNorm,
        this.normType,
        this.scaleGradByFreq,
        this.mode,
        this.sparse,
        perSampleWeights,
        this.includeLastOffset,
        this.paddingIdx,
      );
    } catch (error) {
      throw inLayer(this, { ids, offsets, perSampleWeights }, error);
    }
  }

  override extraRepr(): string {
    const { numEmbeddings, embeddingDim, paddingIdx, mode } = this;
    return listValues({ numEmbeddings, embeddingDim, paddingIdx: paddingIdx ?? undefined, mode });
  }
}

function table(shape: number[], options: LayerOptions, paddingIdx: number | null): Parameter {
  return parameter(() => {
    const values = normal_(torch.empty(shape, placeOf(options)));
    if (paddingIdx !== null) values.select(0, paddingIdx).zero_();
    return values;
  });
}

function paddingRow(layer: string, index: number | null, count: number): number | null {
  if (index === null) return null;
  const row = index < 0 ? index + count : index;
  if (Number.isInteger(row) && row >= 0 && row < count) return row;
  throw new ShapeError(`${layer}: paddingIdx ${index} is not a row of a table of ${count}.`);
}

function pretrainedShape(layer: string, values: Tensor): [number, number] {
  if (!(values instanceof Tensor))
    throw new ArgumentError(`${layer}: a table must be a tensor, not ${String(values)}.`);
  const [count, size, ...more] = values.shape;
  if (count !== undefined && size !== undefined && more.length === 0) return [count, size];
  throw new ShapeError(`${layer}: a table must have 2 dimensions, not [${values.shape.join(', ')}].`);
}

/** Scales rows of the table that are looked up, in place. */
function renorm(weight: Tensor, ids: Tensor, maxNorm: number, normType: number): void {
  noGrad(() => weight.embeddingRenorm_(ids.contiguous(), maxNorm, normType));
}
