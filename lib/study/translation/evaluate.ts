/** Translates and scores the test set of a finished run anew. */
import { DelightTransformer } from '../../delight';
import type { Device } from '../../tensor';
import { finalModel } from '../shared/folder';
import { findModel } from '../models/models';
import type { RunEvaluation } from '../shared/evaluation';
import type { StudyOptions } from '../shared/options';
import type { TranslationStudyConfig } from './config';
import { prepareStudyPairs } from './data';
import { scoreTranslations } from './score';

/** @throws DataError when the data prepared anew have other vocabularies than the model */
export async function evaluateTranslation(
  folder: string,
  study: TranslationStudyConfig,
  options: StudyOptions,
): Promise<RunEvaluation> {
  const model = finalModel(folder);
  using loaded = await DelightTransformer.load(model, { device: study.device as Device, signal: options.signal });
  const data = await prepareStudyPairs(study, options);
  const { metrics } = await scoreTranslations(loaded, data, study, options);
  return { title: findModel(study.models, undefined).title, model, split: 'test', metrics };
}
