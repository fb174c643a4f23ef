/** Studies of every kind, through one door: compare, train one, evaluate a run anew. */
import fs from 'node:fs';
import path from 'node:path';

import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import type { AnyComparison } from './comparisons';
import type { LanguageModelStudyInput } from './language-model/config';
import { evaluateLanguageModel } from './language-model/evaluate';
import { languageModelStudies } from './language-model/run';
import type { LanguageModelComparison } from './language-model/table';
import type { ModelResult } from './models/result';
import { compareModels, trainNamedModel } from './models/study';
import { readStudy, type AnyStudyInput } from './read';
import { compareVariants, trainVariant } from './residual/compare';
import type { StudyInput } from './residual/config';
import { evaluateVariant } from './residual/evaluate';
import type { RunResult } from './residual/run';
import type { Comparison } from './residual/table';
import type { RunEvaluation } from './shared/evaluation';
import { hasModel } from './shared/folder';
import { configName, type CompareStudyOptions, type StudyOptions, type TrainStudyOptions } from './shared/options';
import type { TranslationStudyInput } from './translation/config';
import { evaluateTranslation } from './translation/evaluate';
import { translationStudies } from './translation/run';
import type { TranslationComparison } from './translation/table';

/**
 * Runs a whole study: everything it compares is trained, evaluated and reported in a folder of its own, then compared in `comparison.md`,
 * `comparison.csv`, `comparison.json` and `report.html`, which are rewritten after each, so that an interruption loses no finished one.
 * What diverges is noted in the table and the others go on. With `seeds`, everything is trained with each, and the table has means.
 *
 * @param source - a YAML file, the name of a shipped study (`demo`), or an object
 * @throws ConfigError and DataError before any training; ArgumentError for a folder that holds something, or, with `resume`, another study;
 *   AbortError.
 */
export async function runStudy(source: StudyInput, options?: CompareStudyOptions): Promise<Comparison>;
export async function runStudy(
  source: TranslationStudyInput,
  options?: CompareStudyOptions,
): Promise<TranslationComparison>;
export async function runStudy(
  source: LanguageModelStudyInput,
  options?: CompareStudyOptions,
): Promise<LanguageModelComparison>;
export async function runStudy(source: string | AnyStudyInput, options?: CompareStudyOptions): Promise<AnyComparison>;
export async function runStudy(
  source: string | AnyStudyInput,
  options: CompareStudyOptions = {},
): Promise<AnyComparison> {
  checkArgument(options, 'object', 'The options of runStudy');
  const study = readStudy(source, options.overrides);
  if (!('task' in study)) return compareVariants(study, options);
  return study.task === 'translation'
    ? compareModels(translationStudies, study, options)
    : compareModels(languageModelStudies, study, options);
}

/**
 * Trains one of a study's models, evaluates it and writes everything into a folder of its own: `study.yaml` (resolved), checkpoints with the
 * links `best` and `latest` (model folders), `train_results.json`, `eval_results.json` or `test_results.json`, `all_results.json`, `trainer_state.json`,
 * `metrics.jsonl`, `run.json`, `report.html`; of a translation model also `translations.txt`.
 *
 * @param source - a YAML file, the name of a shipped study, or an object
 * @throws ConfigError, DataError, NonFiniteError, AbortError; after the last two, `latest` leads to the last whole step, and `resume` goes on from there.
 */
export async function trainStudy(source: StudyInput, options?: TrainStudyOptions): Promise<RunResult>;
export async function trainStudy(source: TranslationStudyInput, options?: TrainStudyOptions): Promise<ModelResult>;
export async function trainStudy(source: LanguageModelStudyInput, options?: TrainStudyOptions): Promise<ModelResult>;
export async function trainStudy(
  source: string | AnyStudyInput,
  options?: TrainStudyOptions,
): Promise<RunResult | ModelResult>;
export async function trainStudy(
  source: string | AnyStudyInput,
  options: TrainStudyOptions = {},
): Promise<RunResult | ModelResult> {
  checkArgument(options, 'object', 'The options of trainStudy');
  const study = readStudy(source, options.overrides);
  if ('task' in study)
    return study.task === 'translation'
      ? trainNamedModel(translationStudies, study, options)
      : trainNamedModel(languageModelStudies, study, options);
  if (options.model === undefined) return trainVariant(study, options);
  throw new ArgumentError(
    `This study trains its model.residual and has no models by name; give model.residual=${options.model} in place of the model ${options.model}.`,
  );
}

/**
 * Loads the final model of a run's folder and evaluates it on the data of the run's `study.yaml`. Writes nothing.
 *
 * @param options - `overrides` change the run's configuration, such as `device=cuda` or `decode.beams=1`
 * @throws ArgumentError when the folder is not a run's; CheckpointError, ConfigError, DataError, AbortError.
 */
export async function evaluateRun(folder: string, options: Omit<StudyOptions, 'out'> = {}): Promise<RunEvaluation> {
  checkArgument(folder, 'string', 'The folder of a run');
  checkArgument(options, 'object', 'The options of evaluateRun');
  const file = path.join(folder, configName);
  if (!fs.existsSync(file) || !hasModel(folder)) throw notARun(folder);
  const study = readStudy(file, options.overrides);
  if (!('task' in study)) return evaluateVariant(folder, study, options);
  return study.task === 'translation'
    ? evaluateTranslation(folder, study, options)
    : evaluateLanguageModel(folder, study, options);
}

function notARun(folder: string): ArgumentError {
  const runs = fs.existsSync(folder)
    ? fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => hasModel(path.join(folder, entry.name)))
    : [];
  const advice =
    runs.length > 0
      ? `It is a comparison; give one of its runs: ${runs.map(({ name }) => path.join(folder, name)).join(', ')}.`
      : 'Give the folder that a training has named at its end.';
  return new ArgumentError(
    `${folder} is not the folder of a run: it has no ${configName} or no model that was finished. ${advice}`,
  );
}
