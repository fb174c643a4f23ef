/** What is particular to the studies of one task: which trainings they have, on which data, and how each is made. */
import type { TrainingLoad } from '../plan/load';
import type { StudyComparison, StudyKind } from './comparison';
import type { Context, StudyOptions } from './options';
import type { RunFacts, RunOutcome } from './record';
import type { BaseRow } from './row';

/** The study, and what it trains with. */
export interface SeededStudy {
  name: string;
  output: string;
  device: string;
  seed: number;
  seeds?: number | number[] | undefined;
}

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

export interface StudyTask<
  Study extends SeededStudy,
  Item extends Contestant,
  Data extends { description: string },
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
> {
  table: StudyKind<Row, Comparison>;
  /** What a comparison trains. */
  items(study: Study): Item[];
  /** What is trained by itself, by default or by its name. @throws ConfigError when there is none of this name */
  item(study: Study, name: string | undefined): Item;
  /** The study with this one alone. */
  alone(study: Study, item: Item): object;
  /** What the data depend on. */
  dataKey(study: Study): unknown;
  /** Makes the data ready. @throws DeviceError, ConfigError, DataError */
  prepare(study: Study, options: StudyOptions): Promise<Data>;
  /** What its training takes. @throws ConfigError when it does not fit the data */
  load(study: Study, item: Item, data: Data): TrainingLoad;
  /** Whether the data fit what is done after training. @throws ConfigError */
  checkScoring?(study: Study, data: Data): void;
  work(study: Study, data: Data, context: Context): StudyWork<Study, Item>;
}

/** How trainings are made, on data that are ready. */
export interface StudyWork<Study extends SeededStudy, Item extends Contestant> {
  /** What is known of a run before it begins. */
  facts(study: Study, item: Item): Omit<RunFacts, 'study' | 'title' | 'seed' | 'device'>;
  /** What trains the same by itself: the study with this one alone, every size filled in. It goes into the run's folder. */
  config(study: Study, item: Item): object;
  /** Trains, evaluates and reports one in its folder, with the study's `seed`; a training that was stopped there goes on. */
  run(study: Study, item: Item, folder: string, place: Place): Promise<RunOutcome>;
}
