/** Trains a study's variants one after another, on the same data in the same order with the same seed, and compares them. */
import { isResumed } from '../shared/resume';
import { checkFolder, compareAll, trainOne } from '../shared/compare';
import type { CompareStudyOptions, TrainStudyOptions } from '../shared/options';
import { studyVariant, studyVariants, type StudyConfig } from './config';
import { residualLoad } from '../plan/load';
import { refuseTooLarge } from '../plan/memory';
import { prepareStudyData } from './data';
import { variantWork, type RunResult } from './run';
import { residualKind, type Comparison } from './table';

/**
 * Runs a whole study: every variant trained, evaluated and reported in a folder of its own, with every seed, then compared.
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function compareVariants(study: StudyConfig, options: CompareStudyOptions): Promise<Comparison> {
  await checkFolder(study, options);
  const variants = studyVariants(study);
  const data = await prepareStudyData(study, options);
  for (const variant of variants) refuseTooLarge(residualLoad(study, variant, data), study.device);
  return compareAll(study, variants, variantWork(data, options), residualKind, options);
}

/**
 * Trains the variant that the study's `model.residual` names, evaluates it and writes everything into a folder of its own.
 * @throws DataError, NonFiniteError, AbortError; after the last two, `latest` leads to the last whole step.
 */
export async function trainVariant(study: StudyConfig, options: TrainStudyOptions): Promise<RunResult> {
  await isResumed(options);
  const data = await prepareStudyData(study, options);
  const variant = studyVariant(study.model.residual);
  refuseTooLarge(residualLoad(study, variant, data), study.device);
  const { title, folder, parameters, outcome } = await trainOne(
    study,
    variant,
    variantWork(data, options),
    residualKind,
    options,
  );
  const { train, scores, best } = outcome;
  return { title, folder, parameters, train, eval: scores, best };
}
