/** Evaluates the language model of a finished run anew. */
import { DelightLanguageModel } from '../../delight';
import type { Device } from '../../tensor';
import { findModel } from '../models/models';
import type { RunEvaluation } from '../shared/evaluation';
import { finalModel } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import type { LanguageModelStudyConfig } from './config';
import { prepareStudyText } from './data';
import { scoreText } from './score';

export async function evaluateLanguageModel(
  folder: string,
  study: LanguageModelStudyConfig,
  options: StudyOptions,
): Promise<RunEvaluation> {
  const model = finalModel(folder, study.train);
  using loaded = await DelightLanguageModel.load(model, { device: study.device as Device, signal: options.signal });
  const data = await prepareStudyText(study, options);
  const metrics = await scoreText(loaded, data, study, options);
  return { title: findModel(study.models, undefined).title, model, split: 'eval', metrics };
}
