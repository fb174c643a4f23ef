/** How the score depends on each setting: a figure for every key whose values are numbers. */
import { colorCount, type Contender, type CurveChart, type Point } from '../../report';
import type { Axis } from './axes';
import { titleOf } from './names';
import type { Point as Trial } from './point';
import type { SweepResult, SweepRow } from './result';

type NumberedTrial = Pick<Trial, 'choices' | 'settings'>;

/** Figures of the trials that have a score, a curve for each combination of the other axes, or where these are too many, of the best of them. */
export function settingsCharts(
  { rows, score }: SweepResult,
  axes: readonly Axis[],
  names: ReadonlyMap<string, string>,
  trialOf: (row: SweepRow) => NumberedTrial,
): CurveChart[] {
  const scored = rows.filter((row) => row.score !== null);
  return axes.flatMap((axis, place) =>
    axis.keys.flatMap((key) => {
      const placed = scored.filter(({ settings }) => typeof settings[key] === 'number');
      const values = [...new Set(placed.map(({ settings }) => settings[key] as number))];
      if (values.length < 2 || placed.length < scored.length) return [];
      const groups = groupsOf(placed, (row) =>
        trialOf(row)
          .choices.filter((_, index) => index !== place)
          .join(),
      );
      const others = ([first]: SweepRow[]) =>
        titleOf(
          Object.fromEntries(Object.entries(first!.settings).filter(([other]) => !axis.keys.includes(other))),
          names,
        );
      const few = groups.length <= colorCount;
      const curves = (few ? groups : [placed]).map((group, color) => {
        const title = !few ? 'best of all others' : others(group) || score.name;
        const contender: Contender = { title, color, dashed: false };
        return { contender, points: pointsOf(group, key, score.better) };
      });
      const isLog = Math.min(...values) > 0 && Math.max(...values) >= 10 * Math.min(...values);
      return [
        {
          id: `score-${key.replace(/[^A-Za-z0-9.]+/g, '-')}`,
          title: `${score.name[0]!.toUpperCase()}${score.name.slice(1)} against ${names.get(key)!}`,
          xLabel: key,
          yLabel: `${score.name} (${score.better} is better)`,
          curves,
          marked: true,
          ...(isLog && { xScale: 'log' as const }),
        },
      ];
    }),
  );
}

function groupsOf<Item>(items: readonly Item[], nameOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item]);
  return [...groups.values()];
}

/** The best row at each value, ascending. */
function pointsOf(rows: readonly SweepRow[], key: string, better: SweepResult['score']['better']): Point[] {
  const best = new Map<number, SweepRow>();
  for (const row of rows) {
    const value = row.settings[key] as number;
    const other = best.get(value);
    if (!other || row.score! < other.score! === (better === 'lower')) best.set(value, row);
  }
  return [...best]
    .sort(([a], [b]) => a - b)
    .map(([x, { score, spread }]) => ({ x, y: score!, ...(spread && { low: spread.least, high: spread.most }) }));
}
