/** The comparison of language models as data, text, Markdown and CSV. */
import { both, failures, minus, type StudyComparison } from '../shared/comparison';
import { csvTable, markdownTable, number, signed, textTable, type Column } from '../shared/table';
import { perplexityColumns, relateToFirst, rowKeys, sizeColumns, trainingColumns, type ModelRow } from '../models/row';

/** One language model in a comparison. MACs: one pass over a block. Perplexity: of the validation blocks, each by itself. */
export interface LanguageModelRow extends ModelRow {
  /** Of the validation text, each token with the context window before it. */
  contextPerplexity: number | null;
  /** Minus that of the first model. */
  contextPerplexityDifference: number | null;
}

export interface LanguageModelComparison extends StudyComparison<LanguageModelRow> {
  task: 'language-model';
  /** The data, in one line. */
  data: string;
  /** How perplexities and MACs were taken. */
  scoring: string;
}

export function relateLanguageModelRow(row: LanguageModelRow, first: LanguageModelRow): LanguageModelRow {
  return {
    ...relateToFirst(row, first),
    contextPerplexityDifference: both(row.contextPerplexity, first.contextPerplexity, minus),
  };
}

const columns: Column<LanguageModelRow>[] = [
  ...sizeColumns,
  ...perplexityColumns,
  { title: 'With context', cell: (row) => number(2)(row.contextPerplexity) },
  { title: '+/-', cell: (row) => signed(2)(row.contextPerplexityDifference) },
  ...trainingColumns,
];

/** The table for a terminal. */
export function languageModelText(comparison: LanguageModelComparison): string {
  return [textTable(columns, comparison.rows), ...failures(comparison), '', comparison.scoring].join('\n');
}

export function languageModelMarkdown(comparison: LanguageModelComparison): string {
  const { study, data, scoring, rows } = comparison;
  const notes = [data, scoring, ...failures(comparison)].map((note) => `* ${note}`).join('\n');
  return `# ${study}\n\n${markdownTable(columns, rows)}\n\n${notes}\n`;
}

/** All fields of the rows, numbers unrounded. */
export function languageModelCsv({ rows }: LanguageModelComparison): string {
  return csvTable([...rowKeys, 'contextPerplexity', 'contextPerplexityDifference'], rows);
}
