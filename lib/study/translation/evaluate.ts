/** Translates and scores the test set of a finished run anew. */
import { loadPairTokenizers, type PreparedPairs } from '../../data';
import { DelightTransformer } from '../../delight';
import { DataError } from '../../errors';
import type { Device } from '../../tensor';
import { findModel } from '../models/models';
import type { RunEvaluation } from '../shared/evaluation';
import { finalModel } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import type { TranslationStudyConfig } from './config';
import { prepareStudyPairs } from './data';
import { scoreTranslations } from './score';

/** @throws DataError when the corpus is no longer the one that the model was trained on */
export async function evaluateTranslation(
  folder: string,
  study: TranslationStudyConfig,
  options: StudyOptions,
): Promise<RunEvaluation> {
  const model = finalModel(folder, study.train);
  using loaded = await DelightTransformer.load(model, { device: study.device as Device, signal: options.signal });
  const data = await prepareStudyPairs(study, options);
  await checkVocabulary(model, data);
  const { metrics } = await scoreTranslations(loaded, data, study, options);
  return { title: findModel(study.models, undefined).title, model, split: 'test', metrics };
}

/** Another vocabulary of the same size would give numbers that mean nothing. */
async function checkVocabulary(model: string, { sourceTokenizer, targetTokenizer }: PreparedPairs): Promise<void> {
  const own = await loadPairTokenizers(model);
  if (own.source.fingerprint === sourceTokenizer.fingerprint && own.target.fingerprint === targetTokenizer.fingerprint)
    return;
  throw new DataError(
    `The data give another vocabulary than ${model} was trained with: the corpus or data.vocabulary has changed since. Translate a test set ` +
      'of your own with `torchwright translate`, and score it with `torchwright score`.',
  );
}
