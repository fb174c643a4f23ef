/** Functions of PyTorch that are made of operators, called and checked like operators. */
import { ArgumentError } from '../../errors';
import { explain } from '../explain';
import { kindOf } from '../frame';
import { distance, Kind } from '../kinds';
import { nearest } from '../nearest';
import type { CallKinds } from '../resolve';
import { isPlainObject } from '../scope';
import { Tensor } from '../tensor';
import { elementsOf } from './list';
import { parseSignature, type Parameter, type Signature } from './signature';

type Options = Readonly<Record<string, unknown>>;
const noOptions: Options = Object.freeze({});

export type CompositeForm = 'function' | 'method' | 'both' | 'property';

export interface CompositeParts {
  /**
   * Its signature, which binds the values of a call; or several: the first ones are narrower forms for TypeScript alone,
   * such as one with `true returnIndices`, which has more results.
   */
  signature: string | readonly string[];
  /** One sentence. */
  doc: string;
  /** How TypeScript writes the types of parameters that are `any`. */
  types?: Readonly<Record<string, string>>;
  /** Where it goes; the first parameter of a method or property is the tensor. Default `function`. */
  as?: CompositeForm;
  /** Gets a value for each parameter in order: defaults filled in, lists as arrays, whole numbers as numbers. */
  run: (...values: never[]) => unknown;
}

/** A composite function: `call` takes what an operator's function takes. */
export class Composite {
  readonly signatures: readonly Signature[];
  readonly doc: string;
  readonly as: CompositeForm;
  readonly #bound: Signature;
  readonly #run: (...values: unknown[]) => unknown;
  readonly #positions: Map<string, number>;
  /** Place of the parameter that gathers what comes one by one, or -1. */
  readonly #variadic: number;

  constructor({ signature, doc, types, as = 'function', run }: CompositeParts) {
    this.signatures = (typeof signature === 'string' ? [signature] : signature).map((text) =>
      parseSignature(text, types),
    );
    this.doc = doc;
    this.as = as;
    this.#bound = this.signatures.at(-1)!;
    this.#run = run as (...values: unknown[]) => unknown;
    this.#positions = new Map(this.#bound.arguments.map(({ name }, index) => [name, index]));
    this.#variadic = this.#bound.arguments.findIndex((parameter) => parameter.variadic);
  }

  get name(): string {
    return this.#bound.name;
  }

  /**
   * @param shownAs how errors name it, such as `torch.stft`
   * @throws ArgumentError when the values do not fit the signature
   */
  call(values: readonly unknown[], shownAs: string): unknown {
    return this.#run(...this.#bind(values, shownAs));
  }

  #bind(values: readonly unknown[], shownAs: string): unknown[] {
    const parameters = this.#bound.arguments;
    const { positional, options } = this.#gather(values);
    const refuse = (): ArgumentError => explain(shownAs, [this.#bound], kindsOf(positional, options), options);
    if (positional.length > this.#bound.positional) throw refuse();
    const given = positional.slice();
    for (const name of options === noOptions ? [] : Object.keys(options)) {
      const value = options[name];
      const position = this.#positions.get(name);
      if (position === undefined) throw refuse();
      if (value === undefined) continue;
      if (given[position] !== undefined) throw refuse();
      given[position] = value;
    }
    const bound: unknown[] = [];
    for (let index = 0; index < parameters.length; index++) {
      const parameter = parameters[index]!;
      const value = given[index];
      if (value === undefined) {
        if (!parameter.hasDefault) throw refuse();
        bound.push(parameter.fallback);
      } else {
        if (!accepts(parameter, value)) throw refuse();
        bound.push(convert(parameter, value, shownAs));
      }
    }
    return bound;
  }

  /** Tells options from values, and gathers tensors given one by one. */
  #gather(values: readonly unknown[]): { positional: unknown[]; options: Options } {
    let count = values.length;
    while (count > 0 && values[count - 1] === undefined) count--;
    const positional = values.slice(0, count);
    let options = noOptions;
    const last = positional.at(-1);
    if (isPlainObject(last) && kindOf(last) === Kind.Other) {
      options = last;
      positional.pop();
    }
    const variadic = this.#variadic;
    if (variadic < 0 || (positional.length <= variadic && this.#bound.arguments[variadic]!.name in options)) {
      return { positional, options };
    }
    // Tensors may come in a list or one by one; what the function itself checks comes one by one.
    const listed = Array.isArray(positional[variadic]) && !this.#bound.arguments[variadic]!.unchecked;
    if (!listed) positional.push(positional.splice(variadic));
    return { positional, options };
  }
}

function accepts({ type, choices, unchecked }: Parameter, value: unknown): boolean {
  if (unchecked || (choices !== undefined && typeof value === 'string')) return true;
  // One element stands for a list of it.
  const single = type.list && !Array.isArray(value) && value !== null;
  return distance(single ? { ...type, list: false } : type, kindOf(value)) >= 0;
}

function convert({ name, type, choices, unchecked }: Parameter, value: unknown, shownAs: string): unknown {
  if (unchecked || value === null) return value;
  if (choices !== undefined && typeof value === 'string' && !choices.includes(value)) {
    const hint = nearest(value, choices);
    throw new ArgumentError(
      `${shownAs}: ${name} must be one of ${choices.map((choice) => `"${choice}"`).join(', ')}, not "${value}"` +
        (hint === undefined ? '.' : `; did you mean "${hint}"?`),
    );
  }
  if (type.list) return asList(value, type.base === 'int');
  return type.base === 'int' && typeof value === 'bigint' ? Number(value) : value;
}

/** A list of more elements is better a tensor. */
const mostElements = 1_000_000;

function asList(value: unknown, integers: boolean): unknown[] {
  const list = Array.isArray(value) ? elementsOf(value, mostElements, 'A list') : [value];
  return integers ? list.map(Number) : list;
}

function kindsOf(positional: readonly unknown[], options: Options): CallKinds {
  return {
    positional: positional.map(kindOf),
    options: new Map(Object.entries(options).map(([name, value]) => [name, kindOf(value)])),
  };
}

/** Declares one. */
export function composite(parts: CompositeParts): Composite {
  return new Composite(parts);
}

type CompositeFunction = (...values: unknown[]) => unknown;

/** The functions among these, by name. @param prefix how errors name their place, such as `torch.` */
export function functionsOf(composites: readonly Composite[], prefix: string): Record<string, CompositeFunction> {
  const functions: Record<string, CompositeFunction> = {};
  for (const each of composites) {
    const shownAs = `${prefix}${each.name}`;
    if (each.as === 'function' || each.as === 'both') functions[each.name] = (...values) => each.call(values, shownAs);
  }
  return functions;
}

/** Gives Tensor the methods and properties among these. */
export function installMembers(composites: readonly Composite[]): void {
  for (const each of composites) {
    if (each.as === 'function') continue;
    const shownAs = `Tensor.${each.name}`;
    const member = (self: Tensor, values: unknown[]): unknown => {
      values.unshift(self);
      return each.call(values, shownAs);
    };
    Object.defineProperty(Tensor.prototype, each.name, {
      configurable: true,
      ...(each.as === 'property' ? { get: memberGetter(member) } : { value: memberMethod(member), writable: true }),
    });
  }
}

type Member = (self: Tensor, values: unknown[]) => unknown;

function memberGetter(member: Member) {
  return function (this: Tensor): unknown {
    return member(this, []);
  };
}

function memberMethod(member: Member) {
  return function (this: Tensor, ...values: unknown[]): unknown {
    return member(this, values);
  };
}
