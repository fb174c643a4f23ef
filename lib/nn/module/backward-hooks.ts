/** Lets hooks hear, and change, the gradients of a module's outputs and inputs. */
import { types } from 'node:util';

import { ArgumentError } from '../../errors';
import { isGradEnabled, Tensor } from '../../tensor';
import { Function, type FunctionContext } from '../../tensor/autograd/function';

/** Gradients by position of a module's inputs or outputs; null where none flows. */
export type Gradients = readonly (Tensor | null)[];

type Hear = (gradients: Gradients) => Gradients;

/** Hooks as `Module` types them: they take the module and gradients, and give gradients or nothing. */
type Hook = (...values: never[]) => unknown;

export interface BackwardHooks {
  module: unknown;
  backwardPre: readonly Hook[];
  backward: readonly Hook[];
}

/** Gives its tensors on unchanged; their gradients go by way of `hear`, all together. */
class Listening extends Function {
  static forward(context: FunctionContext & { hear?: Hear }, hear: Hear, ...tensors: Tensor[]): Tensor[] {
    context.hear = hear;
    context.setMaterializeGrads(false);
    return tensors.map((tensor) => tensor.view(tensor.shape));
  }

  static backward(context: FunctionContext & { hear?: Hear }, ...gradients: (Tensor | null)[]): (Tensor | null)[] {
    return [null, ...context.hear!(gradients)];
  }
}

/** Runs a module's forward between two places that hear gradients: that of its inputs, and that of its outputs. */
export function withBackwardHooks(
  hooks: BackwardHooks,
  inputs: readonly unknown[],
  call: (inputs: unknown[]) => unknown,
): unknown {
  if (!isGradEnabled()) return call([...inputs]);
  const { module, backward, backwardPre } = hooks;
  // What comes from the outputs is needed again at the inputs, beyond the scope of the callback that brings it.
  let gradOutput: Gradients | undefined;
  const atInputs = (gradients: Gradients): Gradients => {
    if (gradOutput === undefined) return gradients;
    const output = gradOutput.map((each) => each && each.alias());
    for (const each of gradOutput) each?.dispose();
    gradOutput = undefined;
    return backward.reduce(
      (each, hook) => changed(hook(module as never, each as never, output as never), each, 'A backward hook', 'input'),
      gradients,
    );
  };
  const given = listen(inputs, atInputs);
  const atOutputs = (gradients: Gradients): Gradients => {
    const passed = backwardPre.reduce(
      (each, hook) => changed(hook(module as never, each as never), each, 'A backward pre-hook', 'output'),
      gradients,
    );
    gradOutput = passed.map((each) => each && each.alias().keep());
    // Where no gradient will come to the inputs, this is the only moment at which hooks can hear.
    if (given === undefined) atInputs(inputs.map(() => null));
    return passed;
  };
  const finish = (output: unknown): unknown => {
    const outputs: readonly unknown[] = Array.isArray(output) ? output : [output];
    const heard = listen(outputs, atOutputs) ?? outputs;
    return Array.isArray(output) ? heard : heard[0];
  };
  const output = call(given ?? [...inputs]);
  return types.isPromise(output) ? output.then(finish) : finish(output);
}

/** The values, of which those that require gradients pass where `hear` is; undefined if none does. */
function listen(values: readonly unknown[], hear: Hear): unknown[] | undefined {
  const places = values.flatMap((value, index) => (value instanceof Tensor && value.requiresGrad ? [index] : []));
  if (places.length === 0) return undefined;
  const passed = Listening.apply(
    (gradients: Gradients): Gradients => {
      const all: (Tensor | null)[] = values.map(() => null);
      for (const [at, place] of places.entries()) all[place] = gradients[at] ?? null;
      const heard = hear(all);
      return places.map((place) => heard[place] ?? null);
    },
    ...places.map((place) => values[place] as Tensor),
  );
  const result = [...values];
  for (const [at, place] of places.entries()) result[place] = passed[at];
  return result;
}

/** What a hook gave, if anything, in the place of the gradients it was given. */
function changed(returned: unknown, gradients: Gradients, hook: string, of: string): Gradients {
  if (returned === undefined || returned === null) return gradients;
  const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  const fits = list.every((each) => each === null || each instanceof Tensor);
  if (fits && list.length === gradients.length) return list as Gradients;
  throw new ArgumentError(
    `${hook} must return a gradient or null for each ${of} (${gradients.length}), or nothing at all.`,
  );
}
