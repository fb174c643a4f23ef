/** Reports of runs that were saved before, alone or together, of one comparison or of several. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { isDeepStrictEqual } from 'node:util';

import { parse } from 'yaml';

import { ArgumentError } from '../errors';
import { writeReport, type Report } from '../report';
import { languageModelKind } from './language-model/table';
import { residualKind } from './residual/table';
import { configName } from './shared/options';
import { readRecord, recordName, type SavedRun } from './shared/record';
import { reportName, reportOf } from './shared/report';
import { translationKind } from './translation/table';

/**
 * Builds one report of saved runs anew. Runs that differ in their seed only are taken together, as seeds of the same thing.
 *
 * @param folders of runs and of comparisons
 * @param out the page; default: `report.html` in the folder, where there is one, else in the working directory. Figures go beside it.
 * @returns the page's path
 * @throws ArgumentError for folders without finished runs, and for runs of different kinds of study; DataError for damaged ones
 */
export async function reportRuns(folders: readonly string[], out?: string): Promise<string> {
  if (!Array.isArray(folders) || folders.length === 0 || !folders.every((folder) => typeof folder === 'string'))
    throw new ArgumentError('Give the folders of runs or comparisons, in a list.');
  const found = (await Promise.all(folders.map(runsIn))).flat();
  const runs = [...new Map(found.map((run) => [path.resolve(run.folder), run])).values()];
  const tasks = [...new Set(runs.map(({ task }) => task))];
  if (tasks.length > 1)
    throw new ArgumentError(
      `Runs of different kinds of study have no table in common: ${tasks.join(', ')}. Report them one kind after the other.`,
    );
  const file = out ?? path.join(folders.length === 1 ? folders[0]! : '.', reportName);
  const name = [...new Set(runs.map(({ study }) => study))].join(', ');
  await writeReport(
    file,
    await reportOfTask(tasks[0]!, { name, folder: path.dirname(file) }, await distinctTitles(runs)),
  );
  return file;
}

function reportOfTask(
  task: SavedRun['task'],
  place: { name: string; folder: string },
  runs: SavedRun[],
): Promise<Report> {
  if (task === 'residual') return reportOf(residualKind, place, runs);
  return task === 'translation' ? reportOf(translationKind, place, runs) : reportOf(languageModelKind, place, runs);
}

/** The run of a run's folder, or those of a comparison's, in the order in which they were trained. */
async function runsIn(folder: string): Promise<SavedRun[]> {
  const names = await fs.readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new ArgumentError(`${folder} is not the folder of a run or a comparison: ${error.message}`, { cause: error });
  });
  if (names.some((entry) => entry.name === recordName)) return [await readRecord(folder)];
  const inside = names.filter((entry) => entry.isDirectory()).map((entry) => path.join(folder, entry.name));
  const runs: SavedRun[] = [];
  for (const place of inside) {
    if ((await fs.readdir(place)).includes(recordName)) runs.push(await readRecord(place));
  }
  if (runs.length === 0)
    throw new ArgumentError(`${folder} holds no finished run: neither a ${recordName} nor folders that have one.`);
  return runs.sort((a, b) => a.began.localeCompare(b.began));
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
    const place = placeOf(thing.runs);
    const isTaken = namesakes.some((other) => placeOf(other.runs) === place);
    const suffix = namesakes.length > 0 ? ` (${isTaken ? thing.runs[0]!.folder : place})` : '';
    for (const run of thing.runs) titles.set(run, thing.title + suffix);
  }
  return runs.map((run) => ({ ...run, title: titles.get(run)! }));
}

/** `comparison/run` for one run, `comparison` for several in it. */
function placeOf([first, ...others]: readonly SavedRun[]): string {
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
