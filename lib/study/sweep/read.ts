/** From a study and what is swept to the trials, the configuration of each checked. */
import { z } from 'zod';

import { OpenConfig, parseConfig, type Section, type Setting } from '../../config';
import { ConfigError } from '../../errors';
import { schemaOfStudy, type AnyStudyInput } from '../read';
import { seedsOf } from '../shared/seeds';
import { findStudy, shippedFile } from '../shipped';
import { axesOfSection, combinationsOf, keyOf, withModelAxis, withOverrides, type Axes, type Axis } from './axes';
import { problemLines, refusedKeys, twinLines } from './checks';
import { shortNames, slugOfTrial, titleOf } from './names';
import type { Point } from './point';
import { sweepSchema, type SweepInput } from './section';
import { trainingOf, type Training } from './training';

/** A study of any kind as an object, with what is swept. */
export type SweepStudyInput = AnyStudyInput & { sweep?: SweepInput };

export interface Sweep {
  /** Names its folder. */
  name: string;
  output: string;
  seeds: number[];
  axes: Axis[];
  points: Point[];
  /** As a study's file would hold it that gives the same trials. */
  file: object;
}

const mostTrials = 10_000;

/**
 * @param source - a file, the name of a shipped study, or an object
 * @param overrides - `key=value` for all trials, `key=value,value` for an axis
 * @param given - in the place of the source's own section, grid key by key
 * @throws ConfigError with all problems of all trials at once, each with its position
 */
export function readSweep(
  source: string | SweepStudyInput,
  overrides: readonly string[] = [],
  given: SweepInput = {},
): Sweep {
  const config =
    typeof source === 'string' ? OpenConfig.read(findStudy(source), shippedFile) : OpenConfig.of(source, 'study');
  const problems: string[] = [];
  const read = withOverrides(sectionOf(config, given, problems), overrides, problems);
  const base = config.without('sweep');
  // A path that goes wrong is told with the trials.
  const { data: value = base.value } = base.check(z.unknown(), read.fixed);
  const isNamed = (value as Section)['task'] !== undefined;
  const { axes, fixed } = isNamed ? withModelAxis(read) : read;
  problems.push(...refusedKeys(axes, isNamed));
  refuse(problems);
  const points = pointsOf(axes);
  const checked = points.map((point) => ({ point, ...checkPoint(base, fixed, point, isNamed) }));
  refuse(problemLines(checked));
  const trials = checked.map(({ point, training }) => ({ ...point, training: training! }));
  refuse(twinLines(trials));
  const { study } = trials[0]!.training;
  const file = { ...(value as Section), sweep: sectionFor(axes) };
  return { name: study.name, output: study.output, seeds: seedsOf(study), axes, points: trials, file };
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new ConfigError([...new Set(problems)].join('\n'));
}

/** The axes of the file's section, and above them those given with the call. @throws ConfigError for what is no section at all */
function sectionOf(config: OpenConfig, given: SweepInput, problems: string[]): Axis[] {
  const checked = config.check(z.looseObject({ sweep: sweepSchema.prefault({}) }), []);
  if (checked.problems) throw new ConfigError(checked.problems.join('\n'));
  const { sweep } = checked.data;
  const above = parseConfig(given, sweepSchema, 'runSweep');
  const listed = above.list.length > 0 ? above : sweep;
  const isAbove = ([part, key]: string[]) => (part === 'list' ? listed === above : Object.hasOwn(above.grid, key!));
  return axesOfSection(
    { grid: { ...sweep.grid, ...above.grid }, list: listed.list },
    (path, part) => (isAbove(path) ? 'runSweep' : config.place(['sweep', ...path], part)),
    problems,
  );
}

/** @throws ConfigError when there is nothing to compare, or far too much */
function pointsOf(axes: readonly Axis[]): Omit<Point, 'training'>[] {
  const count = axes.reduce((product, { choices }) => product * choices.length, 1);
  if (axes.length === 0)
    refuse([
      'Nothing is swept: give a key several values, train.learningRate=1e-3,3e-4, or the study a section `sweep:`.',
    ]);
  if (count > mostTrials) refuse([`These are ${count} trials; more than ${mostTrials} are hardly meant.`]);
  const names = shortNames([...new Set(axes.flatMap(({ keys }) => keys))]);
  return combinationsOf(axes).map(({ choices, settings: given }, index) => {
    const settings = Object.fromEntries(given.map((setting) => [keyOf(setting), setting.value]));
    const number = index + 1;
    const slug = slugOfTrial(number, count, settings, names);
    return { number, title: titleOf(settings, names), slug, settings, choices, given };
  });
}

type CheckedPoint = { lines: string[]; training?: Training };

function checkPoint(
  base: OpenConfig,
  fixed: Setting[],
  { given }: Pick<Point, 'given'>,
  isNamed: boolean,
): CheckedPoint {
  const model = isNamed ? given.find((setting) => keyOf(setting) === 'model') : undefined;
  const settings = [...fixed, ...given.filter((setting) => setting !== model)];
  // What reaches deeper is set in what the others have put there.
  const checked = base.check(
    schemaOfStudy,
    settings.sort((a, b) => a.path.length - b.path.length),
  );
  if (checked.problems) return { lines: checked.problems };
  if (model && typeof model.value !== 'string')
    return { lines: [`${model.place} model expected the name of one of the study's models`] };
  try {
    return { lines: [], training: trainingOf(checked.data, model?.value as string | undefined) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { lines: error.message.split('\n').map((line) => `${model ? `${model.place} ` : ''}${line}`) };
  }
}

/** The section that has these axes. */
function sectionFor(axes: Axes['axes']): SweepInput {
  const valuesOf = (choices: Setting[][]) => choices.map((settings) => settings[0]!.value);
  const entryOf = (settings: Setting[]) => Object.fromEntries(settings.map((each) => [keyOf(each), each.value]));
  const grid = Object.fromEntries(
    axes.filter(({ isList }) => !isList).map(({ keys, choices }) => [keys[0]!, valuesOf(choices)]),
  );
  const list = axes.filter(({ isList }) => isList).flatMap(({ choices }) => choices.map(entryOf));
  return { ...(Object.keys(grid).length > 0 && { grid }), ...(list.length > 0 && { list }) };
}
