/** Trains what a study compares one after another, each in a folder of its own. */
import path from 'node:path';

import { makeFolder } from '../../files';
import { compareRuns, csvOf, markdownOf, saveComparison, type StudyComparison } from './comparison';
import { createRunFolder, keepingIn } from './folder';
import type { CompareStudyOptions } from './options';
import type { SavedRun } from './record';
import { saveReport } from './report';
import { claimStudy, endedRun, isResumed } from './resume';
import type { BaseRow } from './row';
import { seedsOf } from './seeds';
import type { Contestant, SeededStudy, StudyTask } from './task';
import { checkItem, runRecorded } from './train';

/**
 * Runs a whole study: everything trained and evaluated in a folder of its own, on the same data in the same order, with every seed, then
 * compared. What is finished is written after each, so that an interruption loses nothing; one that diverges is noted, and the others go on.
 * @throws ConfigError and DataError before any training; ArgumentError, AbortError
 */
export async function compareAll<
  Study extends SeededStudy,
  Item extends Contestant,
  Data extends { description: string },
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(
  task: StudyTask<Study, Item, Data, Row, Comparison>,
  study: Study,
  options: CompareStudyOptions,
): Promise<Comparison> {
  const { out, onEvent } = options;
  const resumed = await isResumed(options);
  if (resumed) await claimStudy(out!, study); // what is wrong with the folder is told before data are made ready
  const items = task.items(study);
  const data = await task.prepare(study, options);
  for (const item of items) checkItem(task, study, item, data);
  const work = task.work(study, data, options);
  const seeds = seedsOf(study);
  const folder = resumed ? out! : await createRunFolder(study.name, study.output, out);
  await claimStudy(folder, study);
  return keepingIn(folder, async () => {
    const runs: SavedRun[] = [];
    let comparison: Comparison | undefined;
    // All with the first seed, then all with the next: a comparison that is stopped is as even as can be.
    for (const seed of seeds) {
      for (const item of items) {
        const runFolder = path.join(folder, seeds.length > 1 ? `${item.slug}-seed-${seed}` : item.slug);
        const title = seeds.length > 1 ? `${item.title}, seed ${seed}` : item.title;
        const place = { number: runs.length + 1, count: seeds.length * items.length };
        const ended = resumed ? await endedRun(runFolder, work.facts(study, item)) : undefined;
        if (ended) {
          onEvent?.({ type: 'resumed', title, folder: runFolder });
          runs.push(ended);
        } else {
          await makeFolder(runFolder);
          await claimStudy(runFolder, work.config({ ...study, seed }, item));
          const { run, diverged } = await runRecorded({ ...study, seed }, item, work, runFolder, place);
          if (diverged) onEvent?.({ type: 'failure', title, message: diverged.message });
          runs.push(run);
        }
        comparison = compareRuns(task.table, { study: study.name, folder }, runs);
        await saveComparison(comparison, markdownOf(task.table, comparison), csvOf(task.table, comparison));
        await saveReport(folder, task.table, runs);
        onEvent?.({ type: 'comparison', comparison });
      }
    }
    return comparison!;
  });
}
