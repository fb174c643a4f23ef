/** Schedulers made of schedulers. */
import { ArgumentError } from '../../errors';
import type { Optimizer } from '../optimizer';
import { integerFrom, StepScheduler, type SchedulerState } from './scheduler';

abstract class Combined extends StepScheduler {
  readonly schedulers: readonly StepScheduler[];

  constructor(optimizer: Optimizer, schedulers: readonly StepScheduler[]) {
    super(optimizer);
    this.schedulers = [...schedulers];
  }

  override undo(): void {
    for (const scheduler of this.schedulers) scheduler.undo();
  }

  protected override progress(): SchedulerState {
    return { schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()) };
  }

  override checkState(state: SchedulerState): void {
    super.checkState(state);
    this.#each(state, (scheduler, own) => scheduler.checkState(own));
  }

  protected override takeProgress(progress: SchedulerState): void {
    this.#each(progress, (scheduler, own) => scheduler.takeState(own));
  }

  #each({ schedulers }: SchedulerState, visit: (scheduler: StepScheduler, state: SchedulerState) => void): void {
    for (const [index, state] of (schedulers as SchedulerState[]).entries()) visit(this.schedulers[index]!, state);
  }
}

/** @throws ArgumentError for anything that cannot be combined */
function checkSchedulers(
  name: string,
  schedulers: readonly StepScheduler[],
  optimizer: Optimizer | undefined,
): Optimizer {
  const list: unknown = schedulers;
  if (!Array.isArray(list) || list.length === 0) {
    throw new ArgumentError(`${name} needs an array of at least one scheduler.`);
  }
  for (const [index, each] of schedulers.entries()) {
    const scheduler: unknown = each;
    if (!(scheduler instanceof StepScheduler)) {
      throw new ArgumentError(
        `${name}: number ${index} is not a scheduler that goes by steps; a ReduceLROnPlateau must be stepped on its own.`,
      );
    }
    if (scheduler.optimizer !== (optimizer ?? schedulers[0]!.optimizer)) {
      throw new ArgumentError(`${name}: scheduler ${index} is of another optimiser.`);
    }
  }
  return optimizer ?? schedulers[0]!.optimizer;
}

export interface SequentialLROptions {
  schedulers: readonly StepScheduler[];
  /** The steps at which the next scheduler takes over; one fewer than schedulers. */
  milestones: readonly number[];
}

/** One scheduler after another, each from its own beginning: a warm-up, then a decay. */
export class SequentialLR extends Combined {
  readonly #milestones: readonly number[];

  constructor(optimizer: Optimizer, { schedulers, milestones }: SequentialLROptions) {
    super(checkSchedulers('SequentialLR', schedulers, optimizer), schedulers);
    const list: unknown = milestones;
    if (!Array.isArray(list) || list.length !== schedulers.length - 1) {
      throw new ArgumentError(
        `SequentialLR of ${schedulers.length} schedulers needs ${schedulers.length - 1} milestones.`,
      );
    }
    for (const [index, milestone] of milestones.entries()) {
      integerFrom(index === 0 ? 0 : milestones[index - 1]! + 1, 'A milestone', milestone);
    }
    this.#milestones = [...milestones];
    for (const group of optimizer.groups) group.lr = group.initialLr ?? group.lr;
    super.undo();
    this.begin();
  }

  override step(): void {
    this.lastEpoch += 1;
    const index = this.#active();
    const scheduler = this.schedulers[index]!;
    if (index > 0 && this.#milestones[index - 1] === this.lastEpoch) scheduler.restart();
    else scheduler.step();
    this.remember();
  }

  /** @internal */
  override begin(): void {
    this.lastEpoch = 0;
    this.schedulers[this.#active()]!.begin();
    this.remember();
  }

  /** @internal */
  override restart(): void {
    this.lastEpoch = 0;
    this.schedulers[this.#active()]!.restart();
    this.remember();
  }

  #active(): number {
    return this.#milestones.filter((milestone) => milestone <= this.lastEpoch).length;
  }
}

/** Several schedulers at once: each goes on from the learning rate that the one before it has set. */
export class ChainedScheduler extends Combined {
  constructor(schedulers: readonly StepScheduler[], optimizer?: Optimizer) {
    super(checkSchedulers('ChainedScheduler', schedulers, optimizer), schedulers);
  }

  override step(): void {
    this.lastEpoch += 1;
    for (const scheduler of this.schedulers) scheduler.step();
    this.remember();
  }

  /** @internal */
  override begin(): void {
    for (const scheduler of this.schedulers) scheduler.begin();
    this.remember();
  }

  /** @internal */
  override restart(): void {
    for (const scheduler of this.schedulers) scheduler.restart();
    this.remember();
  }
}
