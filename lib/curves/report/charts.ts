/** The charts of trainings for a report: their course in as many points as a page shows. */
import { spreadOf } from '../../metrics';
import type { Contender, CurveChart, Point } from '../../report';
import type { Run } from '../run';
import { viewOf, type RunView } from '../view';

/** One of the things compared, with the runs of all its seeds. */
export interface Trained {
  contender: Contender;
  runs: readonly Run[];
}

/** What a chart takes from a run's view. */
interface Course {
  id: string;
  title: string;
  yLabel: string;
  evaluation?: string;
  curve?: string;
  /** Of what hardly wobbles: its axis begins at 0, and nobody asks what was averaged. */
  fromZero?: boolean;
}

/** Most points of a training's curve. */
const curvePoints = 150;
/** Metrics of evaluations that only say in another way what their loss says. */
const sameAsLoss = new Set(['eval_loss', 'eval_perplexity', 'eval_base2_loss']);

/** @param lossUnit what losses are counted in */
export function courseCharts(all: readonly Trained[], lossUnit: string): CurveChart[] {
  const request = { axis: 'step', from: null, to: null, points: curvePoints, smoothing: 0 } as const;
  const viewed = all.map(({ contender, runs }) => ({ contender, views: runs.map((run) => viewOf(run, request)) }));
  const views = viewed.flatMap((own) => own.views);
  const names = (of: (view: RunView) => object) => [...new Set(views.flatMap((view) => Object.keys(of(view))))];
  const charts: Course[] = [
    { id: 'evaluation-loss', title: 'Evaluation loss', yLabel: lossUnit, evaluation: 'eval_loss' },
    { id: 'training-loss', title: 'Training loss', yLabel: lossUnit, curve: 'loss' },
    ...names(({ evaluations }) => evaluations.metrics)
      .filter((name) => !sameAsLoss.has(name))
      .map((name) => ({ ...named('evaluation', name.replace(/^eval_/, '')), evaluation: name })),
    ...names(({ curves }) => curves)
      .filter((name) => name.startsWith('metrics.'))
      .map((name) => ({ ...named('training', name.slice('metrics.'.length)), curve: name })),
    { id: 'gradient-norm', title: 'Gradient norm before clipping', yLabel: 'L2 norm', curve: 'gradNorm' },
    { id: 'learning-rate', title: 'Learning rate', yLabel: '', curve: 'learningRate', fromZero: true },
    { id: 'tokens-per-second', title: 'Tokens per second', yLabel: '', curve: 'tokensPerSecond', fromZero: true },
  ];
  return charts.map((chart) => drawn(chart, viewed)).filter(({ curves }) => curves.length > 0);
}

/** `Evaluation accuracy`, in the file `evaluation-accuracy.svg`. */
function named(kind: 'evaluation' | 'training', name: string): Pick<Course, 'id' | 'title' | 'yLabel'> {
  const words = name.replaceAll('_', ' ');
  const slug = `${kind}-${name}`.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  return { id: slug, title: `${kind[0]!.toUpperCase()}${kind.slice(1)} ${words}`, yLabel: '' };
}

function drawn(
  { id, title, yLabel, curve, evaluation, fromZero = false }: Course,
  all: readonly { contender: Contender; views: readonly RunView[] }[],
): CurveChart {
  const points = ({ x, evaluations, curves }: RunView): Point[] =>
    curve === undefined
      ? pointsOf(evaluations.x, evaluations.metrics[evaluation!] ?? [])
      : pointsOf(x, curves[curve]?.line ?? []);
  const width = Math.max(0, ...all.flatMap(({ views }) => views.map((view) => view.width)));
  return {
    id,
    title: curve !== undefined && !fromZero && width > 1 ? `${title}, means of ${width} steps` : title,
    xLabel: 'step',
    yLabel,
    fromZero,
    marked: curve === undefined,
    curves: all
      .map(({ contender, views }) => ({ contender, points: overSeeds(views.map(points)) }))
      .filter((own) => own.points.length > 0),
  };
}

const pointsOf = (x: readonly number[], values: readonly (number | null)[]): Point[] =>
  x.flatMap((at, index) => (typeof values[index] === 'number' ? [{ x: at, y: values[index] }] : []));

/** One course of several that differ in their seed: the mean, the least and the most wherever all are. */
function overSeeds(courses: readonly Point[][]): Point[] {
  const [first = [], ...others] = courses.filter((course) => course.length > 0);
  if (others.length === 0) return first;
  const ofOthers = others.map((course) => new Map(course.map(({ x, y }) => [x, y])));
  return first.flatMap(({ x, y }) => {
    const ys = ofOthers.map((course) => course.get(x));
    if (ys.includes(undefined)) return [];
    const { mean, least: low, most: high } = spreadOf([y, ...(ys as number[])]);
    return [{ x, y: mean, low, high }];
  });
}
