/** Comparisons of any kind of study, as a reader wants them. */
import { languageModelKind, type LanguageModelComparison } from './language-model/table';
import { residualKind, type Comparison } from './residual/table';
import { csvOf, markdownOf, textOf } from './shared/comparison';
import { translationKind, type TranslationComparison } from './translation/table';

export type AnyComparison = Comparison | TranslationComparison | LanguageModelComparison;

/** The table for a terminal. */
export function comparisonText(comparison: AnyComparison): string {
  if (comparison.task === undefined) return textOf(residualKind, comparison);
  return comparison.task === 'translation'
    ? textOf(translationKind, comparison)
    : textOf(languageModelKind, comparison);
}

/** The table as Markdown, with what a reader must know. */
export function comparisonMarkdown(comparison: AnyComparison): string {
  if (comparison.task === undefined) return markdownOf(residualKind, comparison);
  return comparison.task === 'translation'
    ? markdownOf(translationKind, comparison)
    : markdownOf(languageModelKind, comparison);
}

/** All fields of every run, numbers unrounded. */
export function comparisonCsv(comparison: AnyComparison): string {
  if (comparison.task === undefined) return csvOf(residualKind, comparison);
  return comparison.task === 'translation' ? csvOf(translationKind, comparison) : csvOf(languageModelKind, comparison);
}
