/** What a report shows, whatever was measured: this room draws, and knows nothing of models or studies. */

/** One of the things compared: a name, and the place of its colour, the same in every figure. */
export interface Contender {
  title: string;
  /** From 0. */
  color: number;
  /** Drawn with dashes: it belongs to another one of the same colour. */
  dashed: boolean;
}

/** A curve, or several of one contender that differ in their seed. */
export interface Curve {
  contender: Contender;
  /** Ascending in x. */
  points: readonly Point[];
}

export interface Point {
  x: number;
  y: number;
  /** Least and most over several seeds. */
  low?: number;
  high?: number;
}

export interface CurveChart {
  /** Names its file. */
  id: string;
  title: string;
  xLabel: string;
  yLabel: string;
  curves: readonly Curve[];
  /** Places of x by their logarithm: all are above 0. Default: by themselves. */
  xScale?: 'log';
  /** Whether the vertical axis begins at 0. Default: it holds the curves and little more. */
  fromZero?: boolean;
  /** Whether single points are marked: few, and worth it. */
  marked: boolean;
}

/** One mark for each contender. */
export interface ScatterChart {
  id: string;
  title: string;
  xLabel: string;
  yLabel: string;
  marks: readonly { contender: Contender; point: Point }[];
}

export interface HeatMap {
  id: string;
  title: string;
  rowLabel: string;
  columnLabel: string;
  rows: readonly { label: string; cells: readonly (number | null)[] }[];
  columns: readonly string[];
}

export interface ReportTable {
  columns: readonly { title: string; key: string | null }[];
  rows: readonly { contender: Contender; cells: readonly string[]; failed: boolean }[];
}

export interface ReportSample {
  source: string;
  reference: string | null;
  texts: readonly { contender: Contender; text: string }[];
}

export interface Report {
  title: string;
  /** A line under the title. */
  summary: string;
  /** What can be claimed and what cannot. */
  findings: readonly string[];
  table: ReportTable;
  /** What a reader of the table must know. */
  notes: readonly string[];
  curves: readonly CurveChart[];
  /** How fast it was, where the time went, what memory it took. */
  speed?: ReportTable;
  scatters: readonly ScatterChart[];
  /** What was measured against what was set. */
  settings?: readonly CurveChart[];
  heatMaps: readonly HeatMap[];
  samples: readonly ReportSample[];
  /** Texts in full, to be opened: configurations, the reports of single runs. */
  details: readonly { title: string; text: string }[];
  /** Name and value of what the numbers came from: versions, machine, data. */
  facts: readonly (readonly [name: string, value: string])[];
}
