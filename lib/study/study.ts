/** Studies of every kind, through one door: compare, train one, evaluate a run anew. */
import fs from 'node:fs';
import path from 'node:path';

import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import type { AnyComparison } from './comparisons';
import type { LanguageModelStudyInput } from './language-model/config';
import { evaluateLanguageModel } from './language-model/evaluate';
import { languageModelTask } from './language-model/run';
import type { LanguageModelComparison } from './language-model/table';
import type { ModelResult } from './models/result';
import { readStudy, type AnyStudyInput } from './read';
import type { StudyInput } from './residual/config';
import { evaluateVariant } from './residual/evaluate';
import { residualTask, type RunResult } from './residual/run';
import type { Comparison } from './residual/table';
import { compareAll } from './shared/compare';
import type { RunEvaluation } from './shared/evaluation';
import { hasModel } from './shared/folder';
import { configName, type CompareStudyOptions, type StudyOptions, type TrainStudyOptions } from './shared/options';
import { trainOne } from './shared/train';
import { withTask } from './tasks';
import type { TranslationStudyInput } from './translation/config';
import { evaluateTranslation } from './translation/evaluate';
import { translationTask } from './translation/run';
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
  if (!('task' in study)) return compareAll(residualTask, study, options);
  return study.task === 'translation'
    ? compareAll(translationTask, study, options)
    : compareAll(languageModelTask, study, options);
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
  const run = await withTask(study, (task, own) => trainOne(task, own, options));
  const { title, folder, parameters, cost: macs, outcome } = run;
  if ('task' in study) return { title, folder, parameters, macs, ...outcome };
  const { train, scores, best } = outcome;
  return { title, folder, parameters, train, eval: scores, best };
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
