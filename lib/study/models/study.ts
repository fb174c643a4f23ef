/** The two ways to run a study of named models, whatever the models are: all of them compared, or one by itself. */
import { isResumed } from '../shared/resume';
import { checkFolder, compareAll, trainOne, type SeededStudy, type StudyWork } from '../shared/compare';
import type { StudyComparison, StudyKind } from '../shared/comparison';
import type { CompareStudyOptions, Context, StudyOptions, TrainStudyOptions } from '../shared/options';
import { findModel, studyModels, type StudyModel } from './models';
import type { ModelResult } from './result';
import type { ModelRow } from './row';

interface ModelStudy<Model> extends SeededStudy {
  models: Record<string, Model>;
}

/** What is particular to one kind of model. */
export interface ModelStudyKind<
  Model,
  Study extends ModelStudy<Model>,
  Data,
  Row extends ModelRow,
  Comparison extends StudyComparison<Row>,
> {
  table: StudyKind<Row, Comparison>;
  /** @throws DeviceError, ConfigError, DataError */
  prepare(study: Study, options: StudyOptions): Promise<Data>;
  /** @throws ConfigError when the model does not fit the data */
  check(study: Study, model: StudyModel<Model>, data: Data): void;
  work(study: Study, data: Data, context: Context): StudyWork<Study, StudyModel<Model>>;
}

/**
 * Runs a whole study: every model trained and evaluated in a folder of its own, with every seed, then compared.
 * @throws ConfigError and DataError before any training; AbortError.
 */
export async function compareModels<
  Model,
  Study extends ModelStudy<Model>,
  Data,
  Row extends ModelRow,
  Comparison extends StudyComparison<Row>,
>(
  kind: ModelStudyKind<Model, Study, Data, Row, Comparison>,
  study: Study,
  options: CompareStudyOptions,
): Promise<Comparison> {
  await checkFolder(study, options);
  const models = studyModels(study.models);
  const data = await kind.prepare(study, options);
  for (const model of models) kind.check(study, model, data);
  return compareAll(study, models, kind.work(study, data, options), kind.table, options);
}

/**
 * Trains one of a study's models, by default the first.
 * @throws ConfigError for a name that is none of its models'; DataError, NonFiniteError, AbortError as all studies
 */
export async function trainNamedModel<
  Model,
  Study extends ModelStudy<Model>,
  Data,
  Row extends ModelRow,
  Comparison extends StudyComparison<Row>,
>(
  kind: ModelStudyKind<Model, Study, Data, Row, Comparison>,
  study: Study,
  { model: name, ...options }: TrainStudyOptions,
): Promise<ModelResult> {
  const model = findModel(study.models, name);
  await isResumed(options);
  const data = await kind.prepare(study, options);
  kind.check(study, model, data);
  const run = await trainOne(study, model, kind.work(study, data, options), kind.table, options);
  const { title, folder, parameters, cost: macs, outcome } = run;
  return { title, folder, parameters, macs, ...outcome };
}
