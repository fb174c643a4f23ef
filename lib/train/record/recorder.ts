/** All that is recorded of a training by itself. */
import path from 'node:path';

import { checkArgument } from '../../arguments';
import { ArgumentError } from '../../errors';
import type { Course } from '../course';
import type { TrainObserver } from '../observer';
import type { RunOptions } from '../options';
import { failureHandler } from './failure';
import { HistoryFile } from './history-file';
import { Meter, type MeasuredStep, type StepSpeed } from './meter';
import { ReportPage } from './report-page';
import { StateFile } from './state-file';
import { TensorBoardFile } from './tensorboard/event-file';
import { TraceFile } from './trace-file';

export class Recorder {
  /** Those that write files: `metrics.jsonl`, TensorBoard's events, `trainer_state.json`, a trace where it is asked for. */
  readonly observers: readonly TrainObserver[];
  readonly #course: Course;
  readonly #flopsPerToken: number | null;
  #meter: Meter | undefined;

  /** @throws ArgumentError for options that make no sense */
  constructor(course: Course, { out, title, profile, flopsPerToken }: RunOptions) {
    if (title !== undefined) checkArgument(title, 'string', "A training's title");
    if (flopsPerToken !== undefined && !(typeof flopsPerToken === 'number' && flopsPerToken > 0))
      throw new ArgumentError(`flopsPerToken must be a number above 0, not ${String(flopsPerToken)}.`);
    this.#course = course;
    this.#flopsPerToken = flopsPerToken ?? course.data.modelFlopsPerToken ?? null;
    this.observers = [...this.#filesIn(out, title), ...traces(out, profile)];
  }

  /** Measures what the device can do, where that is of use. @throws AbortError */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const { precision } = this.#course.config;
    const device = deviceOf(this.#course);
    this.#meter = await Meter.open({ flopsPerToken: this.#flopsPerToken, precision, device }, signal);
  }

  measure(step: MeasuredStep): StepSpeed {
    return this.#meter!.measure(step);
  }

  #filesIn(folder: string | undefined, title: string | undefined): TrainObserver[] {
    if (folder === undefined) return [];
    const onFailure = failureHandler(this.#course.config.onSaveFailure);
    return [
      new HistoryFile({ folder, device: () => deviceOf(this.#course), title }, onFailure),
      new TensorBoardFile(folder, onFailure),
      new StateFile(folder, onFailure),
      new ReportPage(folder, onFailure),
    ];
  }
}

const deviceOf = ({ model }: Course) => [...model.parameters()][0]?.device ?? 'cpu';

function traces(out: string | undefined, profile: RunOptions['profile']): TrainObserver[] {
  if (profile === undefined) return [];
  checkArgument(profile, 'object', 'The option profile, such as { steps: [3, 5] },');
  const file = profile.file ?? (out === undefined ? undefined : path.join(out, 'trace.json'));
  if (file === undefined) throw new ArgumentError('profile needs a `file` for the trace, where there is no `out`.');
  return [new TraceFile(file, profile)];
}
