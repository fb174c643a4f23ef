/** The curves of a run as the page draws them: a part of its course, in as many points as there are pixels. */
import type { Mark, Run } from './run';
import type { Axis } from './rows';
import { bucketsOf, smoothIn, spreadIn } from './thin';

export interface ViewRequest {
  axis: Axis;
  /** Places between which the page shows; null for all. */
  from: number | null;
  to: number | null;
  /** Most points of a curve. */
  points: number;
  /** Over what width of the axis noisy curves are smoothed; 0 for not at all. */
  smoothing: number;
}

type Numbers = (number | null)[];

/** One curve over the view's `x`. */
export interface CurveView {
  /** What is drawn boldly: the smoothed curve, else the curve itself, means where it is thinned out. */
  line: Numbers;
  /** Of a smoothed curve that is not thinned out: the curve itself. */
  raw?: Numbers;
  /** Of a curve that is thinned out: its least and its most around each place. */
  low?: Numbers;
  high?: Numbers;
}

export interface RunView {
  version: number;
  x: number[];
  /** Width of what one point stands for; 0 where it is one step. */
  width: number;
  curves: Record<string, CurveView>;
  evaluations: { x: number[]; metrics: Record<string, Numbers> };
  marks: (Pick<Mark, 'kind' | 'text' | 'best' | 'step'> & { x: number })[];
}

/** Curves that do not wobble are drawn as they are. */
const exact = /^(learningRate|memory|peakMemory|deviceMemory|peakDeviceMemory|scale|tokensPerSecond|mfu|split\..*)$/;
/** How an evaluation went, not what it found. */
const notFound = /^epoch$|_runtime$|_samples$|_per_second$|_targets$|_tokens$/;
/** Marks in a view: more cannot be told apart. */
const mostMarks = 120;

export function viewOf(run: Run, { axis, from, to, points, smoothing }: ViewRequest): RunView {
  const { rows, version } = run;
  const [low, high] = [from ?? -Infinity, to ?? Infinity];
  const range = rows.between(axis, low, high);
  const buckets = bucketsOf(rows.places(axis), range, { span: high - low, points });
  const count = range.end - range.start;
  const places = rows.places(axis);
  const extent = count > 1 ? places[range.end - 1]! - places[range.start]! : 0;
  const window = extent > 0 ? (smoothing * (count - 1)) / extent : 0;
  const perBucket = count / Math.max(1, buckets.ends.length);
  const curves = rows.names.map((name): [string, CurveView] => {
    const values = rows.values(name);
    const isSmoothed = window > perBucket && !exact.test(name);
    if (buckets.width === 0) {
      const raw = rounded(values.subarray(range.start, range.end));
      return [name, isSmoothed ? { line: rounded(smoothIn(values, buckets, window)), raw } : { line: raw }];
    }
    const { low: least, high: most, mean } = spreadIn(values, buckets);
    if (exact.test(name)) return [name, { line: rounded(mean) }];
    const line = isSmoothed ? smoothMeans(mean, window / perBucket) : mean;
    return [name, { line: rounded(line), low: rounded(least), high: rounded(most) }];
  });
  return {
    version,
    x: buckets.x,
    width: buckets.width,
    curves: Object.fromEntries(curves),
    evaluations: evaluationsIn(run, axis, [low, high], points),
    marks: marksIn(run, axis, [low, high]),
  };
}

/** Of what is thinned out, the buckets' means are smoothed: so many rows need not be gone through again. */
function smoothMeans(means: readonly number[], window: number): number[] {
  const ends = means.map((_, index) => index + 1);
  return smoothIn(Float32Array.from(means), { start: 0, ends, x: [], width: 0 }, window);
}

type Span = readonly [low: number, high: number];

function evaluationsIn(run: Run, axis: Axis, [low, high]: Span, points: number): RunView['evaluations'] {
  const inside = spare(
    run.evaluations.filter((evaluation) => evaluation[axis] >= low && evaluation[axis] <= high),
    points,
  );
  const names = [...new Set(inside.flatMap(({ metrics }) => Object.keys(metrics)))].filter(
    (name) => !notFound.test(name),
  );
  return {
    x: inside.map((evaluation) => evaluation[axis]),
    metrics: Object.fromEntries(
      names.map((name) => [name, rounded(inside.map(({ metrics }) => metrics[name] ?? NaN))] as const),
    ),
  };
}

function marksIn(run: Run, axis: Axis, [low, high]: Span): RunView['marks'] {
  const inside = run.marks.filter((mark) => mark[axis] >= low && mark[axis] <= high);
  return spare(inside, mostMarks).map((mark) => {
    const { kind, text, best, step } = mark;
    return { kind, text, best, step, x: mark[axis] };
  });
}

/** So many of a list, evenly, the last one among them. */
function spare<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, index) => list[Math.round(((index + 1) * list.length) / most) - 1]!);
}

/** Six digits are more than a figure shows; what is not finite is a gap. */
function rounded(values: ArrayLike<number>): Numbers {
  return Array.from(values, (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null));
}
