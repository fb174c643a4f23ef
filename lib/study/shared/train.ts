/** One training of a study, in a folder of its own. */
import { refuseTooLarge } from '../plan/memory';
import type { StudyComparison } from './comparison';
import { createRunFolder, keepingIn } from './folder';
import type { TrainStudyOptions } from './options';
import { recordRun, type RunOutcome, type SavedRun } from './record';
import { saveReport } from './report';
import { claimStudy, endedRun, isResumed } from './resume';
import type { BaseRow } from './row';
import type { Contestant, Place, SeededStudy, StudyTask, StudyWork } from './task';

const onlyPlace: Place = { number: 1, count: 1 };

/**
 * Trains one of a study's models, by default the first, or goes on with one that was stopped.
 * @throws ConfigError for a name that is none of its models'; NonFiniteError when it diverges, with its record and report written; DataError,
 *   OutOfMemoryError, AbortError
 */
export async function trainOne<
  Study extends SeededStudy,
  Item extends Contestant,
  Data extends { description: string },
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(
  task: StudyTask<Study, Item, Data, Row, Comparison>,
  study: Study,
  options: TrainStudyOptions,
): Promise<SavedRun & { outcome: RunOutcome }> {
  const { out, onEvent, allowChanges } = options;
  const item = task.item(study, options.model);
  const resumed = await isResumed(options);
  const data = await task.prepare(study, options);
  checkItem(task, study, item, data);
  const work = task.work(study, data, options);
  const folder = resumed ? out! : await createRunFolder(study.name, study.output, out);
  await claimStudy(folder, work.config(study, item), { allowChanges });
  return keepingIn(folder, async () => {
    const ended = resumed ? await endedRun(folder, work.facts(study, item)) : undefined;
    if (ended?.outcome) {
      onEvent?.({ type: 'resumed', title: item.title, folder });
      return { ...ended, outcome: ended.outcome };
    }
    const { run, diverged } = await runRecorded(study, item, work, folder, onlyPlace);
    await saveReport(folder, task.table, [run]);
    if (diverged) throw diverged;
    return { ...run, outcome: run.outcome! };
  });
}

/** Says before any training why one cannot be made. @throws ConfigError, OutOfMemoryError */
export function checkItem<
  Study extends SeededStudy,
  Item extends Contestant,
  Data extends { description: string },
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(task: StudyTask<Study, Item, Data, Row, Comparison>, study: Study, item: Item, data: Data): void {
  refuseTooLarge(task.load(study, item, data), study.device);
  task.checkScoring?.(study, data);
}

/** Trains in a folder that is there, and leaves a record, also when the training diverges. */
export function runRecorded<Study extends SeededStudy, Item extends Contestant>(
  study: Study,
  item: Item,
  work: StudyWork<Study, Item>,
  folder: string,
  place: Place,
) {
  const { name, seed, device } = study;
  const facts = { ...work.facts(study, item), study: name, title: item.title, seed, device };
  return recordRun(folder, facts, () => work.run(study, item, folder, place));
}
