/**
 * The named architectures: the published DeLighT models by data set and width, and the Transformers they are compared with.
 * Dropout follows each data set's rule, from the published code; the vocabularies are those that give the published parameter counts.
 */
import type { z } from 'zod';

import { ConfigError } from '../errors';
import { roundHalfEven } from '../metrics';
import { nearest } from '../tensor/nearest';
import type { languageSchema, translationSchema } from './schema';

type TranslationKeys = z.input<typeof translationSchema>;
type LanguageKeys = z.input<typeof languageSchema>;

/** What a name stands for: keys, others having their defaults; and the vocabulary of its data set, which other data do not have. */
export type NamedArchitecture =
  | { task: 'translation'; keys: TranslationKeys; vocabulary: { sourceVocabSize: number; targetVocabSize: number } }
  | { task: 'language'; keys: LanguageKeys; vocabulary: { vocabSize: number; padTokenId: number } };

/**
 * Rate `rate` at width `reference`, in proportion at others, to 2 digits, never above `rate`. Divides by the quotient as the reference
 * does: at 384 of 512, 0.3 gives a double just above 0.225 and so 0.23, where a product would be just below.
 */
function scaled(rate: number, reference: number, hiddenSize: number): number {
  return Math.min(roundHalfEven(rate / (reference / hiddenSize), 2), rate);
}

interface Rates {
  /** Residual and feed-forward dropout. */
  dropout: number;
  attention: number;
  unit: number;
}

const rules = {
  'wmt14-en-de': (d: number): Rates => ({ dropout: scaled(0.3, 1024, d), attention: scaled(0.1, 1024, d), unit: 0 }),
  'wmt14-en-fr': (d: number): Rates => ({ dropout: scaled(0.1, 1024, d), attention: scaled(0.1, 1024, d), unit: 0 }),
  'wmt16-en-ro': (d: number): Rates => ({
    dropout: scaled(0.3, 1024, d),
    attention: scaled(0.1, 1024, d),
    unit: scaled(0.1, 512, d),
  }),
  'iwslt14-de-en': (d: number): Rates => ({
    dropout: scaled(0.3, 512, d),
    attention: scaled(0.1, 512, d),
    unit: scaled(0.1, 512, d),
  }),
  wiki103: (d: number): Rates => ({
    dropout: scaled(0.1, 1024, d),
    attention: scaled(0.1, 1024, d),
    unit: scaled(0.1, 1024, d),
  }),
};

/** The data sets that have translation models. */
export type TranslationTask = Exclude<keyof typeof rules, 'wiki103'>;

/**
 * WMT: the joined vocabularies, inferred from the published parameter counts (which leave a few entries open; a multiple of 8).
 * IWSLT: not published; the usual sizes of that data set's recipe.
 */
const vocabularies: Record<TranslationTask, { sourceVocabSize: number; targetVocabSize: number }> = {
  'wmt14-en-de': { sourceVocabSize: 43736, targetVocabSize: 43736 },
  'wmt14-en-fr': { sourceVocabSize: 44512, targetVocabSize: 44512 },
  'wmt16-en-ro': { sourceVocabSize: 34968, targetVocabSize: 34968 },
  'iwslt14-de-en': { sourceVocabSize: 8848, targetVocabSize: 6632 },
};

function rates(task: keyof typeof rules, hiddenSize: number) {
  const { dropout, attention, unit } = rules[task](hiddenSize);
  return { dropout, ffnDropout: dropout, attentionDropout: attention, unitDropout: unit };
}

function delightTranslation(
  task: TranslationTask,
  hiddenSize: number,
  encoder: Extract<TranslationKeys, { type: 'delight' }>['encoder'] = {},
): NamedArchitecture {
  return {
    task: 'translation',
    keys: {
      type: 'delight',
      hiddenSize,
      encoder,
      shareEmbeddings: task !== 'iwslt14-de-en',
      ...rates(task, hiddenSize),
    },
    vocabulary: vocabularies[task],
  };
}

