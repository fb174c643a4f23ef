/** Evaluates a finished run anew, from its folder alone. */
import path from 'node:path';

import { ResidualLlama, residualTitle } from '../../residual';
import type { Device } from '../../tensor';
import type { RunEvaluation } from '../shared/evaluation';
import { bestName, type StudyOptions } from '../shared/options';
import type { StudyConfig } from './config';
import { evaluateModel, prepareStudyData } from './run';

/** Evaluates `best/` on the study's validation data. */
export async function evaluateVariant(
  folder: string,
  study: StudyConfig,
  options: StudyOptions,
): Promise<RunEvaluation> {
  const model = path.join(folder, bestName);
  using loaded = await ResidualLlama.load(model, {
    device: study.device as Device,
    ...(options.signal && { signal: options.signal }),
  });
  const data = await prepareStudyData(study, options);
  const metrics = await evaluateModel(loaded, data, study, {}, options);
  return { title: residualTitle(loaded.config.residual), model, split: 'eval', metrics };
}
