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

/** Runs that share their title but differ in more than their seed get the names of their folders too. */
async function distinctTitles(runs: readonly SavedRun[]): Promise<SavedRun[]> {
  const configs = new Map(await Promise.all(runs.map(async (run) => [run, await configOf(run.folder)] as const)));
  return runs.map((run) => {
    const others = runs.filter((other) => other !== run && other.title === run.title);
    const isSeed = (other: SavedRun) =>
      other.seed !== run.seed && isDeepStrictEqual(configs.get(other), configs.get(run));
    if (others.every(isSeed)) return run;
    return {
      ...run,
      title: `${run.title} (${path.basename(path.dirname(path.resolve(run.folder)))}/${path.basename(run.folder)})`,
    };
  });
}

/** What a run was made with, save what may differ between seeds of the same thing. */
async function configOf(folder: string): Promise<unknown> {
  const text = await fs.readFile(path.join(folder, configName), 'utf8').catch(() => '');
  const { seed: _seed, output: _output, ...config } = (parse(text) ?? {}) as Record<string, unknown>;
  return config;
}
