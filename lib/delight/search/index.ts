/** Beam search, and translation of text. */
export { beamSearchOver, type BeamOptions, type BeamTask } from './beam';
export type { Hypothesis } from './hypothesis';
export type { LengthOptions } from './sources';
export {
  beamSearch,
  sampledHypotheses,
  sampleTranslations,
  type BeamSearchOptions,
  type SampleTranslationOptions,
} from './translation';
export { Translator, type TranslateOptions, type Translation, type TranslationProgress } from './translator';
