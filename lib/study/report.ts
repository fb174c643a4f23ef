/** Reports of runs that were saved before, alone or together, of studies or of any other training. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { isDeepStrictEqual } from 'node:util';

import { parse } from 'yaml';

import { reportFolders, reportName } from '../curves';
import { ArgumentError } from '../errors';
import { historyName } from '../metrics';
import { writeReport, type Report } from '../report';
import { languageModelKind } from './language-model/table';
import { residualKind } from './residual/table';
import { configName } from './shared/options';
import { readRecord, recordName, type SavedRun } from './shared/record';
import { reportOf } from './shared/report';
import { isSweep, sweepTableOf } from './sweep/anew';
import { translationKind } from './translation/table';

/**
 * Builds one report of saved runs anew. Runs of studies that differ in their seed only are taken together, as seeds of the same thing. Of
 * other trainings, and of those that have not ended, it shows what their `metrics.jsonl` tells.
 *
 * @param folders of runs, of comparisons and of sweeps; one sweep by itself gets its own page
 * @param out the page; default: `report.html` in the folder, where there is one, else in the working directory. Figures go beside it.
 * @returns the page's path
 * @throws ArgumentError for folders without runs, and for runs of different kinds of study; DataError for damaged ones
 */
export async function reportRuns(folders: readonly string[], out?: string): Promise<string> {
  if (!Array.isArray(folders) || folders.length === 0 || !folders.every((folder) => typeof folder === 'string'))
    throw new ArgumentError('Give the folders of runs or comparisons, in a list.');
  const file = out ?? path.join(folders.length === 1 ? folders[0]! : '.', reportName);
  if (folders.length === 1 && isSweep(folders[0]!)) {
    const table = await sweepTableOf(folders[0]!);
    await writeReport(file, await table.report());
    return file;
  }
  const places = await Promise.all((folders as readonly string[]).map(placesIn));
  if (places.flat().some(({ hasRecord }) => !hasRecord)) {
    await reportFolders(
      distinct(places.flat()).map(({ folder }) => folder),
      file,
    );
    return file;
  }
  // Those of a comparison in the order in which they were trained.
  const recorded = places.map(async (inFolder) => {
    const records = await Promise.all(inFolder.map(({ folder }) => readRecord(folder)));
    return records.sort((a, b) => a.began.localeCompare(b.began));
  });
  const runs = distinct((await Promise.all(recorded)).flat());
  const tasks = [...new Set(runs.map(({ task }) => task))];
  if (tasks.length > 1)
    throw new ArgumentError(
      `Runs of different kinds of study have no table in common: ${tasks.join(', ')}. Report them one kind after the other.`,
    );
  const name = [...new Set(runs.map(({ study }) => study))].join(', ');
  await writeReport(
    file,
    await reportOfTask(tasks[0]!, { name, folder: path.dirname(file) }, await distinctTitles(runs)),
  );
  return file;
}

/** Each folder once. */
const distinct = <T extends { folder: string }>(places: readonly T[]): T[] => [
  ...new Map(places.map((place) => [path.resolve(place.folder), place])).values(),
];

function reportOfTask(
  task: SavedRun['task'],
  place: { name: string; folder: string },
  runs: SavedRun[],
): Promise<Report> {
  if (task === 'residual') return reportOf(residualKind, place, runs);
  return task === 'translation' ? reportOf(translationKind, place, runs) : reportOf(languageModelKind, place, runs);
}

/** A run's folder, and whether the run was one of a study that has ended. */
interface Place {
  folder: string;
  hasRecord: boolean;
}

/** The folder itself, or the runs in a comparison's; of those, where any has ended, the others are left out. */
async function placesIn(folder: string): Promise<Place[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new ArgumentError(`${folder} is not the folder of a run or a comparison: ${error.message}`, { cause: error });
  });
  const own = placeOf(folder, entries);
  if (own !== undefined) return [own];
  const inside = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(folder, entry.name));
  const places = (
    await Promise.all(inside.map(async (place) => placeOf(place, await fs.readdir(place, { withFileTypes: true }))))
  ).filter((place) => place !== undefined);
  if (places.length === 0)
    throw new ArgumentError(`${folder} holds no run: neither a ${historyName} nor folders that have one.`);
  const ended = places.filter(({ hasRecord }) => hasRecord);
  return ended.length > 0 ? ended : places;
}

function placeOf(folder: string, entries: readonly { name: string }[]): Place | undefined {
  const has = (name: string) => entries.some((entry) => entry.name === name);
  return has(recordName) || has(historyName) ? { folder, hasRecord: has(recordName) } : undefined;
}

/** Runs of one thing with different seeds keep their title; where several things share it, each gets the names of its folders too. */
async function distinctTitles(runs: readonly SavedRun[]): Promise<SavedRun[]> {
  const configs = await Promise.all(runs.map(({ folder }) => configOf(folder)));
  const things: { title: string; config: unknown; runs: SavedRun[] }[] = [];
  for (const [index, run] of runs.entries()) {
    const config = configs[index];
    const isSeedOf = (thing: (typeof things)[number]) =>
      thing.title === run.title &&
      isDeepStrictEqual(thing.config, config) &&
      thing.runs.every(({ seed }) => seed !== run.seed);
    const same = things.find(isSeedOf);
    if (same) same.runs.push(run);
    else things.push({ title: run.title, config, runs: [run] });
  }
  const titles = new Map<SavedRun, string>();
  for (const thing of things) {
    const namesakes = things.filter((other) => other !== thing && other.title === thing.title);
    const place = nameOf(thing.runs);
    const isTaken = namesakes.some((other) => nameOf(other.runs) === place);
    const suffix = namesakes.length > 0 ? ` (${isTaken ? thing.runs[0]!.folder : place})` : '';
    for (const run of thing.runs) titles.set(run, thing.title + suffix);
  }
  return runs.map((run) => ({ ...run, title: titles.get(run)! }));
}

/** `comparison/run` for one run, `comparison` for several in it. */
function nameOf([first, ...others]: readonly SavedRun[]): string {
  const parent = ({ folder }: SavedRun) => path.dirname(path.resolve(folder));
  const name = path.basename(parent(first!));
  const isTogether = others.length > 0 && others.every((run) => parent(run) === parent(first!));
  return isTogether ? name : `${name}/${path.basename(first!.folder)}`;
}

/** What a run was made with, save what may differ between seeds of the same thing. */
async function configOf(folder: string): Promise<unknown> {
  const text = await fs.readFile(path.join(folder, configName), 'utf8').catch(() => '');
  const { seed: _seed, output: _output, ...config } = (parse(text) ?? {}) as Record<string, unknown>;
  return config;
}
