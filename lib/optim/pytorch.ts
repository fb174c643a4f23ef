/** States of optimisers as PyTorch's `state_dict()` has them, and in files of `torch.save`. */
import { ArgumentError, CheckpointError } from '../errors';
import { load, save, scope, Tensor, torch, type LoadedValue, type SavableValue } from '../tensor';
import { Adam, AdamW } from './adam';
import { Optimizer } from './optimizer';
import type { CommonSettings } from './settings';
import type { OptimizerState, ParameterState } from './state';

/** What says how PyTorch computes, not what; and what schedulers keep in groups. */
const unheard = new Set([
  ...['foreach', 'fused', 'capturable', 'differentiable'],
  ...['max_lr', 'min_lr', 'base_momentum', 'max_momentum'],
]);
/** Python's name for what a class is here. */
const decoupled = 'decoupled_weight_decay';

const toSnake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/**
 * What `torch.optim`'s optimiser of the same name takes in `load_state_dict`: Maps with Python's names. Lion's is of the same form. The
 * tensors share memory with the optimiser.
 * @throws ArgumentError for settings that PyTorch's has not
 */
export function toPytorchState(optimizer: Optimizer): Map<string, SavableValue> {
  const { groups, state } = optimizer.stateDict();
  const byParameter = new Map<number, SavableValue>();
  for (const [index, each] of state.entries()) if (each !== null) byParameter.set(index, pythonState(each));
  return new Map<string, SavableValue>([
    ['state', byParameter],
    ['param_groups', groups.map((group) => pythonGroup(optimizer, group))],
  ]);
}

function pythonState(state: ParameterState): Map<string, SavableValue> {
  const entries = Object.entries(state).map(([name, value]): [string, SavableValue] => [
    toSnake(name),
    // The number of updates is a tensor there.
    typeof value === 'number' ? torch.tensor(value, { dtype: 'float32' }) : value!,
  ]);
  return new Map(entries);
}

function pythonGroup(optimizer: Optimizer, group: object): Map<string, SavableValue> {
  const { epsilonBeforeCorrection, ...settings } = group as { epsilonBeforeCorrection?: boolean };
  if (epsilonBeforeCorrection === true) {
    throw new ArgumentError("PyTorch's Adam has no epsilonBeforeCorrection; it would go on with other updates.");
  }
  const entries = Object.entries(settings as Record<string, SavableValue>).map(
    ([name, value]) => [toSnake(name), value] as const,
  );
  const made = new Map<string, SavableValue>(entries);
  const isDecoupled = decoupledOf(optimizer);
  if (isDecoupled !== undefined) made.set(decoupled, isDecoupled);
  return made;
}

function decoupledOf(optimizer: Optimizer): boolean | undefined {
  return optimizer instanceof Adam || optimizer instanceof AdamW ? optimizer.decoupledWeightDecay : undefined;
}

/**
 * Takes over what `state_dict()` gives in Python, with its dictionaries as Maps, as `torch.load` here gives it: training goes on as it
 * would have there.
 * @throws CheckpointError when it does not fit; nothing has changed then
 */
export function loadPytorchState(optimizer: Optimizer, state: LoadedValue): void {
  const groups = entryOf(state, 'param_groups');
  const byParameter = entryOf(state, 'state');
  if (!Array.isArray(groups) || !(byParameter instanceof Map)) {
    throw new CheckpointError("This is not an optimiser's state_dict(): it has no `state` and `param_groups`.");
  }
  const read = groups.map((group) => readGroup(optimizer, group));
  // PyTorch goes by the order of the numbers, whatever they are.
  const numbers = read.flatMap(({ params }) => params);
  scope(() => {
    const states = numbers.map((number) => readState(byParameter.get(number)));
    const given = { groups: read, state: states } as unknown as OptimizerState<CommonSettings>;
    let next = 0;
    for (const group of given.groups) group.params = group.params!.map(() => next++);
    optimizer.loadStateDict(given);
  });
}

function entryOf(value: LoadedValue | undefined, name: string): LoadedValue | undefined {
  return value instanceof Map ? value.get(name) : undefined;
}

function readGroup(optimizer: Optimizer, group: LoadedValue): { params: LoadedValue[] } {
  const params = entryOf(group, 'params');
  if (!(group instanceof Map) || !Array.isArray(params)) {
    throw new CheckpointError("A group of an optimiser's state_dict() has no `params`.");
  }
  const isDecoupled = decoupledOf(optimizer);
  const theirs = group.get(decoupled);
  if (isDecoupled !== undefined && theirs !== undefined && theirs !== isDecoupled) {
    const name = isDecoupled ? 'Adam, and this is AdamW' : 'AdamW, and this is Adam';
    throw new CheckpointError(`This is the state of an ${name}: their weight decays differ.`);
  }
  const settings: Record<string, LoadedValue> = {};
  for (const [name, value] of group) {
    if (typeof name !== 'string' || unheard.has(name) || name === decoupled) continue;
    settings[toCamel(name)] = value instanceof Tensor ? value.item() : value;
  }
  return { ...settings, params };
}

function readState(state: LoadedValue | undefined): ParameterState | null {
  if (state === undefined) return null;
  if (!(state instanceof Map)) throw new CheckpointError("A parameter's state must be a dictionary.");
  const read: Record<string, Tensor | number> = {};
  for (const [name, value] of state) {
    // What is not there yet, as older versions wrote it.
    if (value === null || typeof name !== 'string') continue;
    if (name === 'step') read.step = value instanceof Tensor ? value.item() : (value as number);
    else read[toCamel(name)] = value as Tensor;
  }
  return Object.keys(read).length === 0 ? null : read;
}

/**
 * Writes an optimiser's state as PyTorch's `torch.save(optimizer.state_dict(), file)` does.
 * @throws as `toPytorchState` and `torch.save`
 */
export async function saveOptimizer(
  file: string,
  optimizer: Optimizer,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  await scope(async () => save(file, toPytorchState(optimizer), options));
}

export interface LoadOptimizerOptions {
  /** Key of the outermost dictionary under which the state lies, such as `optimizer` in many checkpoints. Default: it is the outermost one. */
  section?: string;
  signal?: AbortSignal;
}

/**
 * Takes over the state of an optimiser that PyTorch, or `saveOptimizer`, has written.
 * @throws CheckpointError when the file cannot be read, or as `loadPytorchState`
 */
export async function loadOptimizer(
  file: string,
  optimizer: Optimizer,
  { section, signal }: LoadOptimizerOptions = {},
): Promise<void> {
  await scope(async () => {
    const value = await load(file, signal === undefined ? {} : { signal });
    const state = section === undefined ? value : entryOf(value, section);
    if (state === undefined) throw new CheckpointError(`${file} has no section ${JSON.stringify(section)}.`);
    loadPytorchState(optimizer, state);
  });
}
