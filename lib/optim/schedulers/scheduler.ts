/** The base of all schedulers: they set the learning rates of an optimiser's groups, step by step. */
import { inspect } from 'node:util';

import { ArgumentError, CheckpointError } from '../../errors';
import { Optimizer } from '../optimizer';

/** Numbers, texts and lists of them; it can be kept as JSON. */
export type SchedulerState = Readonly<Record<string, unknown>>;

/** What sets the learning rates, by steps or by what is measured. */
export abstract class Scheduler {
  readonly optimizer: Optimizer;
  /** Steps so far. */
  lastEpoch = 0;
  #lastLr: number[];

  constructor(optimizer: Optimizer) {
    this.optimizer = checkOptimizer(optimizer);
    this.#lastLr = this.currentRates();
  }

  /** The learning rate of each group, as this scheduler left it. */
  get lastLr(): readonly number[] {
    return this.#lastLr;
  }

  /** What the groups have now. */
  protected currentRates(): number[] {
    return this.optimizer.groups.map(({ lr }) => lr);
  }

  protected setRates(rates: readonly number[]): void {
    this.optimizer.groups.forEach((group, index) => {
      group.lr = rates[index]!;
    });
    this.remember();
  }

  /** Takes note of the rates that the groups have. */
  protected remember(): void {
    this.#lastLr = this.currentRates();
  }

