/** Differentiable functions whose forward and backward are written in TypeScript. */
import { checkArgument } from '../../arguments';
import { ArgumentError, AutogradError } from '../../errors';
import { native, type Handle } from '../../native';
import { applyModes } from '../context';
import { isGradEnabled, noGrad } from '../modes';
import { isThenable, scope } from '../scope';
import { Tensor, wrap } from '../tensor';
import { hold } from './callbacks';

/** A gradient for each argument of forward, in their order; null for those without one. A lone one may come bare. */
export type InputGradients = Tensor | null | undefined | readonly (Tensor | null | undefined)[];

/** A class derived from `Function`, with its own `forward` and `backward`. */
export interface FunctionClass<Arguments extends readonly unknown[], Output> {
  readonly name: string;
  forward(context: FunctionContext, ...inputs: Arguments): Output;
  backward(context: FunctionContext, ...gradients: Tensor[]): InputGradients;
}

/** What `forward` leaves for `backward`. Values of one's own may be set on it: `forward(ctx: FunctionContext & { scale: number }, ...)`. */
export class FunctionContext {
  /** Whether each argument of forward is a tensor that requires gradients. */
  readonly needsInputGrad: readonly boolean[];
  #saved: Tensor[] = [];
  #dirty: Tensor[] = [];
  #nonDifferentiable: Tensor[] = [];
  #materializeGrads = true;
  #running = 0;

  constructor(inputs: readonly unknown[]) {
    this.needsInputGrad = inputs.map((input) => input instanceof Tensor && input.requiresGrad);
  }

