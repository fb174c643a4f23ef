/** What follows a transform of a layer: its norm, activation and dropout. */
import type { ActivationName, NormName } from '../keys';

export interface StyleOptions {
  /** Default true. */
  bias?: boolean;
  /** Default none. */
  norm?: NormName | null;
  /** Default none. */
  activation?: ActivationName | null;
  /** Probability of zeroing an element in training, after the activation. Default 0. */
  dropout?: number;
}

/** The style with its defaults, as native plans hold it. */
export function stylePlan({ bias = true, norm = null, activation = null, dropout = 0 }: StyleOptions) {
  return { bias, norm, activation, dropout };
}
