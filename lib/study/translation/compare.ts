/** Trains a study's translation models one after another, on the same batches in the same order, and compares them. */
import type { TranslationModelSection } from '../../delight';
import { bleuSignature } from './score';
import { studyModels, type StudyModel } from '../models/models';
import { failedRow, finishedRow } from '../models/row';
import { compareAll, type Place } from '../shared/compare';
import { saveComparison } from '../shared/comparison';
import { refuseTaken } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import type { TranslationStudyConfig } from './config';
import { describeData, modelConfigOf, prepareStudyPairs } from './data';
import { runModel, type TranslationResult } from './run';
import {
  relateTranslationRow,
  translationCsv,
  translationMarkdown,
  type TranslationComparison,
  type TranslationRow,
  type TranslationSample,
} from './table';

type Entry = StudyModel<TranslationModelSection>;

/**
 * Runs a whole study: every model trained, its test set translated and scored in a folder of its own, then compared.
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function compareTranslation(
  study: TranslationStudyConfig,
  options: StudyOptions,
): Promise<TranslationComparison> {
  await refuseTaken(options.out);
  const models = studyModels(study.models);
  const data = await prepareStudyPairs(study, options);
  for (const model of models) modelConfigOf(model, data);
  let samples: TranslationSample[] = [];
  const work = {
    async run(model: Entry, folder: string, place: Place): Promise<TranslationRow> {
      const result = await runModel(study, model, data, folder, place, options);
      samples = addSamples(samples, result);
      return rowOf(model.slug, result);
    },
    failed: ({ title, slug }: Entry, error: string) => ({ ...noScores, ...failedRow(title, slug, error) }),
    async save(folder: string, rows: readonly TranslationRow[]): Promise<TranslationComparison> {
      const comparison: TranslationComparison = {
        task: 'translation',
        study: study.name,
        folder,
        data: describeData(data),
        scoring: describeScoring(study),
        rows: rows.map((row) => relateTranslationRow(row, rows[0]!)),
        samples,
      };
      await saveComparison(comparison, translationMarkdown(comparison), translationCsv(comparison));
      return comparison;
    },
  };
  return compareAll(study, models, work, options);
}

const noScores = { bleu: null, compoundBleu: null, chrf: null, bleuDifference: null, translateRuntime: null };

function rowOf(folder: string, result: TranslationResult): TranslationRow {
  const { scores } = result;
  return {
    ...finishedRow(folder, result, scores.test_perplexity ?? null),
    bleu: scores.test_bleu ?? null,
    compoundBleu: scores.test_compound_bleu ?? null,
    chrf: scores.test_chrf ?? null,
    bleuDifference: null,
    translateRuntime: scores.test_runtime ?? null,
  };
}

function addSamples(samples: TranslationSample[], { title, samples: own }: TranslationResult): TranslationSample[] {
  return own.map(({ source, reference, translation }, index) => ({
    source,
    reference,
    translations: [...(samples[index]?.translations ?? []), { title, text: translation }],
  }));
}

function describeScoring({ decode, data }: TranslationStudyConfig): string {
  const { beams, lengthPenalty } = decode;
  const search = `beam search with ${beams} beam${beams === 1 ? '' : 's'}, length penalty ${lengthPenalty}`;
  return `Scores of the test set: ${search}; BLEU ${bleuSignature(data.vocabulary.lowercase)}; perplexity for each token, end marks counted.`;
}
