/** Softmax over very many classes, the rare ones in clusters. Source: Grave et al. 2017. */
import { ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import { checkSize, layerDefaults, placeOf, readOptions, type LayerOptions } from './arguments';
import { Sequential } from './containers';
import { inLayer } from './layer';
import { Linear } from './linear';

export interface AdaptiveLogSoftmaxOptions extends LayerOptions {
  /** By which each cluster's vectors are smaller than those before. Default 4. */
  divValue?: number;
  headBias?: boolean;
}

/** Log-probabilities of classes, ordered from frequent to rare. */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  /** Of the frequent classes and of the clusters. */
  readonly head: Linear;
  /** Of the classes of each cluster. */
  readonly tail: readonly Sequential[];
  /** Where clusters begin, and at last nClasses. */
  readonly cutoffs: readonly number[];
  readonly divValue: number;

  constructor(
    readonly inFeatures: number,
    readonly nClasses: number,
    cutoffs: readonly number[],
    options: AdaptiveLogSoftmaxOptions = {},
  ) {
    super();
    checkSize('AdaptiveLogSoftmaxWithLoss', 'inFeatures', inFeatures);
    checkSize('AdaptiveLogSoftmaxWithLoss', 'nClasses', nClasses);
    this.cutoffs = checkCutoffs(cutoffs, nClasses);
    const read = readOptions('AdaptiveLogSoftmaxWithLoss', options, { divValue: 4, headBias: false, ...layerDefaults });
    const place = placeOf(read);
    this.divValue = read.divValue;
    this.head = new Linear(inFeatures, this.cutoffs[0]! + cutoffs.length, { bias: read.headBias, ...place });
    this.tail = cutoffs.map((start, index) => {
      const size = Math.floor(inFeatures / read.divValue ** (index + 1));
      return new Sequential(
        new Linear(inFeatures, size, { bias: false, ...place }),
        new Linear(size, this.cutoffs[index + 1]! - start, { bias: false, ...place }),
      );
    });
  }

  /**
   * @param input [batch, inFeatures] or [inFeatures]
   * @param target [batch] or [], int64
   * @returns log-probabilities of the targets, and the mean of their negatives
   */
  override forward(input: Tensor, target: Tensor): { output: Tensor; loss: Tensor } {
    try {
      if (target.ndim > 1 || input.ndim !== target.ndim + 1) {
        throw new ShapeError('the input must be [batch, inFeatures] and the target [batch], or both without batch.');
      }
      if (target.numel > 0 && target.lt(0).logicalOr(target.ge(this.nClasses)).any().item() !== 0) {
        throw new ShapeError(`targets must be from 0 to ${this.nClasses - 1}.`);
      }
      const batched = target.ndim === 1;
      const [rows, classes] = batched ? [input, target] : [input.unsqueeze(0), target.unsqueeze(0)];
      const output = this.targetLogProb(rows, classes);
      return { output: batched ? output : output.squeeze(0), loss: output.neg().mean() };
    } catch (error) {
      throw inLayer(this, { input, target }, error);
    }
  }

  private targetLogProb(input: Tensor, target: Tensor): Tensor {
    const shortlist = this.cutoffs[0]!;
    const inHead = target.clone();
    let output = torch.zeros(target.shape, { dtype: input.dtype, device: input.device });
    this.tail.forEach((cluster, index) => {
      const [low, high] = [this.cutoffs[index]!, this.cutoffs[index + 1]!];
      const rows = target.ge(low).logicalAnd(target.lt(high)).nonzero().squeeze(1);
      if (rows.numel === 0) return;
      inHead.indexFill_(0, rows, shortlist + index);
      const logProb = cluster.forward(input.indexSelect(0, rows)).logSoftmax(1);
      const relative = target.indexSelect(0, rows).sub(low).unsqueeze(1);
      output = output.indexCopy(0, rows, logProb.gather(1, relative).squeeze(1));
    });
    const head = this.head.forward(input).logSoftmax(1);
    return output.add(head.gather(1, inHead.unsqueeze(1)).squeeze(1));
  }

  /** Log-probabilities of all classes: [batch, nClasses]. */
  logProb(input: Tensor): Tensor {
    const shortlist = this.cutoffs[0]!;
    const head = this.head.forward(input).logSoftmax(1);
    const clusters = this.tail.map((cluster, index) =>
      cluster
        .forward(input)
        .logSoftmax(1)
        .add(head.narrow(1, shortlist + index, 1)),
    );
    return torch.cat([head.narrow(1, 0, shortlist), ...clusters], 1);
  }

  /** The likeliest class of each row: [batch]. */
  predict(input: Tensor): Tensor {
    return this.logProb(input).argmax(1);
  }

  override extraRepr(): string {
    const { inFeatures, nClasses, cutoffs, divValue } = this;
    return listValues({ inFeatures, nClasses, cutoffs, divValue });
  }
}

function checkCutoffs(cutoffs: readonly number[], nClasses: number): number[] {
  const starts: readonly number[] = Array.isArray(cutoffs) ? cutoffs : [];
  const rising = starts.every((each, index) => Number.isSafeInteger(each) && each > (starts[index - 1] ?? 0));
  if (rising && starts.length > 0 && starts.at(-1)! < nClasses) return [...starts, nClasses];
  throw new ShapeError(
    `AdaptiveLogSoftmaxWithLoss: cutoffs must be rising whole numbers from 1 to ${nClasses - 1}, not ${JSON.stringify(cutoffs)}.`,
  );
}
