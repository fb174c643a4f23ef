/** Trains what a study compares one after another, each in a folder of its own. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { formatConfig } from '../../config';
import { NonFiniteError } from '../../errors';
import { writeFileAtomically } from '../../files';
import type { BaseRow, StudyComparison } from './comparison';
import { createRunFolder, keepingIn } from './folder';
import { configName, type StudyOptions } from './options';

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

interface CompareWork<Item extends Contestant, Row extends BaseRow, Comparison extends StudyComparison<Row>> {
  /** Trains, evaluates and reports one in its (existing, empty) folder. */
  run(item: Item, folder: string, place: Place): Promise<Row>;
  /** The row of one that diverged. */
  failed(item: Item, error: string): Row;
  /** Relates the rows finished so far to the baseline's, and writes them. */
  save(folder: string, rows: readonly Row[]): Promise<Comparison>;
}

/**
 * Runs them all. What is finished is written after each, so that an interruption loses nothing; one that diverges is noted,
 * and the others go on.
 */
export async function compareAll<Item extends Contestant, Row extends BaseRow, Comparison extends StudyComparison<Row>>(
  study: { name: string; output: string },
  contestants: readonly Item[],
  work: CompareWork<Item, Row, Comparison>,
  { out, onEvent }: StudyOptions,
): Promise<Comparison> {
  const runOne = async (item: Item, folder: string, place: Place): Promise<Row> => {
    try {
      return await work.run(item, folder, place);
    } catch (error) {
      if (!(error instanceof NonFiniteError)) throw error;
      onEvent?.({ type: 'failure', title: item.title, message: error.message });
      return work.failed(item, error.message);
    }
  };
  const folder = await createRunFolder(study.name, study.output, out);
  await writeFileAtomically(path.join(folder, configName), formatConfig(study));
  return keepingIn(folder, async () => {
    const rows: Row[] = [];
    let comparison: Comparison | undefined;
    for (const [index, item] of contestants.entries()) {
      const runFolder = path.join(folder, item.slug);
      await fs.mkdir(runFolder);
      rows.push(await runOne(item, runFolder, { number: index + 1, count: contestants.length }));
      comparison = await work.save(folder, rows);
      onEvent?.({ type: 'comparison', comparison });
    }
    return comparison!;
  });
}
