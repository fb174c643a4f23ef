import { checkArgument } from '../../arguments';
import { ArgumentError, ShapeError } from '../../errors';
import { NativeModule, type NativeModuleOptions } from '../../nn';
import type { Tensor } from '../../tensor';
import { IncrementalState } from './incremental-state';
import { delightLayerPlan, type DelightLayerOptions } from './layer-options';

export interface DelightDecoderLayerOptions extends DelightLayerOptions {
  /** Whether it attends to an encoder's output; a language model's does not. Default true. */
  crossAttention?: boolean;
}

export interface DecoderStepInputs {
  /** `[source, batch, hiddenSize]`; needed with cross attention. */
  encoderOut?: Tensor | null;
  /** Bool `[batch, source]`, true where the source is padding. */
  encoderPaddingMask?: Tensor | null;
}

export interface DecoderLayerInputs extends DecoderStepInputs {
  /** Added to the scores of the self-attention, `[time, time]`: -Infinity above the diagonal for a causal decoder. */
  selfAttentionMask?: Tensor | null;
  /** Bool `[batch, time]`. */
  selfPaddingMask?: Tensor | null;
}

export interface DecoderLayerResult {
  /** `[time, batch, hiddenSize]`. */
  output: Tensor;
  /** Weights of the cross attention, `[time, batch, source]`; null without it. */
  crossWeights: Tensor | null;
}

/** What a decoder layer remembers between steps. */
export class DecoderLayerState {
  readonly self = new IncrementalState();
  readonly cross = new IncrementalState();

  /** See `IncrementalState.reorder`. */
  reorder(order: Tensor): void {
    this.self.reorder(order);
    this.cross.reorder(order);
  }

  dispose(): void {
    this.self.dispose();
    this.cross.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * One decoder block: as the encoder's, and between attention and feed-forward network an attention to the encoder's output, whose query
 * is not transformed before. Source: DeLighT, section 3.2.
 */
export class DelightDecoderLayer extends NativeModule {
  readonly crossAttention: boolean;

  /** @throws ConfigError for impossible sizes, naming the nearest possible value */
  constructor(options: DelightDecoderLayerOptions, placement: NativeModuleOptions = {}) {
    checkArgument(options, 'object', 'The options of a DelightDecoderLayer');
    const { crossAttention = true, ...layer } = options;
    super('delight-decoder-layer', { ...delightLayerPlan(layer), crossAttention }, placement);
    this.crossAttention = crossAttention;
  }

  /** `x` `[time, batch, hiddenSize]`. @throws ShapeError, or ArgumentError for an encoder output that is missing or not wanted */
  override forward(x: Tensor, inputs: DecoderLayerInputs = {}): DecoderLayerResult {
    const { encoderOut = null, encoderPaddingMask = null, selfAttentionMask = null, selfPaddingMask = null } = inputs;
    this.#check(x, encoderOut);
    const tensors = [x, encoderOut, encoderPaddingMask, selfAttentionMask, selfPaddingMask];
    const [output, crossWeights] = this.call('forward', tensors);
    return { output: output!, crossWeights: crossWeights ?? null };
  }

  /** The next position alone, `[1, batch, hiddenSize]`; gives what `forward` with a causal mask gives there. @throws ShapeError for more positions, or a state of another batch */
  step(
    x: Tensor,
    state: DecoderLayerState,
    { encoderOut = null, encoderPaddingMask = null }: DecoderStepInputs = {},
  ): DecoderLayerResult {
    this.#check(x, encoderOut);
    if (x.size(0) !== 1)
      throw new ShapeError(`a step takes one position, [1, batch, features], not shape [${x.shape.join(', ')}]`);
    const { self, cross } = state;
    const inputs = [x, encoderOut, encoderPaddingMask, self.key, self.value, cross.key, cross.value];
    const [output, crossWeights, key, value, crossKey, crossValue] = this.call('step', inputs);
    self.replace(key!, value!, null);
    if (crossKey && crossValue) cross.replace(crossKey, crossValue, null);
    return { output: output!, crossWeights: crossWeights ?? null };
  }

  #check(x: Tensor, encoderOut: Tensor | null): void {
    if (encoderOut === null) return;
    if (!this.crossAttention) throw new ArgumentError('a decoder layer without cross attention takes no encoderOut');
    if (x.ndim === 3 && encoderOut.ndim === 3 && x.size(1) !== encoderOut.size(1))
      throw new ShapeError(`x and encoderOut must have one batch size: ${x.size(1)} and ${encoderOut.size(1)}`);
  }
}
