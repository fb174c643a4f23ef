/** Trains what a study compares one after another, each in a folder of its own. */
import path from 'node:path';

import { makeFolder } from '../../files';
import { compareRuns, csvOf, markdownOf, saveComparison, type StudyComparison, type StudyKind } from './comparison';
import { createRunFolder, keepingIn } from './folder';
import type { CompareStudyOptions, TrainStudyOptions } from './options';
import { recordRun, type RunFacts, type RunOutcome, type SavedRun } from './record';
import { saveReport } from './report';
import { claimStudy, endedRun, isResumed } from './resume';
import type { BaseRow } from './row';
import { seedsOf } from './seeds';

/** One of those compared. */
export interface Contestant {
  title: string;
  /** Its folder, inside the comparison's. */
  slug: string;
}

/** Which of how many is trained, from 1. */
export interface Place {
  number: number;
  count: number;
}

/** The study, and what it trains with. */
export interface SeededStudy {
  name: string;
  output: string;
  device: string;
  seed: number;
  seeds?: number | number[] | undefined;
}

/** How one kind of study trains. */
export interface StudyWork<Study extends SeededStudy, Item extends Contestant> {
  /** What is known of a run before it begins. */
  facts(study: Study, item: Item): Omit<RunFacts, 'study' | 'title' | 'seed' | 'device'>;
  /** What trains the same by itself: the study with this one alone, every size filled in. It goes into the run's folder. */
  config(study: Study, item: Item): object;
  /** Trains, evaluates and reports one in its folder, with the study's `seed`; a training that was stopped there goes on. */
  run(study: Study, item: Item, folder: string, place: Place): Promise<RunOutcome>;
}

const onlyPlace: Place = { number: 1, count: 1 };

/**
 * Trains one in a folder of its own, or goes on with one that was stopped.
 * @throws NonFiniteError when it diverges, with its record and report written
 */
export async function trainOne<
  Study extends SeededStudy,
  Item extends Contestant,
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(
  study: Study,
  item: Item,
  work: StudyWork<Study, Item>,
  kind: StudyKind<Row, Comparison>,
  options: TrainStudyOptions,
): Promise<SavedRun & { outcome: RunOutcome }> {
  const { out, onEvent, allowChanges } = options;
  const resumed = await isResumed(options);
  const folder = resumed ? out! : await createRunFolder(study.name, study.output, out);
  await claimStudy(folder, work.config(study, item), { allowChanges });
  return keepingIn(folder, async () => {
    const ended = resumed ? await endedRun(folder, work.facts(study, item)) : undefined;
    if (ended?.outcome) {
      onEvent?.({ type: 'resumed', title: item.title, folder });
      return { ...ended, outcome: ended.outcome };
    }
    const { run, diverged } = await runRecorded(study, item, work, folder, onlyPlace);
    await saveReport(folder, kind, [run]);
    if (diverged) throw diverged;
    return { ...run, outcome: run.outcome! };
  });
}

function runRecorded<Study extends SeededStudy, Item extends Contestant>(
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

/** Says at once what is wrong with a comparison's folder, before data are made ready. @throws ArgumentError */
export async function checkFolder(study: object, options: CompareStudyOptions): Promise<void> {
  if (await isResumed(options)) await claimStudy(options.out!, study);
}

/**
 * Runs them all, with every seed. What is finished is written after each, so that an interruption loses nothing; one that diverges is
 * noted, and the others go on.
 */
export async function compareAll<
  Study extends SeededStudy,
  Item extends Contestant,
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(
  study: Study,
  contestants: readonly Item[],
  work: StudyWork<Study, Item>,
  kind: StudyKind<Row, Comparison>,
  options: CompareStudyOptions,
): Promise<Comparison> {
  const { out, onEvent } = options;
  const seeds = seedsOf(study);
  const resumed = await isResumed(options);
  const folder = resumed ? out! : await createRunFolder(study.name, study.output, out);
  await claimStudy(folder, study);
  return keepingIn(folder, async () => {
    const runs: SavedRun[] = [];
    let comparison: Comparison | undefined;
    // All with the first seed, then all with the next: a comparison that is stopped is as even as can be.
    for (const seed of seeds) {
      for (const item of contestants) {
        const runFolder = path.join(folder, seeds.length > 1 ? `${item.slug}-seed-${seed}` : item.slug);
        const title = seeds.length > 1 ? `${item.title}, seed ${seed}` : item.title;
        const place = { number: runs.length + 1, count: seeds.length * contestants.length };
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
        comparison = compareRuns(kind, { study: study.name, folder }, runs);
        await saveComparison(comparison, markdownOf(kind, comparison), csvOf(kind, comparison));
        await saveReport(folder, kind, runs);
        onEvent?.({ type: 'comparison', comparison });
      }
    }
    return comparison!;
  });
}
