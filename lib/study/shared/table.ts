/** A table of rows for a terminal, as Markdown and as CSV: each kind of study gives its own columns. */

export interface Column<Row> {
  title: string;
  /** The field that it shows, where something refers to it. */
  key?: string;
  cell: (row: Row) => string;
}

/** How a number that may be missing is shown: `-` where it is. */
export const number = (digits: number) => (value: number | null) => (value === null ? '-' : value.toFixed(digits));
export const signed = (digits: number) => (value: number | null) =>
  value === null ? '-' : `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;
export const ratio = (value: number | null) => (value === null ? '-' : `${value.toFixed(2)}x`);
export const seconds = (value: number | null) => (value === null ? '-' : `${value.toFixed(1)} s`);
export const whole = (value: number | null) => value?.toLocaleString('en-US') ?? '-';

/** A text in a line of its own, runs of white space as one blank: a model that has learned little may write nothing else. */
export const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim() || '(blank)';

/** Cells as text, all of a column equally wide; the first column to the left, numbers to the right. */
function paddedCells<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[][] {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  return lines.map((line) =>
    line.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))),
  );
}

/** The table for a terminal, a line for each row. */
export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const [head, ...body] = paddedCells(columns, rows).map((cells) => cells.join('  '));
  return [head!, '-'.repeat(head!.length), ...body].join('\n');
}

export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const [head, ...body] = paddedCells(columns, rows);
  const rule = head!.map((cell, index) =>
    index === 0 ? '-'.repeat(cell.length) : `${'-'.repeat(Math.max(1, cell.length - 1))}:`,
  );
  return [line(head!), line(rule), ...body.map(line)].join('\n');
}

/** The named fields of the rows, numbers unrounded, each line ended. */
export function csvTable<Key extends string>(
  keys: readonly Key[],
  rows: readonly Record<Key, string | number | null>[],
): string {
  const quote = (value: string | number | null) => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [keys.join(','), ...rows.map((row) => keys.map((key) => quote(row[key])).join(','))]
    .map((line) => `${line}\n`)
    .join('');
}
