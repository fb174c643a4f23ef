/** The page of a sweep: its study's report with trials as rows, and the score against each setting. */
import { colorCount, type Contender, type Report } from '../../report';
import type { StudyComparison, StudyKind } from '../shared/comparison';
import type { SavedRun } from '../shared/record';
import { reportOf } from '../shared/report';
import type { BaseRow } from '../shared/row';
import type { Axis } from './axes';
import { shortNames } from './names';
import type { Point } from './point';
import type { SweepResult } from './result';
import { settingsCharts } from './settings-charts';

/** Of so many trials, the best ones, the course of training is drawn. */
const mostCurves = colorCount;

export async function sweepReport<Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  kind: StudyKind<Row, Comparison>,
  { study, folder, axes }: { study: string; folder: string; axes: readonly Axis[] },
  runs: readonly SavedRun[],
  result: SweepResult,
  pointByTitle: ReadonlyMap<string, Pick<Point, 'number' | 'choices' | 'settings'>>,
): Promise<Report> {
  const report = await reportOf(kind, { name: study, folder }, runs);
  const { rows, best } = result;
  const drawn = new Set(rows.slice(0, mostCurves).map(({ title }) => title));
  const names = shortNames([...new Set(axes.flatMap(({ keys }) => keys))]);
  const numbered = (contender: Contender): Contender => ({
    ...contender,
    title: String(pointByTitle.get(contender.title)!.number),
  });
  return {
    ...report,
    notes: [
      ...report.notes,
      ...(rows.length > mostCurves ? [`Curves are drawn of the best ${mostCurves} trials.`] : []),
    ],
    settings: settingsCharts(result, axes, names, ({ title }) => pointByTitle.get(title)!),
    curves: report.curves.map((chart) => ({
      ...chart,
      curves: chart.curves.filter(({ contender }) => drawn.has(contender.title)),
    })),
    // Trials have long names and lie close together.
    scatters: report.scatters.map((chart) => ({
      ...chart,
      marks: chart.marks.map(({ contender, point }) => ({ contender: numbered(contender), point })),
    })),
    heatMaps: report.heatMaps.filter(
      ({ title }) => best !== null && (title === best.title || title.startsWith(`${best.title}, mean of `)),
    ),
  };
}
