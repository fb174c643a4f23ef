/** The learning rates of an optimiser's groups: those of the trainer's schedule, or of a scheduler of one's own. */
import { ArgumentError } from '../../errors';
import type { JsonValue } from '../../json';
import { schedulers, type Optimizer } from '../../optim';

export class Rates {
  readonly #optimizer: Optimizer;
  readonly #scheduler: schedulers.Scheduler | null;
  /** What part of the highest rate each group has. */
  readonly #shares: readonly number[];
  /** The rate that the scheduler's own numbers are for. */
  #highest: number;

  /** @param makeScheduler - makes the scheduler; null for the trainer's schedule */
  constructor(optimizer: Optimizer, makeScheduler: ((optimizer: Optimizer) => schedulers.Scheduler) | null) {
    this.#optimizer = optimizer;
    this.#highest = this.current;
    this.#shares = optimizer.groups.map(({ lr }) => (this.#highest === 0 ? 1 : lr / this.#highest));
    this.#scheduler = makeScheduler?.(optimizer) ?? null;
    if (this.#scheduler === null || this.#scheduler instanceof schedulers.Scheduler) return;
    throw new ArgumentError(
      '`scheduler` must return a scheduler, such as new optim.schedulers.LambdaLR(optimizer, ...).',
    );
  }

  /** The highest rate, which a schedule scales. */
  get highest(): number {
    return this.#highest;
  }

  /** The highest rate of the groups as they are. */
  get current(): number {
    return Math.max(...this.#optimizer.groups.map(({ lr }) => lr));
  }

  /** Gives the groups their rates for the update that comes. @param learningRate - the highest; of a scheduler, the highest that it scales */
  apply(learningRate: number): void {
    if (this.#scheduler === null) {
      for (const [index, group] of this.#optimizer.groups.entries()) group.lr = learningRate * this.#shares[index]!;
    } else if (learningRate !== this.#highest) {
      const factor = learningRate / this.#highest;
      this.#scheduler.loadStateDict(scaled(this.#scheduler.stateDict(), factor));
      for (const group of this.#optimizer.groups) if (group.initialLr !== undefined) group.initialLr *= factor;
      this.#highest = learningRate;
    }
  }

  /** The update is made. */
  step(): void {
    if (this.#scheduler instanceof schedulers.StepScheduler) this.#scheduler.step();
  }

  /** An evaluation is done, which some schedulers go by. */
  evaluated(loss: number): void {
    if (this.#scheduler instanceof schedulers.ReduceLROnPlateau) this.#scheduler.step(loss);
  }

  /** For a checkpoint. */
  state(): JsonValue {
    return { highest: this.#highest, scheduler: (this.#scheduler?.stateDict() ?? null) as JsonValue };
  }

  restore(state: JsonValue): void {
    const { highest, scheduler } = state as { highest: number; scheduler: schedulers.SchedulerState | null };
    if (scheduler !== null) this.#scheduler?.loadStateDict(scheduler);
    this.#highest = highest;
  }
}

/** A scheduler's state, and those in it, with rates so many times as high. */
function scaled(state: schedulers.SchedulerState, factor: number): schedulers.SchedulerState {
  const times = (rates: unknown) => (rates as number[]).map((rate) => rate * factor);
  const entries = Object.entries(state).map(([name, value]) => {
    if (name === 'baseLrs' || name === 'lastLr') return [name, times(value)];
    if (name === 'schedulers')
      return [name, (value as schedulers.SchedulerState[]).map((each) => scaled(each, factor))];
    return [name, value];
  });
  return Object.fromEntries(entries) as schedulers.SchedulerState;
}
