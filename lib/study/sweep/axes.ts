/** What a sweep changes: an axis for each key of its grid, one for its list, each with the choices that a trial takes one of. */
import { parseChoices, pathOf, type Setting } from '../../config';
import type { SweepSection } from './section';

export interface Axis {
  /** `train.learningRate`; of the list, all that its entries set. */
  keys: string[];
  choices: Setting[][];
  isList: boolean;
}

export interface Axes {
  axes: Axis[];
  /** What is the same in all trials. */
  fixed: Setting[];
}

/** Where something of the section stands, or its key: by its path inside it. */
export type PlaceOf = (path: string[], part: 'key' | 'value') => string;

export const keyOf = ({ path }: Setting) => path.join('.');

/** The axes of a section; what is wrong goes to `problems`, lines that begin with a place. */
export function axesOfSection({ grid, list }: SweepSection, placeOf: PlaceOf, problems: string[]): Axis[] {
  const settingOf = (key: string, value: unknown, at: string[], keyAt: string[]): Setting[] => {
    const path = pathOf(key);
    const keyPlace = placeOf(keyAt, 'key');
    if (path) return [{ path, value, place: placeOf(at, 'value'), keyPlace }];
    problems.push(`${keyPlace} sweep.${keyAt.join('.')} expected a key such as train.learningRate`);
    return [];
  };
  const gridAxes = Object.entries(grid).map(([key, values]) => ({
    keys: [key],
    choices: values.map((value, index) => settingOf(key, value, ['grid', key, String(index)], ['grid', key])),
    isList: false,
  }));
  if (list.length === 0) return gridAxes;
  const choices = list.map((entry, index) =>
    Object.entries(entry).flatMap(([key, value]) => {
      const at = ['list', String(index), key];
      if (Object.hasOwn(grid, key)) problems.push(`${placeOf(at, 'key')} sweep.${at.join('.')} ${inBoth('the grid')}`);
      return settingOf(key, value, at, at);
    }),
  );
  const keys = [...new Set(choices.flatMap((entry) => entry.map(keyOf)))];
  return [{ keys, choices, isList: true }, ...gridAxes];
}

const inBoth = (other: string) => `is in ${other}, too; leave it out here or there`;

/** What was given with a command: `key=value` for all trials, `key=value,value` for an axis; either takes the place of the file's for that key. */
export function withOverrides(axes: readonly Axis[], overrides: readonly string[], problems: string[]): Axes {
  const all = [...axes];
  const fixed: Setting[] = [];
  const listed = all.find(({ isList }) => isList)?.keys ?? [];
  for (const text of overrides) {
    const choices = parseChoices(text);
    if ('problem' in choices) {
      problems.push(`${choices.place} ${choices.problem}`);
      continue;
    }
    const [first] = choices;
    const key = keyOf(first!);
    if (listed.includes(key)) problems.push(`${first!.place} ${key} ${inBoth("the sweep's list")}`);
    const place = all.findIndex(({ keys, isList }) => !isList && keys[0] === key);
    const axis = choices.length > 1 ? [{ keys: [key], choices: choices.map((choice) => [choice]), isList: false }] : [];
    if (choices.length === 1) fixed.push(first!);
    all.splice(place < 0 ? all.length : place, place < 0 ? 0 : 1, ...axis);
  }
  return { axes: all, fixed };
}

/** In a study of named models, `model` chooses one of them, also where it is the same in all trials. */
export function withModelAxis({ axes, fixed }: Axes): Axes {
  const isModel = (setting: Setting) => keyOf(setting) === 'model';
  const chosen = fixed.findLast(isModel);
  if (!chosen) return { axes, fixed };
  return {
    axes: [...axes, { keys: ['model'], choices: [[chosen]], isList: false }],
    fixed: fixed.filter((setting) => !isModel(setting)),
  };
}

export interface Combination {
  /** Which choice on each axis. */
  choices: number[];
  settings: Setting[];
}

/** Every combination of choices, those of the last axis changing first. */
export function combinationsOf(axes: readonly Axis[]): Combination[] {
  return axes.reduce<Combination[]>(
    (combinations, { choices }) =>
      combinations.flatMap((combination) =>
        choices.map((settings, index) => ({
          choices: [...combination.choices, index],
          settings: [...combination.settings, ...settings],
        })),
      ),
    [{ choices: [], settings: [] }],
  );
}
