/** One language model from configuration to report: training, averaging, perplexities, files. */
import path from 'node:path';

import type { PreparedData } from '../../data';
import { DelightLanguageModel, modelCost, type LanguageModelSection } from '../../delight';
import { torch, type Device } from '../../tensor';
import { Trainer } from '../../train';
import { findModel, trainSectionOf, type StudyModel } from '../models/models';
import type { ModelResult } from '../models/result';
import { trainModel } from '../models/train';
import type { Place } from '../shared/compare';
import { createRunFolder, keepingIn, refuseTaken } from '../shared/folder';
import { weightsName, type Context, type TrainStudyOptions } from '../shared/options';
import { report } from '../shared/training';
import type { LanguageModelStudyConfig } from './config';
import { modelConfigOf, prepareStudyText } from './data';
import { contextOf, scoreText } from './score';

/** Trains one model in its own (existing, empty) folder. */
export async function runModel(
  study: LanguageModelStudyConfig,
  entry: StudyModel<LanguageModelSection>,
  data: PreparedData,
  folder: string,
  place: Place,
  { signal, onEvent }: Context,
): Promise<ModelResult> {
  const { title } = entry;
  const config = modelConfigOf(entry, data);
  const train = trainSectionOf(study, entry);
  const { parameters, passMacs: macs } = modelCost(config, { source: 1, target: data.train.blockSize }).total;
  torch.manualSeed(study.seed);
  using model = DelightLanguageModel.create(config, { device: study.device as Device });
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
        await data.tokenizer.save(target);
      },
      restore: (source) => model.loadWeights(path.join(source, weightsName), { signal }),
    },
    (checkpoints) => new Trainer(model, { ...train, seed: study.seed, data, signal, checkpoints }),
    { signal, onEvent },
  );
  const scores = await scoreText(model, data, study, { signal, onEvent });
  await report({ title, folder, split: 'eval', metrics: scores }, { onEvent });
  return { title, folder, parameters, macs, train: metrics, tokensPerSecond, scores, best };
}

/**
 * Trains one of a study's models, by default the first.
 * @throws ConfigError for a name that is none of its models'; DataError, NonFiniteError, AbortError as all studies
 */
export async function trainLanguageModel(
  study: LanguageModelStudyConfig,
  { model, ...options }: TrainStudyOptions,
): Promise<ModelResult> {
  const entry = findModel(study.models, model);
  await refuseTaken(options.out);
  const data = await prepareStudyText(study, options);
  modelConfigOf(entry, data);
  contextOf(study, data);
  const folder = await createRunFolder(study.name, study.output, options.out);
  return keepingIn(folder, () => runModel(study, entry, data, folder, { number: 1, count: 1 }, options));
}