function transformerTranslation(
  task: TranslationTask,
  keys: Omit<Extract<TranslationKeys, { type: 'transformer' }>, 'type'>,
): NamedArchitecture {
  return {
    task: 'translation',
    keys: { type: 'transformer', shareEmbeddings: task !== 'iwslt14-de-en', ...keys },
    vocabulary: vocabularies[task],
  };
}

/** WikiText-103's words and four special tokens, padded to a multiple of 8. */
const wiki103 = { vocabSize: 267744, padTokenId: 1 };
const wiki103Keys = { finalNorm: false, maxPositionEmbeddings: 512 };

function delightLanguage(hiddenSize: number): NamedArchitecture {
  const keys: LanguageKeys = {
    ...wiki103Keys,
    type: 'delight',
    hiddenSize,
    embeddingSize: 128,
    decoder: { maxDepth: 12 },
    adaptiveInput: { cutoffs: [20000, 60000] },
    adaptiveSoftmax: { dropout: 0.1 },
    ...rates('wiki103', hiddenSize),
  };
  return { task: 'language', keys, vocabulary: wiki103 };
}

/** Depths 3 to 9 and width multiplier 1, which the paper's first author gave for this data set. */
const narrow = { minDepth: 3, maxDepth: 9, widthMultiplier: 1 };
const base = { hiddenSize: 512, encoder: { layers: 6, heads: 8, ffnSize: 2048 } };
const big = { hiddenSize: 1024, encoder: { layers: 6, heads: 16, ffnSize: 4096 }, dropout: 0.3, attentionDropout: 0.1 };
const iwslt = { hiddenSize: 512, encoder: { layers: 6, heads: 4, ffnSize: 1024 } };

/** Ours, for comparison with `delight-wiki103-*`; nobody published results for it. Bands are as wide as their words are frequent. */
const transformerLanguage: NamedArchitecture = {
  task: 'language',
  keys: {
    ...wiki103Keys,
    type: 'transformer',
    hiddenSize: 512,
    decoder: { layers: 16, heads: 8, ffnSize: 2048 },
    adaptiveInput: { cutoffs: [20000, 60000], factor: 4 },
    adaptiveSoftmax: { dropout: 0.1 },
    attentionDropout: 0.1,
  },
  vocabulary: wiki103,
};

const widths = [128, 256, 384, 512, 640];
const architectures = new Map<string, NamedArchitecture>([
  ...(['wmt14-en-de', 'wmt14-en-fr', 'wmt16-en-ro'] as const).flatMap((task) =>
    widths.map((width) => [`delight-${task}-${width}`, delightTranslation(task, width)] as const),
  ),
  ['delight-iwslt14-de-en', delightTranslation('iwslt14-de-en', 512)],
  ...[256, 384, 512].map(
    (width) => [`delight-iwslt14-de-en-${width}`, delightTranslation('iwslt14-de-en', width)] as const,
  ),
  ...[384, 512].map(
    (width) => [`delight-iwslt14-de-en-${width}-w1`, delightTranslation('iwslt14-de-en', width, narrow)] as const,
  ),
  ...[128, 256, 384, 512, 1024].map((width) => [`delight-wiki103-${width}`, delightLanguage(width)] as const),
  ...(['wmt14-en-de', 'wmt14-en-fr', 'wmt16-en-ro'] as const).map(
    (task) => [`transformer-base-${task}`, transformerTranslation(task, base)] as const,
  ),
  ['transformer-big-wmt14-en-de', transformerTranslation('wmt14-en-de', big)],
  ['transformer-iwslt14-de-en', transformerTranslation('iwslt14-de-en', iwslt)],
  ['transformer-base-wiki103', transformerLanguage],
]);

/** All names, in the order of tables. */
export function architectureNames(): string[] {
  return [...architectures.keys()];
}

/** @throws ConfigError with the nearest name */
export function namedArchitecture(name: string): NamedArchitecture {
  const found = architectures.get(name);
  if (found) return found;
  const similar = nearest(name, architectures.keys());
  throw new ConfigError(
    `There is no architecture ${name}.` + (similar === undefined ? '' : ` Did you mean ${similar}?`),
  );
}
