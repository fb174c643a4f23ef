/** Which tasks there are, and the way from a study to what is particular to its own. */
import { languageModelTask } from './language-model/run';
import type { AnyStudyConfig } from './read';
import { residualTask } from './residual/run';
import type { StudyComparison } from './shared/comparison';
import type { BaseRow } from './shared/row';
import type { Contestant, SeededStudy, StudyTask } from './shared/task';
import { translationTask } from './translation/run';

/** What can be done with a study of any task. */
export type ForAnyTask<Result> = <
  Study extends SeededStudy & AnyStudyConfig,
  Item extends Contestant,
  Data extends { description: string },
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(
  task: StudyTask<Study, Item, Data, Row, Comparison>,
  study: Study,
) => Result;

export function withTask<Result>(study: AnyStudyConfig, use: ForAnyTask<Result>): Result {
  if (!('task' in study)) return use(residualTask, study);
  return study.task === 'translation' ? use(translationTask, study) : use(languageModelTask, study);
}
