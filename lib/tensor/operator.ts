/** Calls any operator of libtorch by name: values of JavaScript in, Tensors and plain values out. */
import { ArgumentError } from '../errors';
import { native, type Handle } from '../native';
import { applyGradMode, currentContext, type Context } from './context';
import { explain } from './explain';
import { Kind, kindOf } from './kinds';
import type { Generator } from './random';
import { Conversion, requiresGradOption, resolve, type CallKinds, type Plan, type Source } from './resolve';
import { overloadsOf, type Overload, type ReturnValue } from './schema';
import { isPlainObject } from './scope';
import { Tensor } from './tensor';

type Options = Readonly<Record<string, unknown>>;
const noOptions: Options = Object.freeze({});

/** Kinds are packed into one number while they fit 2^53: five bits each. */
const kindBits = 32;
const mostPackedKinds = 10;

/** One operator with all its overloads; calls of known kinds go straight to the overload found before. */
export class Operator {
  #overloads: Overload[] | undefined;
  readonly #plans = new Map<number | string, Plan>();

  /**
   * @param name qualified name, such as `aten::log_softmax`
   * @param shownAs how errors name it, such as `torch.logSoftmax`
   */
  constructor(
    readonly name: string,
    readonly shownAs: string,
  ) {}

  /**
   * Values by position in schema order, then perhaps an object of options by name; `undefined` stands for the default.
   * @throws ArgumentError when no overload takes the values; the message lists the overloads
   */
  call(values: readonly unknown[]): unknown {
    let count = values.length;
    while (count > 0 && values[count - 1] === undefined) count--;
    let key: number | string = 1;
    let options = noOptions;
    for (let index = 0; index < count; index++) {
      const value = values[index];
      const kind = kindOf(value);
      if (kind === Kind.Other && index === count - 1 && isPlainObject(value)) {
        options = value;
        count--;
      } else key = index < mostPackedKinds ? (key as number) * kindBits + kind : `${key}.${kind}`;
    }
    if (options !== noOptions) for (const name in options) key += `,${name}:${kindOf(options[name])}`;
    const plan = this.#plans.get(key) ?? this.#resolve(key, values.slice(0, count), options);

    const { sources } = plan;
    const crossing: unknown[] = [];
    for (let index = 0; index < sources.length; index++) crossing.push(crossValue(sources[index]!, values, options));
    const context = currentContext();
    applyGradMode(context);
    const result: unknown = native.call(plan.id, ...crossing);

    const { returns } = plan;
    if (returns.length === 1) {
      const returned = giveBack(returns[0]!, result, plan, values, options, context);
      if (plan.marksGrad) (returned as Tensor).requiresGrad = options[requiresGradOption] as boolean;
      return returned;
    }
    if (returns.length === 0) return undefined;
    return returns.map((each, index) => giveBack(each, (result as unknown[])[index], plan, values, options, context));
  }

  #resolve(key: number | string, values: readonly unknown[], options: Options): Plan {
    this.#overloads ??= overloadsOf(this.name);
    if (this.#overloads.length === 0) {
      throw new ArgumentError(
        `${this.shownAs}: libtorch ${native.versions().loaded} has no operator "${this.name}" that can be called from here.`,
      );
    }
    const call: CallKinds = {
      positional: values.map(kindOf),
      options: new Map(Object.entries(options).map(([name, value]) => [name, kindOf(value)])),
    };
    const plan = resolve(this.#overloads, call);
    if (plan === undefined) throw explain(this.shownAs, this.#overloads, call, options);
    this.#plans.set(key, plan);
    return plan;
  }
}

function valueOf(source: Source, values: readonly unknown[], options: Options): unknown {
  if (source.position >= 0) return values[source.position];
  return source.option === undefined ? undefined : options[source.option];
}

function crossValue(source: Source, values: readonly unknown[], options: Options): unknown {
  const value = valueOf(source, values, options);
  switch (source.conversion) {
    case Conversion.None:
      return value;
    case Conversion.Handle:
      return (value as Tensor).handle;
    case Conversion.Handles:
      return (value as (Tensor | null)[]).map((each) => each && each.handle);
    case Conversion.GeneratorId:
      return (value as Generator).id;
    case Conversion.OneNumberList:
      return [value];
  }
}

function giveBack(
  returned: ReturnValue,
  value: unknown,
  plan: Plan,
  values: readonly unknown[],
  options: Options,
  context: Context,
): unknown {
  if (returned.argument !== undefined) return valueOf(plan.sources[returned.argument]!, values, options);
  if (returned.type.base !== 'Tensor' || value === null) return value;
  if (!returned.type.list) return new Tensor(value as Handle, context);
  return (value as Handle[]).map((handle) => new Tensor(handle, context));
}

const operators = new Map<string, Operator>();

/** The one Operator of this name. */
export function operatorNamed(name: string, shownAs: string): Operator {
  let found = operators.get(name);
  if (found === undefined) operators.set(name, (found = new Operator(name, shownAs)));
  return found;
}

/**
 * Any operator of libtorch or of a loaded library by its qualified name, for those without a method of their own:
 * `torch.operator('aten::_softmax')(x, -1, false)`.
 * @throws ArgumentError when there is no such operator
 */
export function operator(name: string): (...values: unknown[]) => unknown {
  if (native.schemas(name).length === 0) throw new ArgumentError(`There is no operator "${name}".`);
  const found = operatorNamed(name, name);
  return (...values) => found.call(values);
}
