/** Beam search, greedy decoding and sampling; translation of text. */
export { beamSearchOver, type BeamOptions, type BeamTask } from './beam';
export type { Decoder, DecoderCandidates, DecoderStep, Hypothesis } from './decoder';
export { generate, generateText, type GeneratedToken, type GenerateOptions, type GenerationModel } from './generation';
export { resolveSampling, sampleOver, type SampledToken, type SamplingOptions, type SamplingTask } from './sampling';
export type { LengthOptions, TranslationModel } from './sources';
export { TextStream } from './text-stream';
export {
  beamSearch,
  sampledHypotheses,
  sampleTranslations,
  type BeamSearchOptions,
  type SampleTranslationOptions,
} from './translation';
export { Translator, type TranslateOptions, type Translation, type TranslationProgress } from './translator';
