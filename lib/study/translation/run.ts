/** One translation model from configuration to report: training, averaging, the test set translated and scored, files. */
import path from 'node:path';

import { savePairTokenizers, type PreparedPairs } from '../../data';
import { DelightTransformer, modelCost, type TranslationModelSection } from '../../delight';
import { writeFileAtomically } from '../../files';
import { torch, type Device } from '../../tensor';
import { Trainer } from '../../train';
import { aloneOf, findModel, studyModels, studyOf, trainSectionOf, type StudyModel } from '../models/models';
import { trainModel } from '../models/train';
import { translationLoad } from '../plan/load';
import { samplesOf } from '../shared/header';
import { weightsName, type Context } from '../shared/options';
import type { RunOutcome } from '../shared/record';
import type { Place, StudyTask } from '../shared/task';
import { report } from '../shared/training';
import type { TranslationStudyConfig } from './config';
import { describeData, modelConfigOf, prepareStudyPairs } from './data';
import { sampleTranslations } from './samples';
import { bleuSignature, scoreTranslations, type TranslationScores } from './score';
import { translationKind, type TranslationComparison, type TranslationRow } from './table';

type Entry = StudyModel<TranslationModelSection>;

/** Trains one model in its own (existing, empty) folder. */
async function runModel(
  study: TranslationStudyConfig,
  entry: Entry,
  data: PreparedPairs,
  folder: string,
  place: Place,
  { signal, onEvent, ...training }: Context,
): Promise<RunOutcome> {
  const { title } = entry;
  const config = modelConfigOf(entry, data);
  const train = trainSectionOf(study, entry);
  torch.manualSeed(study.seed);
  using model = DelightTransformer.create(config, { device: study.device as Device });
  const { metrics, best, step, tokensPerSecond } = await trainModel(
    {
      title,
      folder,
      place,
      parameters: modelCost(config).total.parameters,
      averages: train.averageLast !== undefined,
      sample: samplesOf(study, (size) => sampleTranslations(model, data, { size, signal })),
      async save(target) {
        await model.save(target);
        await savePairTokenizers(target, { source: data.sourceTokenizer, target: data.targetTokenizer });
      },
      restore: (source) => model.loadWeights(path.join(source, weightsName), { signal }),
    },
    (run) => new Trainer(model, { ...train, seed: study.seed, data, ...run }),
    { signal, onEvent, ...training },
  );
  const scores = await scoreTranslations(model, data, study, { signal, onEvent });
  await writeTranslations(folder, data, scores);
  onEvent?.({ type: 'samples', title, samples: scores.samples });
  await report({ title, folder, split: 'test', metrics: scores.metrics }, { onEvent });
  return { train: metrics, step, tokensPerSecond, scores: scores.metrics, best, samples: scores.samples };
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

function describeScoring({ decode, data }: TranslationStudyConfig): string {
  const { beams, lengthPenalty } = decode;
  const search = `beam search with ${beams} beam${beams === 1 ? '' : 's'}, length penalty ${lengthPenalty}`;
  return `Scores of the test set: ${search}; BLEU ${bleuSignature(data.vocabulary.lowercase)}; perplexity for each token, end marks counted.`;
}

export const translationTask: StudyTask<
  TranslationStudyConfig,
  Entry,
  PreparedPairs,
  TranslationRow,
  TranslationComparison
> = {
  table: translationKind,
  items: ({ models }) => studyModels(models),
  item: ({ models }, name) => findModel(models, name),
  alone: aloneOf,
  dataKey: ({ data }) => data,
  prepare: prepareStudyPairs,
  load: translationLoad,
  work: (study, data, context) => {
    const known = { task: 'translation' as const, data: describeData(data), scoring: describeScoring(study) };
    return {
      facts(_study, entry) {
        const { parameters, macs: cost } = modelCost(modelConfigOf(entry, data)).total;
        return { ...known, parameters, cost };
      },
      config: (seeded, entry) => studyOf(seeded, entry, modelConfigOf(entry, data)),
      run: (seeded, entry, folder, place) => runModel(seeded, entry, data, folder, place, context),
    };
  },
};
