/** Evaluates a finished run anew, from its folder alone. */
import { ResidualLlama, residualTitle } from '../../residual';
import type { Device } from '../../tensor';
import type { RunEvaluation } from '../shared/evaluation';
import { finalModel } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import type { StudyConfig } from './config';
import { prepareStudyData } from './data';
import { evaluateModel } from './run';

/** Evaluates the model that the run's report is about on the study's validation data. */
export async function evaluateVariant(
  folder: string,
  study: StudyConfig,
  options: StudyOptions,
): Promise<RunEvaluation> {
  const model = finalModel(folder, study.train);
  using loaded = await ResidualLlama.load(model, {
    device: study.device as Device,
    ...(options.signal && { signal: options.signal }),
  });
  const data = await prepareStudyData(study, options);
  const metrics = await evaluateModel(loaded, data, study, {}, options);
  return { title: residualTitle(loaded.config.residual), model, split: 'eval', metrics };
}