  /** Where it stands; plain data, for JSON too. The settings are the constructor's. */
  stateDict(): SchedulerState {
    return { ...this.progress(), lastEpoch: this.lastEpoch, lastLr: [...this.#lastLr] };
  }

  /**
   * Goes on where another scheduler with the same settings stood, whose learning rates the groups get.
   * @throws CheckpointError when the state is of another kind of scheduler, or of other groups; nothing has changed then
   */
  loadStateDict(state: SchedulerState): void {
    this.checkState(state);
    this.takeState(state);
  }

  /** @internal */
  checkState(state: SchedulerState): void {
    checkForm(this.constructor.name, state, this.stateDict());
  }

  /** Takes over what was checked. @internal */
  takeState(state: SchedulerState): void {
    const { lastEpoch, lastLr, ...progress } = state;
    this.takeProgress(progress);
    this.lastEpoch = lastEpoch as number;
    this.setRates(lastLr as number[]);
  }

  /** What `stateDict()` holds besides the step and the learning rates. */
  protected abstract progress(): SchedulerState;

  protected abstract takeProgress(progress: SchedulerState): void;
}

/** @throws CheckpointError unless the state has the names and kinds of value that this scheduler's own has */
function checkForm(scheduler: string, state: SchedulerState, own: SchedulerState): void {
  if (typeof state !== 'object' || state === null) {
    throw new CheckpointError(`The state of a ${scheduler} is an object, as stateDict() gives it.`);
  }
  for (const name of new Set([...Object.keys(own), ...Object.keys(state)])) {
    if (formOf(state[name]) === formOf(own[name])) continue;
    throw new CheckpointError(
      `The state does not fit this ${scheduler}: ${name} is ${inspect(state[name])}, and should be as ${inspect(own[name])}.`,
    );
  }
}

function formOf(value: unknown): string {
  return Array.isArray(value) ? `list of ${value.map((each) => typeof each).join()}` : typeof value;
}

function checkOptimizer(optimizer: unknown): Optimizer {
  if (optimizer instanceof Optimizer) return optimizer as Optimizer;
  throw new ArgumentError(`A scheduler takes an optimiser first, not ${inspect(optimizer, { depth: 0 })}.`);
}

/** A schedule by steps, alone or put together of others. */
export abstract class StepScheduler extends Scheduler {
  /** To be called once after each of the optimiser's updates, or of the epochs, as the scheduler's lengths are counted. */
  abstract step(): void;

  /** Goes back before its first step. The groups' learning rates stay. @internal */
  abstract undo(): void;

  /** Takes the first step. @internal */
  abstract begin(): void;

  /** Goes on from its first step, wherever the groups' learning rates are. @internal */
  abstract restart(): void;
}

/** Where a scheduler begins. */
export interface StartOptions {
  /** The last step done, to go on after it with an optimiser whose state was loaded. Default -1: from the beginning. */
  lastEpoch?: number;
}

/**
 * A schedule by steps. A scheduler of your own gives `chained`, in which `this.options`, `this.lastEpoch` and `this.baseLrs` may be
 * used, and where there is one the closed form.
 */
export abstract class LRScheduler<Options extends object = object> extends StepScheduler {
  /** Checked, and with defaults filled in. */
  protected readonly options: Options;
  /** The learning rate of each group before any schedule. */
  protected baseLrs: readonly number[];
  /** Whether the constructor's step is being taken. */
  protected isInitial = false;

  constructor(optimizer: Optimizer, options: Options, lastEpoch = -1) {
    super(optimizer);
    this.options = options;
    this.baseLrs = this.optimizer.groups.map((group, index) => {
      if (lastEpoch === -1) return (group.initialLr ??= group.lr);
      if (group.initialLr !== undefined) return group.initialLr;
      throw new ArgumentError(
        `lastEpoch ${lastEpoch} goes on with a schedule, but group ${index} of the optimiser knows no initialLr: load the optimiser's state first.`,
      );
    });
    this.lastEpoch = integerFrom(-1, 'lastEpoch', lastEpoch);
    this.begin();
  }

  /** The rates at `lastEpoch`, from those of the step before. */
  protected abstract chained(): number[];

  /** The rates at `lastEpoch`, from nothing else. */
  protected closed?(): number[];

  /**
   * @param epoch goes to this step, perhaps a fraction, instead of the next one: by the closed form where there is one. Otherwise the
   *   form that goes on from the rates at hand is used, so that what others change in them lasts, as in PyTorch.
   */
  override step(epoch?: number): void {
    this.#checkGroups();
    if (epoch === undefined) {
      this.lastEpoch += 1;
      this.setRates(this.chained());
    } else {
      this.lastEpoch = within('epoch', epoch, 0, Number.MAX_SAFE_INTEGER);
      this.setRates(this.closed?.() ?? this.chained());
    }
  }

  override undo(): void {
    this.lastEpoch -= 1;
  }

  override begin(): void {
    this.isInitial = true;
    this.step();
    this.isInitial = false;
  }

  override restart(): void {
    this.lastEpoch = 0;
    this.setRates(this.closed?.() ?? this.chained());
  }

  #checkGroups(): void {
    const [now, then] = [this.optimizer.groups.length, this.baseLrs.length];
    if (now === then) return;
    throw new ArgumentError(
      `The optimiser has ${now} groups, and had ${then} when this ${this.constructor.name} was made: make a new one.`,
    );
  }

  protected override progress(): SchedulerState {
    return { baseLrs: [...this.baseLrs] };
  }

  protected override takeProgress({ baseLrs }: SchedulerState): void {
    this.baseLrs = [...(baseLrs as number[])];
  }
}

export function integerFrom(least: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new ArgumentError(`${name} must be a whole number from ${least} on, not ${inspect(value)}.`);
}

export function finiteNumber(name: string, value: number): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ArgumentError(`${name} must be a finite number, not ${inspect(value)}.`);
}

/** @throws ArgumentError unless the number is in the range */
export function within(name: string, value: number, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new ArgumentError(`${name} must be a number from ${least} to ${most}, not ${inspect(value)}.`);
}

export function oneOf<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  throw new ArgumentError(`${name} must be one of ${choices.join(', ')}, not ${inspect(value)}.`);
}

/** A value for each group: a list of them, or one for all. */
export function perGroup<T>(name: string, optimizer: Optimizer, value: T | readonly T[]): T[] {
  const count = checkOptimizer(optimizer).groups.length;
  if (!Array.isArray(value)) return Array<T>(count).fill(value as T);
  if (value.length === count) return [...(value as readonly T[])];
  throw new ArgumentError(`${name} has ${value.length} values, the optimiser ${count} groups.`);
}
