/** Translations of token ids: beam search and sampling with a translation model. */
import {
  checkWhole,
  dropoutOff,
  NativeDecoder,
  resolveSampling,
  Sampler,
  type SampledToken,
  type SamplingOptions,
} from '../../generation';
import type { TranslationModel } from '../../nn';
import type { Tensor } from '../../tensor';
import { beamSearchOver, resolveBeams, type BeamOptions } from './beam';
import type { Hypothesis } from './hypothesis';
import { openSources, type LengthOptions } from './sources';

export interface BeamSearchOptions extends BeamOptions, LengthOptions {
  signal?: AbortSignal | undefined;
}

/**
 * The likeliest translations of each sentence, best first; rules and defaults are fairseq's. Every step is one job off the
 * JavaScript thread.
 *
 *     const [[best]] = await beamSearch(model, [[12, 40, 7]], { beams: 5, lengthPenalty: 0.6 });
 *
 * @param source sentences of ids without eos, or a tensor `[sentences, time]` int64 with eos at the end and padding on the left
 * @throws DataError for ids outside the vocabulary or too many; ArgumentError for options that make no sense; AbortError
 */
export async function beamSearch(
  model: TranslationModel,
  source: Tensor | readonly (readonly number[])[],
  options: BeamSearchOptions = {},
): Promise<Hypothesis[][]> {
  const { targetVocabSize, padTokenId, eosTokenId } = model.config;
  const { beams } = resolveBeams(options, targetVocabSize);
  const { sentences, maxLength, usualLength, ...sources } = await openSources(model, source, options);
  using ids = sources.tensor;
  using _mode = dropoutOff(model);
  const size = { sentences, width: beams, capacity: usualLength + 1, vocabSize: targetVocabSize };
  using decoder = await NativeDecoder.open(model, [ids], size, options.signal);
  return await beamSearchOver(decoder, { sentences, maxLength, padTokenId, eosTokenId }, options);
}

export interface SampleTranslationOptions extends SamplingOptions, LengthOptions {
  /** Translations of each sentence. Default 1. */
  samples?: number;
  /** Numbers of the sentences, which decide, with the seed, what is drawn. Default: 0, 1, ... */
  numbers?: readonly number[];
  signal?: AbortSignal | undefined;
}

/**
 * Draws translations of each sentence; yields the tokens of each step as they come, the eos that ends a text too. A text
 * of the greatest length has none.
 * @throws as `beamSearch`
 */
export async function* sampleTranslations(
  model: TranslationModel,
  source: Tensor | readonly (readonly number[])[],
  options: SampleTranslationOptions = {},
): AsyncGenerator<SampledToken[], void, undefined> {
  const { targetVocabSize, padTokenId, eosTokenId } = model.config;
  const settings = resolveSampling(options);
  const { samples = 1, numbers, signal } = options;
  checkWhole('samples', samples, 1);
  const { sentences, maxLength, usualLength, ...sources } = await openSources(model, source, options);
  using ids = sources.tensor;
  using _mode = dropoutOff(model);
  const size = { sentences, width: samples, capacity: usualLength + 1, vocabSize: targetVocabSize };
  using decoder = await NativeDecoder.open(model, [ids], size, signal);
  const prompts = Array.from({ length: sentences }, () => [eosTokenId]);
  const task = { prompts, samples, maxTokens: maxLength + 1, eosTokenIds: [eosTokenId], banned: [padTokenId], numbers };
  const sampler = new Sampler(decoder, task, settings);
  for (let drawn = await sampler.next(); drawn.length > 0; drawn = await sampler.next()) yield drawn;
}

/** Drawn translations of each sentence, whole; their scores are means of `positionalScores`. @throws as `beamSearch` */
export async function sampledHypotheses(
  model: TranslationModel,
  source: Tensor | readonly (readonly number[])[],
  options: SampleTranslationOptions = {},
): Promise<Hypothesis[][]> {
  const found: Hypothesis[][] = [];
  for await (const drawn of sampleTranslations(model, source, options)) {
    for (const { sentence, sample, token, logProbability } of drawn) {
      const hypothesis = ((found[sentence] ??= [])[sample] ??= { tokens: [], score: 0, positionalScores: [] });
      hypothesis.tokens.push(token);
      hypothesis.positionalScores.push(logProbability);
    }
  }
  for (const hypotheses of found) {
    for (const hypothesis of hypotheses) hypothesis.score = mean(hypothesis.positionalScores);
    hypotheses.sort((a, b) => b.score - a.score);
  }
  return found;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
