/** Which overload a call means, and how its arguments go to it. */
import { Form } from './frame';
import { distance, Kind } from './kinds';
import type { ArgumentType, Overload } from './schema';

/** The kinds of a call's values. */
export interface CallKinds {
  positional: Kind[];
  options: Map<string, Kind>;
  /** Whether numbers can stand for tensors. */
  numbers?: boolean;
}

/** The overload of a call, and for each of its arguments a form and a slot, in turn. */
export interface Resolution {
  overload: Overload;
  forms: Uint32Array;
  /** The slot of the caller's `requiresGrad`, which is to be applied to the result; or -1. */
  gradSlot: number;
}

/** A way to make the call, or why there is none. */
type Match = { resolution: Resolution; distance: number } | { refusal: string };

/** The option that factories take besides their schema's. */
export const requiresGradOption = 'requiresGrad';

/**
 * The overload that is nearest to the kinds given; among equals the first, which has the fewest arguments. Positional values
 * lie in the slots from 0 on, and behind them options, in the order given.
 */
export function resolve(overloads: readonly Overload[], call: CallKinds): Resolution | undefined {
  let best: Resolution | undefined;
  let least = Infinity;
  for (const overload of overloads) {
    const match = matchOverload(overload, call);
    if ('resolution' in match && match.distance < least) {
      best = match.resolution;
      least = match.distance;
    }
  }
  return best;
}

export function refusalOf(overload: Overload, call: CallKinds): string {
  const match = matchOverload(overload, call);
  return 'refusal' in match ? match.refusal : 'fits';
}

function matchOverload(overload: Overload, call: CallKinds): Match {
  if (call.positional.length > overload.positional) {
    return { refusal: `takes ${overload.positional} positional arguments, got ${call.positional.length}` };
  }
  const slots = slotsOfOptions(call);
  const forms = new Uint32Array(2 * overload.arguments.length);
  let total = 0;
  let used = 0;
  for (const [index, argument] of overload.arguments.entries()) {
    const given = call.positional[index] ?? Kind.Undefined;
    const named = call.options.get(argument.name) ?? Kind.Undefined;
    if (given !== Kind.Undefined && named !== Kind.Undefined) return { refusal: `${argument.name} is given twice` };
    if (named !== Kind.Undefined) used++;
    const kind = named !== Kind.Undefined ? named : given;
    if (kind === Kind.Undefined) {
      if (!argument.hasDefault) return { refusal: `${argument.name} is missing` };
      continue;
    }
    const apart = distance(argument.type, kind, call.numbers);
    if (apart < 0) return { refusal: `${argument.name} cannot be ${kindNames[kind]}` };
    total += apart;
    forms[2 * index] = formOf(argument.type, kind);
    forms[2 * index + 1] = named !== Kind.Undefined ? slots.get(argument.name)! : index;
  }
  const marksGrad = overload.factory && call.options.get(requiresGradOption) === Kind.Boolean;
  if (used + (marksGrad ? 1 : 0) < given(call.options)) {
    return { refusal: `does not take ${unusedOptions(overload, call.options, marksGrad)}` };
  }
  const gradSlot = marksGrad ? slots.get(requiresGradOption)! : -1;
  return { resolution: { overload, forms, gradSlot }, distance: total };
}

function slotsOfOptions({ positional, options }: CallKinds): Map<string, number> {
  return new Map(Array.from(options.keys(), (name, index) => [name, positional.length + index]));
}

function given(options: Map<string, Kind>): number {
  let count = 0;
  for (const kind of options.values()) if (kind !== Kind.Undefined) count++;
  return count;
}

function unusedOptions(overload: Overload, options: Map<string, Kind>, marksGrad: boolean): string {
  const names = new Set(overload.arguments.map(({ name }) => name));
  if (marksGrad) names.add(requiresGradOption);
  return [...options.keys()].filter((name) => !names.has(name)).join(', ');
}

const forms: Record<Exclude<Kind, Kind.EmptyList | Kind.Other>, Form> = {
  [Kind.Undefined]: Form.Absent,
  [Kind.Null]: Form.Null,
  [Kind.Tensor]: Form.Tensor,
  [Kind.Integer]: Form.Integer,
  [Kind.Fraction]: Form.Fraction,
  [Kind.BigInt]: Form.BigInt,
  [Kind.Boolean]: Form.Boolean,
  [Kind.DtypeName]: Form.String,
  [Kind.DeviceName]: Form.String,
  [Kind.LayoutName]: Form.String,
  [Kind.MemoryFormatName]: Form.String,
  [Kind.String]: Form.String,
  [Kind.Complex]: Form.Complex,
  [Kind.Generator]: Form.Generator,
  [Kind.Tensors]: Form.Tensors,
  [Kind.TensorsAndNulls]: Form.Tensors,
  [Kind.Integers]: Form.Integers,
  [Kind.Numbers]: Form.Numbers,
  [Kind.Booleans]: Form.Booleans,
  [Kind.Strings]: Form.Strings,
  [Kind.Scalars]: Form.Scalars,
};

/** The form in which a value of this kind, which fits the argument, was written. An empty list is one of whatever is asked for. */
export function formOf(type: ArgumentType, kind: Kind): Form {
  if (kind === Kind.EmptyList) return emptyForms[type.base] ?? Form.Integers;
  return forms[kind as keyof typeof forms];
}

const emptyForms: Partial<Record<ArgumentType['base'], Form>> = {
  Tensor: Form.Tensors,
  bool: Form.Booleans,
  str: Form.Strings,
};

/** How errors name the kinds. */
export const kindNames: Record<Kind, string> = {
  [Kind.Undefined]: 'undefined',
  [Kind.Null]: 'null',
  [Kind.Tensor]: 'a tensor',
  [Kind.Integer]: 'a whole number',
  [Kind.Fraction]: 'a number that is not a safe integer',
  [Kind.BigInt]: 'a bigint',
  [Kind.Boolean]: 'a boolean',
  [Kind.DtypeName]: "a dtype's name",
  [Kind.DeviceName]: "a device's name",
  [Kind.LayoutName]: "a layout's name",
  [Kind.MemoryFormatName]: "a memory format's name",
  [Kind.String]: 'a string',
  [Kind.Complex]: 'a complex number',
  [Kind.Generator]: 'a generator',
  [Kind.EmptyList]: 'an empty array',
  [Kind.Tensors]: 'an array of tensors',
  [Kind.TensorsAndNulls]: 'an array of tensors and nulls',
  [Kind.Integers]: 'an array of whole numbers',
  [Kind.Numbers]: 'an array of numbers',
  [Kind.Booleans]: 'an array of booleans',
  [Kind.Strings]: 'an array of strings',
  [Kind.Scalars]: 'an array of scalars',
  [Kind.Other]: 'such a value',
};
