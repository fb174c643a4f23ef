/** One training of a study of any kind, as a sweep sees it: what decides it, and whether it can be made. */
import { formatConfig } from '../../config';
import { languageModelStudies } from '../language-model/run';
import { findModel, trainSectionOf, type LearningRates } from '../models/models';
import type { ModelRow } from '../models/row';
import type { ModelStudyKind } from '../models/study';
import type { AnyStudyConfig } from '../read';
import { residualLoad } from '../plan/load';
import { refuseTooLarge } from '../plan/memory';
import { studyVariant, type StudyConfig } from '../residual/config';
import { prepareStudyData } from '../residual/data';
import { variantWork } from '../residual/run';
import type { Contestant, SeededStudy, StudyWork } from '../shared/compare';
import type { StudyComparison } from '../shared/comparison';
import type { StudyOptions } from '../shared/options';
import type { RunFacts } from '../shared/record';
import { translationStudies } from '../translation/run';

/** What is known of a run before it begins. */
export type Facts = Omit<RunFacts, 'seed'>;

export interface Training {
  study: AnyStudyConfig;
  /** Which of the study's models; of a residual study, the one there is. */
  model: string | undefined;
  /** All that decides what comes out: where it is equal, so are two trainings. */
  identity: string;
  /**
   * Makes the data ready, where `ready` does not hold them from another training, and checks the model against them.
   * @throws ConfigError, DataError, DeviceError, OutOfMemoryError
   */
  check(options: StudyOptions, ready: Map<string, unknown>): Promise<Facts>;
}

/** @param model - the name of one of the study's models. @throws ConfigError when it has none of this name */
export function trainingOf(study: AnyStudyConfig, model: string | undefined): Training {
  if (!('task' in study)) return { study, ...variantTraining(study) };
  return study.task === 'translation'
    ? { study, ...modelTraining(translationStudies, study, model) }
    : { study, ...modelTraining(languageModelStudies, study, model) };
}

function variantTraining(study: StudyConfig): Omit<Training, 'study'> {
  const variant = studyVariant(study.model.residual);
  const { variants: _variants, ...decisive } = study;
  return {
    model: undefined,
    identity: identityOf(decisive),
    async check(options, ready) {
      const { data: section, model, device } = study;
      const key = formatConfig([section, model.maxPositionEmbeddings, device]);
      const data = await readyOr(ready, key, () => prepareStudyData(study, options));
      refuseTooLarge(residualLoad(study, variant, data), device);
      return factsOf(study, variant, variantWork(data, options));
    },
  };
}

interface ModelsStudy<Model> extends SeededStudy {
  models: Record<string, Model>;
  learningRates: LearningRates;
  train: { learningRate: number };
  data: object;
}

function modelTraining<
  Model extends { hiddenSize: number; maxPositionEmbeddings?: number | undefined },
  Study extends ModelsStudy<Model>,
  Data,
  Row extends ModelRow,
  Comparison extends StudyComparison<Row>,
>(
  kind: ModelStudyKind<Model, Study, Data, Row, Comparison>,
  study: Study,
  name: string | undefined,
): Omit<Training, 'study'> {
  const model = findModel(study.models, name);
  const { learningRates: _rates, ...others } = study;
  const decisive = { ...others, models: { [model.title]: model.config }, train: trainSectionOf(study, model) };
  return {
    model: model.title,
    identity: identityOf(decisive),
    async check(options, ready) {
      const lengths = Object.values(study.models).map(({ maxPositionEmbeddings }) => maxPositionEmbeddings ?? null);
      const key = formatConfig([study.data, lengths, study.device]);
      const data = await readyOr(ready, key, () => kind.prepare(study, options));
      kind.check(study, model, data);
      return factsOf(study, model, kind.work(study, data, options));
    },
  };
}

function identityOf({ name: _name, output: _output, seed: _seed, seeds: _seeds, ...decisive }: SeededStudy): string {
  return formatConfig(decisive);
}

async function readyOr<Data>(ready: Map<string, unknown>, key: string, make: () => Promise<Data>): Promise<Data> {
  if (!ready.has(key)) ready.set(key, await make());
  return ready.get(key) as Data;
}

function factsOf<Study extends SeededStudy, Item extends Contestant>(
  study: Study,
  item: Item,
  work: StudyWork<Study, Item>,
): Facts {
  return { ...work.facts(study, item), study: study.name, title: item.title, device: study.device };
}
