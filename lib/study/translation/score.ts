/** The test set, translated and scored. */
import type { PreparedPairs } from '../../data';
import { Translator, type DelightTransformer } from '../../delight';
import { corpusBleu, corpusChrf, fairseqBleu, roundHalfEven, type Metrics } from '../../metrics';
import { evaluatePairs } from '../../train';
import { metricsOf } from '../shared/evaluation';
import type { Context } from '../shared/options';
import type { RunSample } from '../shared/record';
import type { TranslationStudyConfig } from './config';

/** Sentences that are shown. */
const sampleCount = 3;

export interface TranslationScores {
  /**
   * `test_bleu` (sacreBLEU's), `test_compound_bleu` (fairseq's, of words between blanks, compounds split at hyphens: that of published
   * figures where the corpus is tokenised), `test_chrf`, `test_loss` (nats for each token), `test_perplexity`, `test_samples`, `test_runtime` (s, of
   * the translation) and `test_samples_per_second`. Case counts unless the vocabulary has none.
   */
  metrics: Metrics;
  /** In the order of the test set. */
  translations: string[];
  samples: RunSample[];
}

/** How sacreBLEU would sign the BLEU of these translations. */
export function bleuSignature(lowercase: boolean): string {
  return corpusBleu(['.'], ['.'], { lowercase }).signature;
}

export async function scoreTranslations(
  model: DelightTransformer,
  data: PreparedPairs,
  study: TranslationStudyConfig,
  { signal, onEvent }: Context,
): Promise<TranslationScores> {
  const { source, target } = data.testText;
  const { maxTokens, maxSentences, precision } = study.train;
  const limits = { maxTokens, ...(maxSentences !== undefined && { maxSentences }) };
  const evaluation = evaluatePairs(model, data.test, { ...limits, precision, signal });
  const { eval_loss: loss = NaN, eval_perplexity: perplexity = NaN } = await metricsOf(evaluation, { onEvent });

  const start = performance.now();
  const translations: string[] = [];
  const translator = new Translator(model, { source: data.sourceTokenizer, target: data.targetTokenizer });
  const onProgress = ({ texts: done }: { texts: number }) =>
    onEvent?.({ type: 'translation', done, total: source.length });
  for await (const { text } of translator.translate(source, { ...study.decode, signal, onProgress })) {
    translations.push(text);
  }
  const seconds = (performance.now() - start) / 1000;
  const { lowercase } = study.data.vocabulary;
  const cased = (text: string) => (lowercase ? text.toLowerCase() : text);
  return {
    metrics: {
      test_bleu: corpusBleu(translations, target, { lowercase }).score,
      test_compound_bleu: fairseqBleu(translations.map(cased), target.map(cased), { compoundSplit: true }).score,
      test_chrf: corpusChrf(translations, target, { lowercase }).score,
      test_loss: loss,
      test_perplexity: perplexity,
      test_samples: source.length,
      test_runtime: roundHalfEven(seconds, 4),
      test_samples_per_second: roundHalfEven(source.length / seconds, 3),
    },
    translations,
    samples: source.slice(0, sampleCount).map((text, index) => ({
      source: text,
      reference: target[index]!,
      text: translations[index]!,
    })),
  };
}
