/** The comparison of a study's variants as data, Markdown, CSV and text. */

/** One variant in a comparison. Numbers are null where its training failed. */
export interface ComparisonRow {
  title: string;
  /** Folder of the run, inside the comparison's. */
  folder: string;
  parameters: number | null;
  evalLoss: number | null;
  perplexity: number | null;
  accuracy: number | null;
  /** Step of the best evaluation. */
  bestStep: number | null;
  /** Wall seconds. */
  trainRuntime: number | null;
  evalRuntime: number | null;
  /** `evalLoss` minus the baseline's; null without a baseline. */
  lossToBaseline: number | null;
  /** `trainRuntime` and `evalRuntime` over the baseline's. */
  trainRuntimeRatio: number | null;
  evalRuntimeRatio: number | null;
  /** Why the variant has no numbers. */
  error: string | null;
}

export interface Comparison {
  study: string;
  folder: string;
  /** In the study's order; finished variants only, while it runs. */
  rows: ComparisonRow[];
}

interface Column {
  title: string;
  cell: (row: ComparisonRow) => string;
}

const number = (digits: number) => (value: number | null) => (value === null ? '-' : value.toFixed(digits));
const signed = (value: number | null) => (value === null ? '-' : `${value > 0 ? '+' : ''}${value.toFixed(4)}`);
const ratio = (value: number | null) => (value === null ? '-' : `${value.toFixed(2)}x`);
const seconds = (value: number | null) => (value === null ? '-' : `${value.toFixed(1)} s`);

const columns: Column[] = [
  { title: 'Variant', cell: (row) => row.title },
  { title: 'Loss', cell: (row) => number(4)(row.evalLoss) },
  { title: 'vs baseline', cell: (row) => signed(row.lossToBaseline) },
  { title: 'Perplexity', cell: (row) => number(4)(row.perplexity) },
  { title: 'Accuracy', cell: (row) => number(4)(row.accuracy) },
  { title: 'Best step', cell: (row) => number(0)(row.bestStep) },
  { title: 'Parameters', cell: (row) => row.parameters?.toLocaleString('en-US') ?? '-' },
  { title: 'Training', cell: (row) => seconds(row.trainRuntime) },
  { title: '', cell: (row) => ratio(row.trainRuntimeRatio) },
  { title: 'Evaluation', cell: (row) => seconds(row.evalRuntime) },
  { title: '', cell: (row) => ratio(row.evalRuntimeRatio) },
];

/** Cells as text, all of a column equally wide; the first column to the left, numbers to the right. */
function paddedCells(comparison: Comparison): string[][] {
  const lines = [
    columns.map((column) => column.title),
    ...comparison.rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  return lines.map((line) =>
    line.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))),
  );
}

const failures = (comparison: Comparison) =>
  comparison.rows.flatMap((row) => (row.error === null ? [] : [`${row.title} failed: ${row.error}`]));

/** The table for a terminal. */
export function comparisonText(comparison: Comparison): string {
  const [head, ...body] = paddedCells(comparison).map((cells) => cells.join('  '));
  return [head!, '-'.repeat(head!.length), ...body, ...failures(comparison)].join('\n');
}

export function comparisonMarkdown(comparison: Comparison): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const [head, ...body] = paddedCells(comparison);
  const rule = head!.map((cell, index) =>
    index === 0 ? '-'.repeat(cell.length) : `${'-'.repeat(Math.max(1, cell.length - 1))}:`,
  );
  const notes = failures(comparison).map((failure) => `* ${failure}`);
  const table = [line(head!), line(rule), ...body.map(line)];
  return `# ${comparison.study}\n\n${[...table, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`;
}

/** All fields of the rows, numbers unrounded. */
export function comparisonCsv(comparison: Comparison): string {
  const keys = [
    'title',
    'folder',
    'parameters',
    'evalLoss',
    'perplexity',
    'accuracy',
    'bestStep',
    'trainRuntime',
    'evalRuntime',
    'lossToBaseline',
    'trainRuntimeRatio',
    'evalRuntimeRatio',
    'error',
  ] as const satisfies (keyof ComparisonRow)[];
  const quote = (value: string | number | null) => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [keys.join(','), ...comparison.rows.map((row) => keys.map((key) => quote(row[key])).join(','))]
    .map((line) => `${line}\n`)
    .join('');
}
