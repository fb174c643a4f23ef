/** A Chrome trace of some steps of a training. */
import { ArgumentError } from '../../errors';
import { Recording, type ProfileOptions } from '../../tensor';
import type { TrainEvent } from '../events';

/** Which steps are recorded, and where to. */
export interface TraceOptions extends ProfileOptions {
  /** First and last step, from 1. The first ones of a training fill caches, and say little of the others. */
  steps: readonly [first: number, last: number];
  /** The trace, for chrome://tracing or https://ui.perfetto.dev. Default: `trace.json` in the run's folder. */
  file?: string | undefined;
}

/** Records from before the first of the steps until after the last, also evaluations between them. */
export class TraceFile {
  readonly #file: string;
  readonly #options: TraceOptions;
  #recording: Recording | undefined;

  /** @throws ArgumentError for steps that are none */
  constructor(file: string, options: TraceOptions) {
    const [first, last] = Array.isArray(options.steps) ? (options.steps as readonly unknown[]) : [];
    if (!(Number.isInteger(first) && Number.isInteger(last) && 1 <= Number(first) && Number(first) <= Number(last)))
      throw new ArgumentError(
        'profile.steps must be the first and the last step to record, such as [3, 5], from 1 on.',
      );
    this.#file = file;
    this.#options = options;
  }

  async onEvent(event: TrainEvent): Promise<void> {
    const [first, last] = this.#options.steps;
    if (event.type === 'start') {
      const { step, totalSteps } = event;
      if (first <= step || (totalSteps !== null && first > totalSteps))
        throw new ArgumentError(
          `profile.steps begins with step ${first}, but the training goes from step ${step + 1} to ${totalSteps ?? 'its end'}.`,
        );
    } else if (event.type !== 'step') return;
    if (event.step === first - 1) this.#recording = await Recording.start(this.#file, this.#options);
    if (event.step === last) await this.close();
  }

  /** Writes what was recorded, also of a training that ended before the last of the steps. */
  async close(): Promise<void> {
    const recording = this.#recording;
    this.#recording = undefined;
    await recording?.stop();
  }
}
