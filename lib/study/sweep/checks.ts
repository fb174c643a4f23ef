/** What is wrong with the trials of a sweep, told once for all that share it. */
import type { Setting } from '../../config';
import { keyOf, type Axis } from './axes';
import type { Point } from './point';

type Checked = Pick<Point, 'title' | 'given'>;

/** Keys that are the same for all trials, and what to do instead. */
function refusalOf(key: string, isNamed: boolean): string | undefined {
  const seeds = 'is not swept: every trial is trained with all seeds of the study (--seeds 3, or seeds: [1, 2])';
  const same = 'is the same for all trials';
  const [section] = key.split('.');
  if (section === 'variants' && !isNamed)
    return 'is what `compare` trains; a sweep trains model.residual: give that several values';
  const refusals: Partial<Record<string, string>> = { seed: seeds, seeds, name: same, output: same, task: same };
  return Object.hasOwn(refusals, section!) ? refusals[section!] : undefined;
}

/** Lines for the keys that cannot be swept. */
export function refusedKeys(axes: readonly Axis[], isNamed: boolean): string[] {
  const settings = axes.flatMap(({ choices }) => choices.flat());
  const lines = settings.flatMap((setting) => {
    const refusal = refusalOf(keyOf(setting), isNamed);
    return refusal === undefined ? [] : [`${setting.keyPlace ?? setting.place} ${keyOf(setting)} ${refusal}`];
  });
  return [...new Set(lines)];
}

/**
 * The lines of all trials, each once. One that only some combinations of settings lead to says which; what a single setting or none of them
 * leads to needs no such words.
 */
export function problemLines(checked: readonly { point: Checked; lines: readonly string[] }[]): string[] {
  const pointsByLine = new Map<string, Checked[]>();
  for (const { point, lines } of checked)
    for (const line of new Set(lines)) pointsByLine.set(line, [...(pointsByLine.get(line) ?? []), point]);
  return [...pointsByLine].map(([line, points]) => {
    const having = (setting: Setting) => checked.filter(({ point }) => point.given.includes(setting)).length;
    const isOfAll = points.length === checked.length;
    const isOfOneSetting = points[0]!.given.some(
      (setting) =>
        having(setting) === points.length &&
        points.every(({ given }) => given.includes(setting)) &&
        placed(line, setting),
    );
    return isOfAll || isOfOneSetting ? line : `${line} ${inTrials(points)}`;
  });
}

const placed = (line: string, { place, keyPlace }: Setting) =>
  line.startsWith(`${place} `) || (keyPlace !== undefined && line.startsWith(`${keyPlace} `));

function inTrials([first, ...others]: readonly Checked[]): string {
  const more = others.length === 0 ? '' : ` and ${others.length} other trial${others.length > 1 ? 's' : ''}`;
  return `(with ${first!.title}${more})`;
}

/** Lines for keys whose values make no difference, so that the same would be trained twice. */
export function twinLines(points: readonly Point[]): string[] {
  const firsts = new Map<string, Point>();
  const lines = new Map<string, string>();
  for (const point of points) {
    const { identity, model } = point.training;
    const first = firsts.get(identity);
    if (!first) {
      firsts.set(identity, point);
      continue;
    }
    const setting = point.given.find((other) => !first.given.includes(other)) ?? point.given[0]!;
    const key = keyOf(setting);
    const ruled =
      key === 'train.learningRate' && model !== undefined ? ` (learningRates may give the rate of ${model})` : '';
    const place = setting.keyPlace ?? setting.place;
    if (!lines.has(place))
      lines.set(place, `${place} ${key} "${point.title}" would be the same training as "${first.title}"${ruled}`);
  }
  return [...lines.values()];
}
