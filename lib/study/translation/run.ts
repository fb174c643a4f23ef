/** One translation model from configuration to report: training, averaging, the test set translated and scored, files. */
import path from 'node:path';

import { savePairTokenizers, type PreparedPairs } from '../../data';
import { DelightTransformer, modelCost, type TranslationModelSection } from '../../delight';
import { writeFileAtomically } from '../../files';
import { torch, type Device } from '../../tensor';
import { Trainer } from '../../train';
import { findModel, trainSectionOf, type StudyModel } from '../models/models';
import type { ModelResult } from '../models/result';
import { trainModel } from '../models/train';
import type { Place } from '../shared/compare';
import { createRunFolder, keepingIn, refuseTaken } from '../shared/folder';
import { weightsName, type Context, type TrainStudyOptions } from '../shared/options';
import { report } from '../shared/training';
import type { TranslationStudyConfig } from './config';
import { modelConfigOf, prepareStudyPairs } from './data';
import { scoreTranslations, type TranslationScores } from './score';

/** What one run gives. */
export interface TranslationResult extends ModelResult {
  samples: TranslationScores['samples'];
}

/** Trains one model in its own (existing, empty) folder. */
export async function runModel(
  study: TranslationStudyConfig,
  entry: StudyModel<TranslationModelSection>,
  data: PreparedPairs,
  folder: string,
  place: Place,
  { signal, onEvent }: Context,
): Promise<TranslationResult> {
  const { title } = entry;
  const config = modelConfigOf(entry, data);
  const train = trainSectionOf(study, entry);
  const { parameters, macs } = modelCost(config).total;
  torch.manualSeed(study.seed);
  using model = DelightTransformer.create(config, { device: study.device as Device });
  const { metrics, best, tokensPerSecond } = await trainModel(
    {
      title,
      folder,
      place,
      parameters,
      study: { ...study, models: { [title]: config }, learningRates: {}, train },
      averages: train.keepLast !== undefined,
      async save(target) {
        await model.save(target);
        await savePairTokenizers(target, { source: data.sourceTokenizer, target: data.targetTokenizer });
      },
      restore: (source) => model.loadWeights(path.join(source, weightsName), { signal }),
    },
    (checkpoints) => new Trainer(model, { ...train, seed: study.seed, data, signal, checkpoints }),
    { signal, onEvent },
  );
  const scores = await scoreTranslations(model, data, study, { signal, onEvent });
  await writeTranslations(folder, data, scores);
  onEvent?.({ type: 'samples', title, samples: scores.samples });
  await report({ title, folder, split: 'test', metrics: scores.metrics }, { onEvent });
  const { samples } = scores;
  return { title, folder, parameters, macs, train: metrics, tokensPerSecond, scores: scores.metrics, best, samples };
}

/** `translations.txt`, and beside it `sources.txt` and `references.txt`: the same line of each belongs together. */
async function writeTranslations(
  folder: string,
  data: PreparedPairs,
  { translations }: TranslationScores,
): Promise<void> {
  const { source, target } = data.testText;
  const files = { 'translations.txt': translations, 'sources.txt': source, 'references.txt': target };
  for (const [name, lines] of Object.entries(files)) {
    const text = lines.map((line) => `${line.replace(/\s*[\r\n]+\s*/g, ' ')}\n`).join('');
    await writeFileAtomically(path.join(folder, name), text);
  }
}

/**
 * Trains one of a study's models, by default the first.
 * @throws ConfigError for a name that is none of its models'; DataError, NonFiniteError, AbortError as all studies
 */
export async function trainTranslation(
  study: TranslationStudyConfig,
  { model, ...options }: TrainStudyOptions,
): Promise<TranslationResult> {
  const entry = findModel(study.models, model);
  await refuseTaken(options.out);
  const data = await prepareStudyPairs(study, options);
  modelConfigOf(entry, data);
  const folder = await createRunFolder(study.name, study.output, options.out);
  return keepingIn(folder, () => runModel(study, entry, data, folder, { number: 1, count: 1 }, options));
}
