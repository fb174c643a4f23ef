/** One YAML file, one study. What kind of study it is, its `task` says; without one it is the residual study. */
import fs from 'node:fs';
import path from 'node:path';

import { loadConfig, parseConfig } from '../config';
import { ArgumentError } from '../errors';
import { compareVariants } from './residual/compare';
import { studySchema, type StudyConfig, type StudyInput } from './residual/config';
import { evaluateVariant } from './residual/evaluate';
import { trainVariant, type RunResult } from './residual/run';
import type { Comparison } from './residual/table';
import type { RunEvaluation } from './shared/evaluation';
import { bestName, configName, type StudyOptions } from './shared/options';
import { findStudy } from './shipped';

/**
 * A study from a file, a shipped study's name, or an object.
 *
 * @param overrides - `a.b.c=value`, for files
 * @throws ConfigError with all problems at once, each with its position
 */
export function readStudy(source: string | StudyInput, overrides: string[] = []): StudyConfig {
  if (typeof source === 'string') return loadConfig(findStudy(source), studySchema, { overrides });
  if (overrides.length > 0) throw new ArgumentError('Overrides are for files; change the object instead.');
  return parseConfig(source, studySchema, 'study');
}

/**
 * Runs a whole study: everything it compares is trained, evaluated and reported in a folder of its own, then compared in `comparison.md`,
 * `comparison.csv` and `comparison.json`, which are rewritten after each, so that an interruption loses no finished one. What
 * diverges is noted in the table and the others go on.
 *
 * @param source - a YAML file, the name of a shipped study (`demo`), or an object
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function runStudy(source: string | StudyInput, options: StudyOptions = {}): Promise<Comparison> {
  return compareVariants(readStudy(source, options.overrides), options);
}

/**
 * Trains one of a study's models, evaluates it and writes everything into a folder of its own: `study.yaml` (resolved), `best/` and `last/` (model
 * folders), `train_results.json`, `eval_results.json`, `all_results.json`, `trainer_state.json`.
 *
 * @param source - a YAML file, the name of a shipped study, or an object
 * @throws ConfigError, DataError, NonFiniteError, AbortError; after the last two, `last/` holds the weights of the last whole step.
 */
export async function trainStudy(source: string | StudyInput, options: StudyOptions = {}): Promise<RunResult> {
  return trainVariant(readStudy(source, options.overrides), options);
}

/**
 * Loads the best model of a run's folder and evaluates it on the data of the run's `study.yaml`. Writes nothing.
 *
 * @param options - `overrides` change the run's configuration, such as `device=cuda` or `data.corpus=other.txt`
 * @throws ArgumentError when the folder is not a run's; CheckpointError, ConfigError, DataError, AbortError.
 */
export async function evaluateRun(folder: string, options: Omit<StudyOptions, 'out'> = {}): Promise<RunEvaluation> {
  const file = path.join(folder, configName);
  if (!fs.existsSync(file) || !fs.existsSync(path.join(folder, bestName))) throw notARun(folder);
  return evaluateVariant(folder, readStudy(file, options.overrides), options);
}

function notARun(folder: string): ArgumentError {
  const runs = fs.existsSync(folder)
    ? fs
        .readdirSync(folder, { withFileTypes: true })
        .filter((entry) => fs.existsSync(path.join(folder, entry.name, bestName)))
    : [];
  const advice =
    runs.length > 0
      ? `It is a comparison; give one of its runs: ${runs.map(({ name }) => path.join(folder, name)).join(', ')}.`
      : 'Give the folder that a training has named at its end.';
  return new ArgumentError(
    `${folder} is not the folder of a run: it has no ${configName} or no ${bestName}/. ${advice}`,
  );
}
