/** Evaluates a finished run anew, from its folder alone. */
import fs from 'node:fs';
import path from 'node:path';

import { loadConfig } from '../config';
import { ArgumentError } from '../errors';
import type { Metrics } from '../metrics';
import { ResidualLlama, residualTitle } from '../residual';
import type { Device } from '../tensor';
import { studySchema } from './config';
import { bestName, configName, evaluateModel, prepareStudyData, type StudyOptions } from './run';

/** What an evaluation of a run gives. */
export interface RunEvaluation {
  title: string;
  /** Folder of the evaluated model. */
  model: string;
  metrics: Metrics;
}

/**
 * Loads `best/` of a run's folder and evaluates it on the validation data of the run's `study.yaml`. Writes nothing.
 *
 * @param options - `overrides` change the run's configuration, such as `device=cuda` or `data.corpus=other.txt`
 * @throws ArgumentError when the folder is not a run's; CheckpointError, ConfigError, DataError, AbortError.
 */
export async function evaluateRun(folder: string, options: Omit<StudyOptions, 'out'> = {}): Promise<RunEvaluation> {
  const file = path.join(folder, configName);
  const model = path.join(folder, bestName);
  if (!fs.existsSync(file) || !fs.existsSync(model)) throw notARun(folder);
  const study = loadConfig(file, studySchema, { overrides: options.overrides ?? [] });
  using loaded = await ResidualLlama.load(model, {
    device: study.device as Device,
    ...(options.signal && { signal: options.signal }),
  });
  const data = await prepareStudyData(study, options);
  const metrics = await evaluateModel(loaded, data, study, {}, options);
  return { title: residualTitle(loaded.config.residual), model, metrics };
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