  /** Keeps tensors for `backward`, in the graph rather than in JavaScript: to be called once, in `forward`. */
  saveForBackward(...tensors: readonly Tensor[]): void {
    for (const tensor of this.#saved) tensor.dispose();
    // Tensors of a scope within forward would be gone before the graph can take them.
    this.#saved = checkTensors(tensors, 'saveForBackward').map((tensor) => wrap(native.alias(tensor.handle)).keep());
  }

  /**
   * The tensors that `forward` saved. In `backward` only.
   * @throws AutogradError when one was changed in place since, or the graph has been walked already
   */
  get savedTensors(): Tensor[] {
    if (this.#running === 0) throw new AutogradError('Saved tensors can be read inside backward only.');
    return native.functionSaved(this.#running).map((handle) => wrap(handle!));
  }

  /** Tells which arguments `forward` changes in place; it must give them back as outputs. */
  markDirty(...inputs: readonly Tensor[]): void {
    this.#dirty = checkTensors(inputs, 'markDirty');
  }

  /** Tells which outputs have no derivative. `backward` still gets a gradient for each, of zeros. */
  markNonDifferentiable(...outputs: readonly Tensor[]): void {
    this.#nonDifferentiable = checkTensors(outputs, 'markNonDifferentiable');
  }

  /** With `false`, gradients of outputs that were not used come to `backward` as null, not as zeros. */
  setMaterializeGrads(materialize: boolean): void {
    this.#materializeGrads = materialize;
  }

  /** Runs a function forward and puts it into the graph. */
  static apply<Arguments extends readonly unknown[], Output>(
    definition: FunctionClass<Arguments, Output>,
    inputs: Arguments,
  ): Output {
    const methods = definition as unknown as Record<string, unknown>;
    for (const method of ['forward', 'backward']) {
      checkArgument(methods[method], 'function', `The static method ${method} of ${definition.name}`);
    }
    const context = new FunctionContext(inputs);
    const recorded = isGradEnabled() && context.needsInputGrad.includes(true);
    try {
      const output = noGrad(() => definition.forward(context, ...inputs));
      return context.#record(definition, inputs, output, recorded);
    } finally {
      for (const tensor of context.#saved) tensor.dispose();
      context.#saved = [];
      context.#dirty = [];
      context.#nonDifferentiable = [];
    }
  }

  #record<Arguments extends readonly unknown[], Output>(
    definition: FunctionClass<Arguments, Output>,
    inputs: Arguments,
    output: Output,
    recorded: boolean,
  ): Output {
    if (isThenable(output)) {
      throw new ArgumentError(`${definition.name}.forward must not be asynchronous.`);
    }
    const outputs: readonly unknown[] = Array.isArray(output) ? output : [output];
    applyModes();
    const changed = native.functionApply({
      name: definition.name,
      inputs: inputs.map(handleOrNull),
      outputs: outputs.map(handleOrNull),
      dirty: handlesOf(this.#dirty),
      nonDifferentiable: handlesOf(this.#nonDifferentiable),
      saved: recorded ? handlesOf(this.#saved) : [],
      backward: recorded ? hold(this.#backwardOf(definition)) : null,
      materialize: this.#materializeGrads,
    });
    const results = outputs.map((each, index) => {
      const handle = changed[index];
      return handle === null || handle === undefined ? each : wrap(handle);
    });
    return (Array.isArray(output) ? results : results[0]) as Output;
  }

  /** What the graph calls. Everything made in it ends with it, except what it gives. */
  #backwardOf<Arguments extends readonly unknown[]>(definition: FunctionClass<Arguments, unknown>) {
    return (handles: readonly (Handle | null)[], running: number): (Handle | null)[] => {
      const outer = this.#running;
      this.#running = running;
      try {
        return scope(() => {
          const gradients = handles.map((handle) => (handle === null ? null : wrap(handle)));
          // Without setMaterializeGrads(false) none is null.
          const given = definition.backward(this, ...(gradients as Tensor[]));
          const list: readonly unknown[] = Array.isArray(given) ? given : [given];
          return list.map((gradient, index) => {
            if (gradient === null || gradient === undefined) return null;
            if (gradient instanceof Tensor) return native.alias(gradient.handle);
            throw new ArgumentError(`${definition.name}.backward: gradient ${index} must be a tensor or null.`);
          });
        });
      } finally {
        this.#running = outer;
      }
    };
  }
}

function checkTensors(values: readonly unknown[], where: string): Tensor[] {
  return values.map((value, index) => {
    if (value instanceof Tensor) return value as Tensor;
    throw new ArgumentError(`${where}: argument ${index} must be a tensor.`);
  });
}

const handlesOf = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.handle);
const handleOrNull = (value: unknown) => (value instanceof Tensor ? value.handle : null);

/**
 * Base of differentiable functions of one's own, as PyTorch's `torch.autograd.Function`:
 *
 * ```ts
 * class Cube extends torch.autograd.Function {
 *   static forward(ctx: FunctionContext, x: Tensor) {
 *     ctx.saveForBackward(x);
 *     return x.pow(3);
 *   }
 *   static backward(ctx: FunctionContext, gradient: Tensor) {
 *     const [x] = ctx.savedTensors;
 *     return gradient.mul(x!.pow(2)).mul(3);
 *   }
 * }
 * const y = Cube.apply(x);
 * ```
 *
 * `forward` runs without gradients; it takes any values, of which tensors given as such take part in the graph, and gives a tensor or
 * an array. `backward` takes a gradient for each output and gives one for each argument. Written in operators, it can be
 * differentiated itself.
 */
export class Function {
  /** Runs `forward` and records `backward`. */
  static apply<Arguments extends readonly unknown[], Output>(
    this: FunctionClass<Arguments, Output>,
    ...inputs: Arguments
  ): Output {
    return FunctionContext.apply(this, inputs);
  }
}

/**
 * Marks a backward that cannot be differentiated itself, as it leaves operators: it runs without gradients, and a second derivative
 * is an error instead of silently wrong. `static backward = onceDifferentiable((ctx: FunctionContext, g: Tensor) => ...)`, or as a
 * decorator.
 */
export function onceDifferentiable<Context extends FunctionContext, Gradients extends readonly Tensor[]>(
  backward: (context: Context, ...gradients: Gradients) => InputGradients,
): (context: Context, ...gradients: Gradients) => InputGradients {
  return (context, ...gradients) => {
    const given = noGrad(() => backward(context, ...gradients));
    const watched = isGradEnabled() && gradients.some((each: Tensor | null) => each?.requiresGrad);
    if (!watched) return given;
    const list = (Array.isArray(given) ? given : [given]) as (Tensor | null | undefined)[];
    return list.map((each) => (each instanceof Tensor ? Refusal.apply(each, ...gradients) : null));
  };
}

/** Passes on a gradient that cannot be differentiated: doing so all the same, on any way to the outer gradients, is an error. */
class Refusal extends Function {
  static forward(_: FunctionContext, gradient: Tensor, ...watched: readonly (Tensor | null)[]): Tensor {
    return watched.length === 0 ? gradient : gradient.viewAs(gradient);
  }

  static backward(): never {
    throw new AutogradError(
      'A backward marked by onceDifferentiable cannot be differentiated: this is a second derivative.',
    );
  }
}
