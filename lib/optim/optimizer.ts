/** The base of every optimiser: groups with settings of their own, steps, state in and out. */
import { types } from 'node:util';

import { checkArgument } from '../arguments';
import { ArgumentError, CheckpointError, DisposedError } from '../errors';
import { native } from '../native';
import { enableGrad, noGrad, scope, type Tensor } from '../tensor';
import { handlesOf, parametersOf, toGroups, type Group, type ParameterGroup } from './groups';
import { checkSettings, checkNames, type CommonSettings, type Rules } from './settings';
import { checkState, type OptimizerState, type ParameterState, type StateForm } from './state';

/** Names in a group besides its settings. */
const besidesSettings = ['params', 'initialLr'];

/**
 * Updates parameters by their gradients:
 *
 *     const sgd = new optim.SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
 *     sgd.zeroGrad(); loss.backward(); sgd.step();
 *
 * What an optimiser remembers of its parameters outlives every scope, until `dispose()`. A module must be moved or converted before
 * its optimiser is made.
 */
export abstract class Optimizer<
  Settings extends CommonSettings = CommonSettings,
  State extends ParameterState = ParameterState,
> {
  /** What groups have where they do not say otherwise. */
  readonly defaults: Readonly<Settings>;
  readonly #rules: Rules<Settings>;
  readonly #groups: Group<Settings>[] = [];
  #disposed = false;

  /**
   * @param params - parameters, or groups of them with settings of their own
   * @param rules - what each setting may be
   * @throws ArgumentError for settings that are unknown or out of range, for no parameters, and for one that was computed, is not
   *   floating-point or is given twice
   */
  protected constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroup<Settings>>,
    options: Partial<Settings>,
    defaults: Settings,
    rules: Rules<Settings>,
  ) {
    checkArgument(options, 'object', 'The settings of an optimiser, such as { lr: 0.1 },');
    checkNames(this.#name, options, rules);
    this.#rules = rules;
    this.defaults = { ...defaults, ...definedOf(options) };
    for (const group of toGroups<Settings>(params)) this.#add(group);
    if (this.parameters().length === 0) throw new ArgumentError('An optimiser needs at least one parameter.');
  }

  /** Change settings such as `lr` between steps, as schedulers do; they are checked at the next step. */
  get groups(): readonly Group<Settings>[] {
    return this.#groups;
  }

  /** All parameters, group after group. */
  parameters(): Tensor[] {
    return this.#groups.flatMap(({ params }) => params);
  }

  /** Takes on more parameters, such as those of layers that are thawed. @throws ArgumentError as the constructor */
  addParamGroup(group: ParameterGroup<Settings>): void {
    this.#checkUsable();
    this.#add(group);
  }

  #add(group: ParameterGroup<Settings>): void {
    const params = parametersOf(group);
    checkNames(this.#name, group, this.#rules, besidesSettings);
    const repeated = native.firstRepeated(handlesOf([...this.parameters(), ...params]));
    if (repeated !== null) {
      throw new ArgumentError(
        `A parameter is given to the optimiser twice: number ${repeated}, counted over all groups, is one before it.`,
      );
    }
    const added = { ...this.defaults, ...definedOf(group), params } as unknown as Group<Settings>;
    checkSettings<Settings>(this.#name, added, this.#rules);
    this.checkTogether?.(added);
    this.#groups.push(added);
  }

  /** @throws ArgumentError for settings that do not go together */
  protected checkTogether?(settings: Settings): void;

  /** Forgets the gradients of all parameters, or fills them with zeros: a parameter whose gradient is zero is still updated. */
  zeroGrad({ setToNone = true }: { setToNone?: boolean } = {}): void {
    this.#checkUsable();
    this.#checkParameters();
    if (setToNone) {
      for (const { params } of this.#groups) native.forgetGradients(handlesOf(params));
    } else {
      scope(() =>
        noGrad(() => {
          for (const parameter of this.parameters()) parameter.grad?.zero_();
        }),
      );
    }
  }

  /** Updates every parameter that has a gradient. */
  step(): void;
  /**
   * Calls `closure`, which is to forget the gradients, compute the loss and call `backward`; then updates.
   * @returns what the closure returned
   * @throws ArgumentError when it is asynchronous
   */
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    this.#checkUsable();
    const result = closure === undefined ? undefined : enableGrad(closure);
    if (types.isPromise(result)) {
      throw new ArgumentError('The closure of step() must not be asynchronous; await it yourself, then call step().');
    }
    for (const group of this.#groups) {
      checkSettings<Settings>(this.#name, group, this.#rules);
      this.checkTogether?.(group);
    }
    this.#checkParameters();
    this.update();
    return result;
  }

  /** The step itself. Settings and parameters are checked. */
  protected abstract update(): void;

  /** What is remembered of a parameter of this shape. */
  protected abstract stateForm(shape: readonly number[]): StateForm;

  /** What is remembered of each parameter; null before its first update. The tensors share the optimiser's memory. */
  protected abstract readState(): (State | null)[];

  /** Takes over copies of what was checked to fit. */
  protected abstract writeState(state: readonly (State | null)[]): void;

  /** Frees what is remembered. */
  protected abstract freeState(): void;

  /**
   * Settings, and what is remembered of each parameter, such as moments. The tensors share memory with the optimiser: save them, or
   * load them into another, before the next step.
   */
  stateDict(): OptimizerState<Settings, State> {
    this.#checkUsable();
    let next = 0;
    const groups = this.#groups.map(({ params, ...settings }) => ({
      ...(settings as unknown as Settings),
      params: params.map(() => next++),
    }));
    return { groups, state: this.readState() };
  }

  /**
   * Takes over settings and what is remembered of the parameters; training goes on as it would have.
   * @throws CheckpointError when they do not fit the parameters; nothing has changed then
   */
  loadStateDict(dict: OptimizerState<Settings, State>): void {
    this.#checkUsable();
    checkState(dict, this.#groups, (shape) => this.stateForm(shape));
    const renewed = dict.groups.map((group) => this.#settingsOf(group));
    const before = this.#groups.map(({ params: _params, ...settings }) => settings);
    this.#groups.forEach((group, index) => Object.assign(group, renewed[index]));
    try {
      this.writeState(dict.state);
    } catch (error) {
      this.#groups.forEach((group, index) => Object.assign(group, before[index]));
      throw error;
    }
  }

  /** @throws CheckpointError when one is unknown or out of range */
  #settingsOf(group: object): object {
    const { params: _params, ...saved } = group as { params?: unknown };
    const settings = { ...this.defaults, ...saved };
    try {
      checkNames(this.#name, saved, this.#rules, besidesSettings);
      checkSettings<Settings>(this.#name, settings, this.#rules);
      this.checkTogether?.(settings);
    } catch (error) {
      throw new CheckpointError(`The state does not fit. ${(error as Error).message}`, { cause: error });
    }
    return settings;
  }

  #checkParameters(): void {
    for (const [group, { params }] of this.#groups.entries()) {
      for (const [index, parameter] of params.entries()) {
        if (!parameter.isDisposed) continue;
        throw new DisposedError(
          `Parameter ${index} of group ${group} of this ${this.#name} was disposed. A parameter made inside a scope must leave it, by keep().`,
        );
      }
    }
  }

  #checkUsable(): void {
    if (this.#disposed) throw new DisposedError(`This ${this.#name} was disposed.`);
  }

  get #name(): string {
    return this.constructor.name;
  }

  /** Frees what is remembered of the parameters now. The parameters stay. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.freeState();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Options that are given: `undefined` stands for the default. */
function definedOf<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
