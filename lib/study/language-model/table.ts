/** The comparison of language models. */
import {
  modelRow,
  perplexityColumns,
  relateToFirst,
  rowKeys,
  sizeColumns,
  trainingColumns,
  type ModelRow,
} from '../models/row';
import type { StudyComparison, StudyKind } from '../shared/comparison';
import { both, metric, minus } from '../shared/row';
import { number, signed } from '../shared/table';

/** One language model in a comparison. MACs: one pass over a block. Perplexity: of the validation blocks, each by itself. */
export interface LanguageModelRow extends ModelRow {
  /** Of the validation text, each token with the context window before it. */
  contextPerplexity: number | null;
  /** Minus that of the first model. */
  contextPerplexityDifference: number | null;
}

export interface LanguageModelComparison extends StudyComparison<LanguageModelRow> {
  task: 'language-model';
  /** How perplexities and MACs were taken. */
  scoring: string;
}

export const languageModelKind: StudyKind<LanguageModelRow, LanguageModelComparison> = {
  task: 'language-model',
  thing: 'model',
  row: (run, folder) => ({
    ...modelRow(run, folder, 'eval_perplexity'),
    contextPerplexity: metric(run.outcome?.scores, 'eval_context_perplexity'),
    contextPerplexityDifference: null,
  }),
  reference: (rows) => rows[0],
  relate: (row, first) => ({
    ...relateToFirst(row, first),
    contextPerplexityDifference: both(row.contextPerplexity, first.contextPerplexity, minus),
  }),
  complete: (comparison, runs) => ({ task: 'language-model', ...comparison, scoring: runs[0]?.scoring ?? '' }),
  score: { key: 'perplexity', name: 'perplexity', digits: 2, better: 'lower' },
  cost: { key: 'macs', name: 'MACs of a block' },
  columns: [
    ...sizeColumns,
    ...perplexityColumns,
    { title: 'With context', key: 'contextPerplexity', cell: (row) => number(2)(row.contextPerplexity) },
    { title: '+/-', cell: (row) => signed(2)(row.contextPerplexityDifference) },
    ...trainingColumns,
  ],
  csvKeys: [...rowKeys, 'contextPerplexity', 'contextPerplexityDifference'],
  notes: ({ scoring }) => [scoring],
};
