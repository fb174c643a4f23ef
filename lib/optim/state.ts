/** What optimisers remember, as it is saved and loaded. */
import { CheckpointError } from '../errors';
import { Tensor } from '../tensor';

/** What is remembered of one parameter: tensors, and `step`, the number of its updates. */
export type ParameterState = Readonly<Record<string, Tensor | number | undefined>>;

export interface OptimizerState<Settings = object, State extends ParameterState = ParameterState> {
  /** Each group's settings; `params` are the numbers of its parameters, counted over all groups. */
  groups: (Settings & { params?: readonly number[]; initialLr?: number })[];
  /** In the order of the parameters; null for one that was never updated. */
  state: (State | null)[];
}

/** What must be remembered of a parameter, and what may be. */
export type StateForm = Readonly<Record<string, 'count' | { shape: readonly number[]; optional?: boolean }>>;

/** @throws CheckpointError when the state is of other groups or parameters */
export function checkState(
  { groups, state }: OptimizerState,
  own: readonly { readonly params: readonly Tensor[] }[],
  formOf: (shape: readonly number[]) => StateForm,
): void {
  if (!Array.isArray(groups) || !Array.isArray(state)) {
    throw new CheckpointError('The state of an optimiser is { groups, state }, as stateDict() gives it.');
  }
  if (groups.length !== own.length) {
    throw new CheckpointError(`The optimiser has ${own.length} parameter groups, the state has ${groups.length}.`);
  }
  for (const [index, { params }] of own.entries()) {
    const count = groups[index]!.params?.length ?? params.length;
    if (count === params.length) continue;
    throw new CheckpointError(`Group ${index} of the optimiser has ${params.length} parameters, the state's ${count}.`);
  }
  const parameters = own.flatMap(({ params }) => params);
  if (state.length !== parameters.length) {
    throw new CheckpointError(`The optimiser has ${parameters.length} parameters, the state has ${state.length}.`);
  }
  for (const [index, each] of state.entries()) {
    if (each !== null) checkParameterState(index, each, parameters[index]!.shape, formOf);
  }
}

function checkParameterState(
  index: number,
  state: ParameterState,
  shape: readonly number[],
  formOf: (shape: readonly number[]) => StateForm,
): void {
  const form = formOf(shape);
  const refuse = (problem: string) => new CheckpointError(`The state of parameter ${index} does not fit: ${problem}.`);
  for (const name of Object.keys(state)) {
    if (!Object.hasOwn(form, name)) {
      throw refuse(`it has ${name}, and what is remembered here is ${Object.keys(form).join(', ')}`);
    }
  }
  for (const [name, wanted] of Object.entries(form)) {
    const value = state[name];
    if (wanted === 'count') {
      if (!Number.isSafeInteger(value) || (value as number) < 0) {
        throw refuse(`${name} must be a whole number from 0 on, not ${String(value)}`);
      }
    } else if (value === undefined ? !wanted.optional : !(value instanceof Tensor)) {
      throw refuse(`${name} must be a tensor`);
    } else if (value instanceof Tensor && value.shape.join() !== wanted.shape.join()) {
      throw refuse(`${name} should have shape [${wanted.shape.join(', ')}], it has [${value.shape.join(', ')}]`);
    }
  }
}
