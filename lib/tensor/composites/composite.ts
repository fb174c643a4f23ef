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
  readonly name: string;
  readonly doc: string;
  readonly as: CompositeForm;
  readonly #texts: readonly string[];
  readonly #types: Readonly<Record<string, string>> | undefined;
  readonly #run: (...values: unknown[]) => unknown;
  #binding: Binding | undefined;

  constructor({ signature, doc, types, as = 'function', run }: CompositeParts) {
    this.#texts = typeof signature === 'string' ? [signature] : signature;
    this.#types = types;
    this.name = this.#texts[0]!.slice(0, this.#texts[0]!.indexOf('('));
    this.doc = doc;
    this.as = as;
    this.#run = run as (...values: unknown[]) => unknown;
  }

  get signatures(): readonly Signature[] {
    return this.#texts.map((text) => parseSignature(text, this.#types));
  }

  /** Worked out at the first call: reading hundreds of signatures would make loading slow. */
  #prepare(): Binding {
    const signature = this.signatures.at(-1)!;
    return {
      signature,
      positions: new Map(signature.arguments.map(({ name }, index) => [name, index])),
      variadic: signature.arguments.findIndex((parameter) => parameter.variadic),
    };
  }

  /**
   * @param shownAs how errors name it, such as `torch.stft`
   * @throws ArgumentError when the values do not fit the signature
   */
  call(values: readonly unknown[], shownAs: string): unknown {
    return this.#run(...this.#bind(values, shownAs));
  }

  #bind(values: readonly unknown[], shownAs: string): unknown[] {
    const { signature, positions, variadic } = (this.#binding ??= this.#prepare());
    const parameters = signature.arguments;
    const { positional, options } = gather(values, parameters[variadic], variadic);
    const refuse = (): ArgumentError => explain(shownAs, [signature], kindsOf(positional, options), options);
    if (positional.length > signature.positional) throw refuse();
    const given = positional.slice();
    for (const name of options === noOptions ? [] : Object.keys(options)) {
      const value = options[name];
      const position = positions.get(name);
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
}

/** How values are bound to the parameters. */
interface Binding {
  signature: Signature;
  positions: ReadonlyMap<string, number>;
  /** Place of the parameter that gathers what comes one by one, or -1. */
  variadic: number;
}

/** Tells options from values, and gathers tensors given one by one. */
function gather(
  values: readonly unknown[],
  parameter: Parameter | undefined,
  place: number,
): { positional: unknown[]; options: Options } {
  let count = values.length;
  while (count > 0 && values[count - 1] === undefined) count--;
  const positional = values.slice(0, count);
  let options = noOptions;
  const last = positional.at(-1);
  if (isPlainObject(last) && kindOf(last) === Kind.Other) {
    options = last;
    positional.pop();
  }
  if (parameter === undefined || (positional.length <= place && parameter.name in options)) {
    return { positional, options };
  }
  // Tensors may come in a list or one by one; what the function itself checks comes one by one.
  const listed = Array.isArray(positional[place]) && !parameter.unchecked;
  if (!listed) positional.push(positional.splice(place));
  return { positional, options };
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
