/** Texts that grow token by token: what language models and translation models have in common. */
export type { Decoder, DecoderCandidates, DecoderDraw, DecoderStep } from './decoder';
export {
  generate,
  type GeneratedPiece,
  type GenerateOptions,
  type GenerationModel,
  type GenerationTraits,
} from './generation';
export { dropoutOff, NativeDecoder, type DecodingSize } from './native-decoder';
export { checkNumber, checkWhole } from './options';
export type { Prompt } from './prompts';
export {
  drawTokens,
  resolveSampling,
  Sampler,
  type DrawnTokens,
  type DrawOptions,
  type SampledToken,
  type SamplingOptions,
  type SamplingTask,
} from './sampling';
export { TextStream } from './text-stream';
