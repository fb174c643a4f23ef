/** One training of a study of any kind, as a sweep sees it: what decides it, and whether it can be made. */
import { formatConfig } from '../../config';
import type { AnyStudyConfig } from '../read';
import type { StudyOptions } from '../shared/options';
import type { RunFacts } from '../shared/record';
import { checkItem } from '../shared/train';
import { withTask } from '../tasks';

/** What is known of a run before it begins. */
export type Facts = Omit<RunFacts, 'seed'>;

export interface Training {
  study: AnyStudyConfig;
  /** The name of one of the study's models; of a residual study, the one there is. */
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
  return withTask(study, (task, own) => {
    const item = task.item(own, model);
    const { name: _name, output: _output, seed: _seed, ...decisive } = task.alone(own, item) as Record<string, unknown>;
    return {
      study,
      model: 'task' in study ? item.title : undefined,
      identity: formatConfig(decisive),
      async check(options, ready) {
        const key = formatConfig([task.dataKey(own), own.device]);
        if (!ready.has(key)) ready.set(key, await task.prepare(own, options));
        const data = ready.get(key) as Awaited<ReturnType<typeof task.prepare>>;
        checkItem(task, own, item, data);
        const facts = task.work(own, data, options).facts(own, item);
        return { ...facts, study: own.name, title: item.title, device: own.device };
      },
    };
  });
}
