import { checkArgument } from '../../arguments';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import { torch, type Tensor } from '../../tensor';

export interface PositionsOptions {
  features: number;
  /** Padding takes no position and gets zeros; the first other token has position `paddingId + 1`. Null: every token counts, as if it were 1. */
  paddingId?: number | null;
  /** Longest sequence. */
  maxPositions: number;
}

abstract class Positions extends NativeModule {
  protected constructor(type: 'sinusoidal' | 'learned', options: PositionsOptions, placement: NativeModuleOptions) {
    checkArgument(options, 'object', 'The options of positions');
    const { features, paddingId = null, maxPositions } = options;
    super('delight-positions', { type, features, paddingId, maxPositions }, placement);
  }

  /** Ids `[batch, time]` int64 -> `[batch, time, features]`: padding on the left does not shift the others. @throws ShapeError beyond `maxPositions` */
  override forward(tokens: Tensor): Tensor {
    return this.call('forward', [tokens])[0]!;
  }

  /** The first `length` rows, `[length, features]`. */
  table(length: number): Tensor {
    using count = torch.tensor(length, { dtype: 'int64' });
    return this.call('table', [count])[0]!;
  }
}

/** Fixed positions: sines in the first half of the features, cosines in the second, of wave lengths from 2 pi to 10000 * 2 pi. Source: Vaswani et al. 2017, in fairseq's layout. */
export class SinusoidalPositions extends Positions {
  constructor(options: PositionsOptions, placement: NativeModuleOptions = {}) {
    super('sinusoidal', options, placement);
  }
}

/** Positions that are parameters: `weight` `[maxPositions + paddingId + 1, features]`. */
export class LearnedPositions extends Positions {
  constructor(options: PositionsOptions, placement: NativeModuleOptions = {}) {
    super('learned', options, placement);
  }
}
