/** The parts of DeLighT models, each usable alone. */
export { Activation } from './activation';
export { AdaptiveInput, type AdaptiveInputOptions } from './adaptive-input';
export { AdaptiveSoftmax, type AdaptiveSoftmaxOptions, type TiedInputOptions } from './adaptive-softmax';
export {
  SingleHeadAttention,
  type AttentionInputs,
  type AttentionResult,
  type MaskedAttentionInputs,
  type SingleHeadAttentionOptions,
} from './attention';
export {
  DecoderLayerState,
  DelightDecoderLayer,
  type DecoderLayerInputs,
  type DecoderLayerResult,
  type DecoderStepInputs,
  type DelightDecoderLayerOptions,
} from './decoder-layer';
export { DelightEmbedding, type AdaptiveBands, type DelightEmbeddingOptions } from './embedding';
export { DelightEncoderLayer, type EncoderLayerInputs } from './encoder-layer';
export { GroupLinear, type GroupLinearOptions } from './group-linear';
export { IncrementalState } from './incremental-state';
export type { DelightLayerOptions } from './layer-options';
export { GatedLinear, type GatedLinearOptions } from './linear';
export { LearnedPositions, SinusoidalPositions, type PositionsOptions } from './positions';
export { RecurrentDropout } from './recurrent-dropout';
export type { StyleOptions } from './style';
export { DelightTransformation, type DelightTransformationOptions } from './transformation';
