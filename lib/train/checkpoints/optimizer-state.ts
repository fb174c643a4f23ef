/** What an optimiser remembers, as tensors with names and plain data, and back. The same for every optimiser. */
import { z } from 'zod';

import { CheckpointError } from '../../errors';
import type { JsonValue } from '../../json';
import type { Optimizer, OptimizerState } from '../../optim';
import { Tensor } from '../../tensor';

const savedSchema = z.object({
  /** The optimiser's class. */
  type: z.string(),
  /** Settings of each group. */
  groups: z.array(z.record(z.string(), z.unknown())),
  /** For each parameter, what is no tensor, such as the number of its updates; null before its first update. */
  parameters: z.array(z.record(z.string(), z.number()).nullable()),
});

/** `0.expAvg` is what is remembered of the first parameter. */
const tensorName = (parameter: number, name: string) => `${parameter}.${name}`;

/** The tensors share memory with the optimiser. */
export function readOptimizer(optimizer: Optimizer): { plain: JsonValue; tensors: [name: string, tensor: Tensor][] } {
  const { groups, state } = optimizer.stateDict();
  const tensors: [string, Tensor][] = [];
  const parameters = state.map((each, index) => {
    if (each === null) return null;
    const numbers: Record<string, number> = {};
    for (const [name, value] of Object.entries(each)) {
      if (value instanceof Tensor) tensors.push([tensorName(index, name), value]);
      else if (value !== undefined) numbers[name] = value;
    }
    return numbers;
  });
  return { plain: { type: optimizer.constructor.name, groups: groups as object as JsonValue, parameters }, tensors };
}

/** @throws CheckpointError when the state is another optimiser's or does not fit its parameters; nothing has changed then */
export function fillOptimizer(optimizer: Optimizer, plain: unknown, tensors: ReadonlyMap<string, Tensor>): void {
  const { data: saved } = savedSchema.safeParse(plain);
  if (saved === undefined) throw new CheckpointError('what is kept of the optimiser is not of this version');
  if (saved.type !== optimizer.constructor.name)
    throw new CheckpointError(
      `it was trained with ${saved.type}, and the optimiser here is ${optimizer.constructor.name}`,
    );
  const state: (Record<string, Tensor | number> | null)[] = saved.parameters.map((each) => each && { ...each });
  for (const [name, tensor] of tensors) {
    const dot = name.indexOf('.');
    const own = state[Number(name.slice(0, dot))];
    if (own) own[name.slice(dot + 1)] = tensor;
  }
  optimizer.loadStateDict({
    groups: saved.groups,
    state: state,
  } as OptimizerState as never);
}
