/** The comparison of translation models. */
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
import { number, seconds, signed } from '../shared/table';

/** One translation model in a comparison. MACs: for a source and a translation of 20 tokens, decoded token by token without caches. */
export interface TranslationRow extends ModelRow {
  /** sacreBLEU's, of the test set. */
  bleu: number | null;
  /** fairseq's tokenised BLEU, hyphenated compounds split. */
  compoundBleu: number | null;
  chrf: number | null;
  /** Minus that of the first model. */
  bleuDifference: number | null;
  /** Wall seconds of translating the test set. */
  translateRuntime: number | null;
}

export interface TranslationComparison extends StudyComparison<TranslationRow> {
  task: 'translation';
  /** How the test set was translated and scored: what a reader must know to compare. */
  scoring: string;
}

const macsNote =
  'MACs: a source of 20 tokens, its translation of 20 decoded token by token, each time from the beginning.';

export const translationKind: StudyKind<TranslationRow, TranslationComparison> = {
  task: 'translation',
  thing: 'model',
  row: (run, folder) => ({
    ...modelRow(run, folder, 'test_perplexity'),
    bleu: metric(run.outcome?.scores, 'test_bleu'),
    compoundBleu: metric(run.outcome?.scores, 'test_compound_bleu'),
    chrf: metric(run.outcome?.scores, 'test_chrf'),
    bleuDifference: null,
    translateRuntime: metric(run.outcome?.scores, 'test_runtime'),
  }),
  reference: (rows) => rows[0],
  relate: (row, first) => ({ ...relateToFirst(row, first), bleuDifference: both(row.bleu, first.bleu, minus) }),
  complete: (comparison, runs) => ({ task: 'translation', ...comparison, scoring: runs[0]?.scoring ?? '' }),
  score: { key: 'bleu', name: 'BLEU', digits: 2, better: 'higher' },
  cost: { key: 'macs', name: 'MACs of a translation' },
  columns: [
    ...sizeColumns,
    { title: 'BLEU', key: 'bleu', cell: (row) => number(2)(row.bleu) },
    { title: '+/-', cell: (row) => signed(2)(row.bleuDifference) },
    { title: 'chrF', key: 'chrf', cell: (row) => number(2)(row.chrf) },
    ...perplexityColumns,
    ...trainingColumns,
    { title: 'Translation', key: 'translateRuntime', cell: (row) => seconds(row.translateRuntime) },
  ],
  csvKeys: [...rowKeys, 'bleu', 'compoundBleu', 'chrf', 'bleuDifference', 'translateRuntime'],
  notes: ({ scoring }) => [scoring, macsNote],
};
