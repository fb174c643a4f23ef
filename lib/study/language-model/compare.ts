/** Trains a study's language models one after another, on the same blocks in the same order, and compares them. */
import type { LanguageModelSection } from '../../delight';
import { studyModels, type StudyModel } from '../models/models';
import { failedRow, finishedRow } from '../models/row';
import { compareAll, type Place } from '../shared/compare';
import { saveComparison } from '../shared/comparison';
import { refuseTaken } from '../shared/folder';
import type { StudyOptions } from '../shared/options';
import type { LanguageModelStudyConfig } from './config';
import { modelConfigOf, prepareStudyText } from './data';
import { runModel } from './run';
import { contextOf } from './score';
import {
  languageModelCsv,
  languageModelMarkdown,
  relateLanguageModelRow,
  type LanguageModelComparison,
  type LanguageModelRow,
} from './table';

type Entry = StudyModel<LanguageModelSection>;

/**
 * Runs a whole study: every model trained and evaluated in a folder of its own, then compared.
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function compareLanguageModels(
  study: LanguageModelStudyConfig,
  options: StudyOptions,
): Promise<LanguageModelComparison> {
  await refuseTaken(options.out);
  const models = studyModels(study.models);
  const data = await prepareStudyText(study, options);
  for (const model of models) modelConfigOf(model, data);
  const { blockSize, context } = contextOf(study, data);
  const scoring =
    `Perplexity of the validation text for each token: in blocks of ${blockSize} tokens by themselves, and with the ${context} to ` +
    `${blockSize - 1} tokens before it. MACs: one pass over a block.`;
  const work = {
    async run(model: Entry, folder: string, place: Place): Promise<LanguageModelRow> {
      const result = await runModel(study, model, data, folder, place, options);
      const { eval_perplexity: perplexity = null, eval_context_perplexity: contextPerplexity = null } = result.scores;
      return { ...finishedRow(model.slug, result, perplexity), contextPerplexity, contextPerplexityDifference: null };
    },
    failed: ({ title, slug }: Entry, error: string): LanguageModelRow => ({
      ...failedRow(title, slug, error),
      contextPerplexity: null,
      contextPerplexityDifference: null,
    }),
    async save(folder: string, rows: readonly LanguageModelRow[]): Promise<LanguageModelComparison> {
      const comparison: LanguageModelComparison = {
        task: 'language-model',
        study: study.name,
        folder,
        data: `${data.description}.`,
        scoring,
        rows: rows.map((row) => relateLanguageModelRow(row, rows[0]!)),
      };
      await saveComparison(comparison, languageModelMarkdown(comparison), languageModelCsv(comparison));
      return comparison;
    },
  };
  return compareAll(study, models, work, options);
}
