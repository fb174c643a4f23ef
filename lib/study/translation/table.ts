/** The comparison of translation models as data, text, Markdown and CSV. */
import { both, failures, minus, type StudyComparison } from '../shared/comparison';
import { csvTable, markdownTable, number, oneLine, seconds, signed, textTable, type Column } from '../shared/table';
import { perplexityColumns, relateToFirst, rowKeys, sizeColumns, trainingColumns, type ModelRow } from '../models/row';

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

/** One sentence of the test set, and what each model made of it. */
export interface TranslationSample {
  source: string;
  reference: string;
  translations: { title: string; text: string }[];
}

export interface TranslationComparison extends StudyComparison<TranslationRow> {
  task: 'translation';
  /** What the data are, what was left out of them, and their hash. */
  data: string;
  /** How the test set was translated and scored: what a reader must know to compare. */
  scoring: string;
  samples: TranslationSample[];
}

export function relateTranslationRow(row: TranslationRow, first: TranslationRow): TranslationRow {
  return { ...relateToFirst(row, first), bleuDifference: both(row.bleu, first.bleu, minus) };
}

const columns: Column<TranslationRow>[] = [
  ...sizeColumns,
  { title: 'BLEU', cell: (row) => number(2)(row.bleu) },
  { title: '+/-', cell: (row) => signed(2)(row.bleuDifference) },
  { title: 'chrF', cell: (row) => number(2)(row.chrf) },
  ...perplexityColumns,
  ...trainingColumns,
  { title: 'Translation', cell: (row) => seconds(row.translateRuntime) },
];

const macsNote =
  'MACs: a source of 20 tokens, its translation of 20 decoded token by token, each time from the beginning.';

/** The table for a terminal. */
export function translationText(comparison: TranslationComparison): string {
  const { rows, scoring } = comparison;
  return [textTable(columns, rows), ...failures(comparison), '', scoring, macsNote].join('\n');
}

export function translationMarkdown(comparison: TranslationComparison): string {
  const { study, data, scoring, samples, rows } = comparison;
  const notes = [data, scoring, macsNote, ...failures(comparison)].map((note) => `* ${note}`);
  const quoted = samples.map(({ source, reference, translations }) =>
    [
      `> ${oneLine(source)}\n`,
      `| | |\n| --- | --- |`,
      ...[{ title: 'Reference', text: reference }, ...translations].map(
        ({ title, text }) => `| ${title} | ${oneLine(text).replaceAll('|', '\\|')} |`,
      ),
    ].join('\n'),
  );
  const sections = [
    markdownTable(columns, rows),
    notes.join('\n'),
    ...(quoted.length > 0 ? ['## Samples'] : []),
    ...quoted,
  ];
  return `# ${study}\n\n${sections.join('\n\n')}\n`;
}

/** All fields of the rows, numbers unrounded. */
export function translationCsv({ rows }: TranslationComparison): string {
  return csvTable([...rowKeys, 'bleu', 'compoundBleu', 'chrf', 'bleuDifference', 'translateRuntime'], rows);
}
