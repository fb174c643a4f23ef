/** Trains a study's variants one after another, on the same data in the same order with the same seed, and compares them. */
import { compareAll, type Place } from '../shared/compare';
import { both, minus, over, saveComparison } from '../shared/comparison';
import { refuseTaken } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import { studyVariants, type StudyConfig, type StudyVariant } from './config';
import { modelConfigOf, prepareStudyData, runVariant, type RunResult } from './run';
import { residualCsv, residualMarkdown, type Comparison, type ComparisonRow } from './table';

/**
 * Runs a whole study: every variant trained, evaluated and reported in a folder of its own, then compared in `comparison.md`,
 * `comparison.csv` and `comparison.json`, which are rewritten after each variant, so that an interruption loses no finished one.
 * A variant that diverges is noted in the table and the others go on.
 *
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function compareVariants(study: StudyConfig, options: StudyOptions): Promise<Comparison> {
  await refuseTaken(options.out);
  const variants = studyVariants(study);
  const data = await prepareStudyData(study, options);
  for (const variant of variants) modelConfigOf(study, variant, data);
  const work = {
    run: async (variant: StudyVariant, folder: string, place: Place) =>
      rowOf(variant.slug, await runVariant(study, variant, data, folder, place, options)),
    failed: ({ title, slug }: StudyVariant, error: string) => failedRow(title, slug, error),
    save: async (folder: string, rows: readonly ComparisonRow[]): Promise<Comparison> => {
      const comparison = { study: study.name, folder, rows: relateToBaseline(rows, variants) };
      await saveComparison(comparison, residualMarkdown(comparison), residualCsv(comparison));
      return comparison;
    },
  };
  return compareAll(study, variants, work, options);
}

function rowOf(folder: string, run: RunResult): ComparisonRow {
  return {
    ...failedRow(run.title, folder, null),
    parameters: run.parameters,
    evalLoss: run.eval.eval_loss ?? null,
    perplexity: run.eval.eval_perplexity ?? null,
    accuracy: run.eval.eval_accuracy ?? null,
    bestStep: run.best?.step ?? null,
    trainRuntime: run.train.train_runtime ?? null,
    evalRuntime: run.eval.eval_runtime ?? null,
  };
}

function failedRow(title: string, folder: string, error: string | null): ComparisonRow {
  return {
    title,
    folder,
    parameters: null,
    evalLoss: null,
    perplexity: null,
    accuracy: null,
    bestStep: null,
    trainRuntime: null,
    evalRuntime: null,
    lossToBaseline: null,
    trainRuntimeRatio: null,
    evalRuntimeRatio: null,
    error,
  };
}

/** Compares each row with the baseline's, where the study has one and it is finished. */
function relateToBaseline(rows: readonly ComparisonRow[], variants: StudyVariant[]): ComparisonRow[] {
  const baseline = rows[variants.findIndex(({ residual }) => residual.site === 'none')];
  if (baseline === undefined) return [...rows];
  return rows.map((row) => ({
    ...row,
    lossToBaseline: both(row.evalLoss, baseline.evalLoss, minus),
    trainRuntimeRatio: both(row.trainRuntime, baseline.trainRuntime, over),
    evalRuntimeRatio: both(row.evalRuntime, baseline.evalRuntime, over),
  }));
}
