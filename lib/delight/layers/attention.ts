import { checkArgument } from '../../arguments';
import { ArgumentError } from '../../errors';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import type { IncrementalState } from './incremental-state';

export interface SingleHeadAttentionOptions {
  /** `self`: keys and values from the query. `cross`: from another sequence, such as the encoder's output. */
  type: 'self' | 'cross';
  queryFeatures: number;
  /** Default `queryFeatures`; must equal it for `self`. */
  keyValueFeatures?: number;
  /** Width of query, key and value. */
  projFeatures: number;
  outFeatures: number;
  /** Of the attention weights. Default 0. */
  dropout?: number;
}

export interface AttentionInputs {
  /** `cross` only: `[source, batch, keyValueFeatures]`. */
  keyValue?: Tensor | null;
  /** Bool `[batch, source]`, true where a key is padding. */
  keyPaddingMask?: Tensor | null;
}

export interface MaskedAttentionInputs extends AttentionInputs {
  /** Added to the scores, `[time, source]`: 0, or -Infinity where a query must not look. */
  attentionMask?: Tensor | null;
}

export interface AttentionResult {
  /** `[time, batch, outFeatures]`. */
  output: Tensor;
  /** `[time, batch, source]`: what each query gives to each key. */
  weights: Tensor;
}

/**
 * Attention with a single head of `projFeatures`, as DeLighT uses it after its transformation.
 *
 * Parameters: `linear_kqv` (for `self`; the rows are query, key, value in this order in spite of the name), or `linear_q` and
 * `linear_kv` (key, value), and `out_proj`. Source: DeLighT, section 3.2.
 */
export class SingleHeadAttention extends NativeModule {
  readonly type: 'self' | 'cross';

  /** @throws ConfigError for sizes below 1, or `self` with keys of another width */
  constructor(options: SingleHeadAttentionOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a SingleHeadAttention');
    const { type, queryFeatures, keyValueFeatures = queryFeatures, projFeatures, outFeatures, dropout = 0 } = options;
    const plan = { type, queryFeatures, keyValueFeatures, projFeatures, outFeatures, dropout };
    super('delight-attention', plan, placement);
    this.type = type;
  }

  /** Attends from `query` `[time, batch, queryFeatures]`. @throws ShapeError, or ArgumentError for `keyValue` with `self` or none with `cross` */
  override forward(query: Tensor, inputs: MaskedAttentionInputs = {}): AttentionResult {
    this.#checkKeyValue(inputs);
    const [output, weights] = this.call('forward', masked(query, inputs));
    return { output: output!, weights: weights! };
  }

  /** Scores `[batch, time, source]`, masked but not normalised, and values `[batch, source, projFeatures]`. */
  beforeSoftmax(query: Tensor, inputs: MaskedAttentionInputs = {}): { scores: Tensor; values: Tensor } {
    this.#checkKeyValue(inputs);
    const [scores, values] = this.call('beforeSoftmax', masked(query, inputs));
    return { scores: scores!, values: values! };
  }

  /**
   * Attends from the next tokens, `[new, batch, queryFeatures]`, to those of earlier calls and themselves, and remembers their keys in
   * `state`. With `cross` the first call computes the keys of `keyValue`, and later ones use those and ignore `keyValue`.
   * New tokens all see each other: give one at a time for causal attention.
   *
   * @throws ShapeError for a state of another batch
   */
  step(
    query: Tensor,
    state: IncrementalState,
    { keyValue = null, keyPaddingMask = null }: AttentionInputs = {},
  ): AttentionResult {
    this.#checkKeyValue({ keyValue });
    const inputs = [query, keyValue, keyPaddingMask, state.key, state.value, state.paddingMask];
    const [output, weights, key, value, mask] = this.call('step', inputs);
    state.replace(key!, value!, mask ?? null);
    return { output: output!, weights: weights! };
  }

  #checkKeyValue({ keyValue = null }: AttentionInputs): void {
    if (this.type === 'self' && keyValue !== null)
      throw new ArgumentError(
        "self attention takes keys and values from its queries: leave keyValue out, or make type 'cross'",
      );
  }
}

const masked = (
  query: Tensor,
  { keyValue = null, keyPaddingMask = null, attentionMask = null }: MaskedAttentionInputs,
) => [query, keyValue, keyPaddingMask, attentionMask];
