/** Trains a study's variants one after another, on the same data in the same order with the same seed, and compares them. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { formatConfig } from '../config';
import type { PreparedData } from '../data';
import { NonFiniteError } from '../errors';
import { writeFileAtomically } from '../files';
import { readStudy, studyVariants, type StudyConfig, type StudyInput, type StudyVariant } from './config';
import { createRunFolder, keepingIn, refuseTaken } from './folder';
import { configName, modelConfigOf, prepareStudyData, runVariant, type RunResult, type StudyOptions } from './run';
import { comparisonCsv, comparisonMarkdown, type Comparison, type ComparisonRow } from './table';

/**
 * Runs a whole study: every variant trained, evaluated and reported in a folder of its own, then compared in `comparison.md`,
 * `comparison.csv` and `comparison.json`, which are rewritten after each variant, so that an interruption loses no finished one.
 * A variant that diverges is noted in the table and the others go on.
 *
 * @param source - a YAML file, the name of a shipped study (`demo`), or an object
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function runStudy(source: string | StudyInput, options: StudyOptions = {}): Promise<Comparison> {
  const study = readStudy(source, options.overrides);
  await refuseTaken(options.out);
  const variants = studyVariants(study);
  const data = await prepareStudyData(study, options);
  for (const variant of variants) modelConfigOf(study, variant, data);
  const folder = await createRunFolder(study.name, study.output, options.out);
  await writeFileAtomically(path.join(folder, configName), formatConfig(study));
  return keepingIn(folder, async () => {
    let comparison: Comparison = { study: study.name, folder, rows: [] };
    for (const [index, variant] of variants.entries()) {
      const row = await runRow(study, variant, data, folder, { number: index + 1, count: variants.length }, options);
      comparison = { ...comparison, rows: relateToBaseline([...comparison.rows, row], variants) };
      await saveComparison(comparison);
      options.onEvent?.({ type: 'comparison', comparison });
    }
    return comparison;
  });
}

/** One variant's row, also where its training diverged. */
async function runRow(
  study: StudyConfig,
  variant: StudyVariant,
  data: PreparedData,
  folder: string,
  place: { number: number; count: number },
  options: StudyOptions,
): Promise<ComparisonRow> {
  const runFolder = path.join(folder, variant.slug);
  await fs.mkdir(runFolder);
  try {
    return rowOf(variant.slug, await runVariant(study, variant, data, runFolder, place, options));
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    options.onEvent?.({ type: 'failure', title: variant.title, message: error.message });
    return failedRow(variant.title, variant.slug, error.message);
  }
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
function relateToBaseline(rows: ComparisonRow[], variants: StudyVariant[]): ComparisonRow[] {
  const baseline = rows[variants.findIndex(({ residual }) => residual.site === 'none')];
  if (baseline === undefined) return rows;
  const both = (a: number | null, b: number | null, relate: (a: number, b: number) => number) =>
    a === null || b === null ? null : relate(a, b);
  const over = (a: number, b: number) => a / b;
  return rows.map((row) => ({
    ...row,
    lossToBaseline: both(row.evalLoss, baseline.evalLoss, (a, b) => a - b),
    trainRuntimeRatio: both(row.trainRuntime, baseline.trainRuntime, over),
    evalRuntimeRatio: both(row.evalRuntime, baseline.evalRuntime, over),
  }));
}

async function saveComparison(comparison: Comparison): Promise<void> {
  const write = (name: string, text: string) => writeFileAtomically(path.join(comparison.folder, name), text);
  await write('comparison.md', comparisonMarkdown(comparison));
  await write('comparison.csv', comparisonCsv(comparison));
  await write('comparison.json', `${JSON.stringify(comparison, null, 2)}\n`);
}
