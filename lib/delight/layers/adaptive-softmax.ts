import { checkArgument } from '../../arguments';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { cutoffList } from './embedding';

export interface TiedInputOptions {
  /** Width of the first band's table. */
  initialFeatures: number;
  /** Start the bands after the first at zero. Default false. */
  zeroTails?: boolean;
  /** Use the input's projections too. Default true. */
  tieProjections?: boolean;
}

export interface AdaptiveSoftmaxOptions {
  vocabSize: number;
  /** No loss at this target. Default none. */
  paddingId?: number | null;
  inFeatures: number;
  /** First id of each cluster. */
  cutoffs: readonly number[];
  /** Cluster i has `inFeatures / factor^(i+1)` features, rounded down. Default 2. */
  factor?: number;
  /** Of the input and within each cluster. Default 0. */
  dropout?: number;
  /** Leave the word at index `paddingId` of each cluster out of training, a fault of the original's loss. Default false. */
  ignoreTailPad?: boolean;
  /** Share tables with an adaptive input, which `embed` then is. Default none. */
  tied?: TiedInputOptions | null;
}

/**
 * A softmax over a large vocabulary in two steps: one over the frequent words and the clusters of the others, and one within each cluster.
 * Source: Grave et al. 2017; tied as in Baevski and Auli 2019.
 */
export class AdaptiveSoftmax extends NativeModule {
  /** @throws ConfigError for cutoffs that do not increase below the vocabulary's size, or a cluster without features */
  constructor(options: AdaptiveSoftmaxOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of an AdaptiveSoftmax');
    const {
      vocabSize,
      paddingId = null,
      inFeatures,
      cutoffs,
      factor = 2,
      dropout = 0,
      ignoreTailPad = false,
      tied = null,
    } = options;
    const plan = {
      vocabSize,
      paddingId,
      inFeatures,
      cutoffs: cutoffList(cutoffs),
      factor,
      dropout,
      ignoreTailPad,
      tied: tied && {
        initialFeatures: tied.initialFeatures,
        factor,
        zeroTails: tied.zeroTails ?? false,
        tieProjections: tied.tieProjections ?? true,
      },
    };
    super('delight-adaptive-softmax', plan, placement);
  }

  /** As `loss`. */
  override forward(x: Tensor, target: Tensor): Tensor {
    return this.loss(x, target);
  }

  /** Cross-entropy in nats, summed over all targets that are not padding: `x` `[..., inFeatures]`, `target` `[...]` int64. Without clusters that no target is in. */
  loss(x: Tensor, target: Tensor): Tensor {
    return this.call('loss', [x, target])[0]!;
  }

  /** `[..., inFeatures]` -> natural logarithms of probabilities, `[..., vocabSize]`. */
  logProbabilities(x: Tensor): Tensor {
    return this.call('logProbabilities', [x])[0]!;
  }

  /** Logits of the head for every position, and of each cluster for the positions whose target is in it (null where none is). */
  logits(x: Tensor, target: Tensor): { head: Tensor; tails: (Tensor | null)[] } {
    const [head, ...tails] = this.call('logits', [x, target]);
    return { head: head!, tails };
  }

  /** The tied input: ids `[batch, time]` -> `[batch, time, inFeatures]`. @throws ArgumentError where nothing is tied */
  embed(tokens: Tensor): Tensor {
    return this.call('embed', [tokens])[0]!;
  }
}
