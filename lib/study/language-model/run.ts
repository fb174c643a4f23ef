/** One language model from configuration to report: training, averaging, perplexities, files. */
import path from 'node:path';

import type { PreparedData } from '../../data';
import { DelightLanguageModel, modelCost, type LanguageModelSection } from '../../delight';
import { torch, type Device } from '../../tensor';
import { Trainer } from '../../train';
import { aloneOf, findModel, studyModels, studyOf, trainSectionOf, type StudyModel } from '../models/models';
import { trainModel } from '../models/train';
import { languageLoad } from '../plan/load';
import { samplesOf } from '../shared/header';
import { weightsName, type Context } from '../shared/options';
import type { RunOutcome } from '../shared/record';
import { sampleTexts } from '../shared/text-samples';
import type { Place, StudyTask } from '../shared/task';
import { report } from '../shared/training';
import type { LanguageModelStudyConfig } from './config';
import { modelConfigOf, prepareStudyText } from './data';
import { contextOf, scoreText } from './score';
import { languageModelKind, type LanguageModelComparison, type LanguageModelRow } from './table';

type Entry = StudyModel<LanguageModelSection>;

function costOf(entry: Entry, data: PreparedData) {
  const { parameters, passMacs } = modelCost(modelConfigOf(entry, data), {
    source: 1,
    target: data.train.blockSize,
  }).total;
  return { parameters, cost: passMacs };
}

/** Trains one model in its own (existing, empty) folder. */
async function runModel(
  study: LanguageModelStudyConfig,
  entry: Entry,
  data: PreparedData,
  folder: string,
  place: Place,
  { signal, onEvent, ...training }: Context,
): Promise<RunOutcome> {
  const { title } = entry;
  const config = modelConfigOf(entry, data);
  const train = trainSectionOf(study, entry);
  torch.manualSeed(study.seed);
  using model = DelightLanguageModel.create(config, { device: study.device as Device });
  const { metrics, best, step, tokensPerSecond } = await trainModel(
    {
      title,
      folder,
      place,
      parameters: costOf(entry, data).parameters,
      averages: train.averageLast !== undefined,
      sample: samplesOf(study, (size) => sampleTexts(model, data, { seed: study.seed, size, signal })),
      async save(target) {
        await model.save(target);
        await data.tokenizer.save(target);
      },
      restore: (source) => model.loadWeights(path.join(source, weightsName), { signal }),
    },
    (run) => new Trainer(model, { ...train, seed: study.seed, data, ...run }),
    { signal, onEvent, ...training },
  );
  const scores = await scoreText(model, data, study, { signal, onEvent });
  await report({ title, folder, split: 'eval', metrics: scores }, { onEvent });
  const samples = await sampleTexts(model, data, { seed: study.seed, signal });
  onEvent?.({ type: 'samples', title, samples });
  return { train: metrics, step, tokensPerSecond, scores, best, samples };
}

function describeScoring(study: LanguageModelStudyConfig, data: PreparedData): string {
  const { blockSize, context } = contextOf(study, data);
  return (
    `Perplexity of the validation text for each token: in blocks of ${blockSize} tokens by themselves, and with the ${context} to ` +
    `${blockSize - 1} tokens before it. MACs: one pass over a block.`
  );
}

export const languageModelTask: StudyTask<
  LanguageModelStudyConfig,
  Entry,
  PreparedData,
  LanguageModelRow,
  LanguageModelComparison
> = {
  table: languageModelKind,
  items: ({ models }) => studyModels(models),
  item: ({ models }, name) => findModel(models, name),
  alone: aloneOf,
  dataKey: ({ data, models }) => [data, Object.values(models).map((model) => model.maxPositionEmbeddings)],
  prepare: prepareStudyText,
  load: languageLoad,
  checkScoring: (study, data) => void contextOf(study, data),
  work: (study, data, context) => {
    const known = {
      task: 'language-model' as const,
      data: `${data.description}.`,
      scoring: describeScoring(study, data),
    };
    return {
      facts: (_study, entry) => ({ ...known, ...costOf(entry, data) }),
      config: (seeded, entry) => studyOf(seeded, entry, modelConfigOf(entry, data)),
      run: (seeded, entry, folder, place) => runModel(seeded, entry, data, folder, place, context),
    };
  },
};
