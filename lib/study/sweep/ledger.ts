/** What has ended of a sweep: told, and written into its folder, as it comes. */
import type { SweepEvent, TrialEndEvent } from './events';
import { saveTable } from './folder';
import type { SweepResult } from './result';
import { sweepTable, type SweepPlace, type TrialRun } from './table';
import type { Trial } from './trials';

export class Ledger {
  readonly #ended = new Map<Trial, TrialRun>();
  #isOutdated = false;
  #saving: Promise<void> | undefined;
  #result: SweepResult | undefined;

  constructor(
    private readonly place: SweepPlace,
    private readonly trials: readonly Trial[],
    private readonly tell: (event: SweepEvent) => void,
  ) {}

  /** Those that have not ended. */
  get open(): Trial[] {
    return this.trials.filter((trial) => !this.#ended.has(trial));
  }

  /** The table, once everything has ended. */
  get result(): SweepResult | undefined {
    return this.open.length === 0 ? this.#result : undefined;
  }

  note(trial: Trial, run: TrialRun['run'], how: TrialEndEvent['how']): void {
    this.#ended.set(trial, { point: trial.point, run });
    const [ended, runs] = [this.#ended.size, this.trials.length];
    this.tell({ type: 'trialEnd', trial: trial.name, how, message: run.error, ended, runs });
    this.#isOutdated = true;
  }

  /** Writes the table of what has ended; once for all who ask while it is being written. */
  save(): Promise<void> {
    if (this.#isOutdated) this.#saving ??= this.#save();
    return this.#saving ?? Promise.resolve();
  }

  async #save(): Promise<void> {
    try {
      while (this.#isOutdated) {
        this.#isOutdated = false;
        // In the order of the sweep, whatever ended first.
        const runs = this.trials.flatMap((trial) => this.#ended.get(trial) ?? []);
        const table = sweepTable(this.place, runs);
        await saveTable(this.place.folder, table);
        this.#result = table.result;
        this.tell({ type: 'table', result: table.result });
      }
    } finally {
      this.#saving = undefined;
    }
  }
}
