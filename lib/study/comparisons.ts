/** Comparisons of any kind of study, as a reader wants them. */
import {
  languageModelCsv,
  languageModelMarkdown,
  languageModelText,
  type LanguageModelComparison,
} from './language-model/table';
import { residualCsv, residualMarkdown, residualText, type Comparison } from './residual/table';
import { translationCsv, translationMarkdown, translationText, type TranslationComparison } from './translation/table';

export type AnyComparison = Comparison | TranslationComparison | LanguageModelComparison;

/** The table for a terminal. */
export function comparisonText(comparison: AnyComparison): string {
  if (comparison.task === undefined) return residualText(comparison);
  return comparison.task === 'translation' ? translationText(comparison) : languageModelText(comparison);
}

/** The table as Markdown, with what a reader must know. */
export function comparisonMarkdown(comparison: AnyComparison): string {
  if (comparison.task === undefined) return residualMarkdown(comparison);
  return comparison.task === 'translation' ? translationMarkdown(comparison) : languageModelMarkdown(comparison);
}

/** All fields of the rows, numbers unrounded. */
export function comparisonCsv(comparison: AnyComparison): string {
  if (comparison.task === undefined) return residualCsv(comparison);
  return comparison.task === 'translation' ? translationCsv(comparison) : languageModelCsv(comparison);
}
