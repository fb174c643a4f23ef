/** Which overload a call means, and how its arguments go to it. */
import { distance, Kind } from './kinds';
import type { Argument, Overload, ReturnValue } from './schema';

/** What a value must become before it crosses. */
export enum Conversion {
  None,
  Handle,
  Handles,
  GeneratorId,
  OneNumberList,
}

/** Where one argument of the overload comes from. */
export interface Source {
  /** Index among the positional values, or -1. */
  position: number;
  /** Name in the options object, when it comes from there. */
  option: string | undefined;
  conversion: Conversion;
}

/** A resolved call: everything that follows from the kinds of the values. */
export interface Plan {
  id: number;
  sources: Source[];
  returns: ReturnValue[];
  /** Whether the caller's `requiresGrad` is to be applied to the result. */
  marksGrad: boolean;
}

/** The kinds of a call's values. */
export interface CallKinds {
  positional: Kind[];
  options: Map<string, Kind>;
}

/** A way to make the call, or why there is none. */
type Match = { plan: Plan; distance: number } | { refusal: string };

/** The option that factories take besides their schema's. */
export const requiresGradOption = 'requiresGrad';

/** The overload that is nearest to the kinds given; among equals the first, which has the fewest arguments. */
export function resolve(overloads: readonly Overload[], call: CallKinds): Plan | undefined {
  let best: Plan | undefined;
  let least = Infinity;
  for (const overload of overloads) {
    const match = matchOverload(overload, call);
    if ('plan' in match && match.distance < least) {
      best = match.plan;
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
  const sources: Source[] = [];
  let total = 0;
  let used = 0;
  let needed = 0;
  for (const [index, argument] of overload.arguments.entries()) {
    const given = call.positional[index] ?? Kind.Undefined;
    const named = call.options.get(argument.name) ?? Kind.Undefined;
    if (given !== Kind.Undefined && named !== Kind.Undefined) return { refusal: `${argument.name} is given twice` };
    if (named !== Kind.Undefined) used++;
    const kind = named !== Kind.Undefined ? named : given;
    if (kind === Kind.Undefined) {
      if (!argument.hasDefault) return { refusal: `${argument.name} is missing` };
      sources.push({ position: -1, option: undefined, conversion: Conversion.None });
      continue;
    }
    const apart = distance(argument.type, kind);
    if (apart < 0) return { refusal: `${argument.name} cannot be ${kindNames[kind]}` };
    total += apart;
    sources.push({
      position: named !== Kind.Undefined ? -1 : index,
      option: named !== Kind.Undefined ? argument.name : undefined,
      conversion: conversionFor(argument, kind),
    });
    needed = sources.length;
  }
  const marksGrad = overload.factory && call.options.get(requiresGradOption) === Kind.Boolean;
  if (used + (marksGrad ? 1 : 0) < given(call.options)) {
    return { refusal: `does not take ${unusedOptions(overload, call.options, marksGrad)}` };
  }
  return {
    plan: { id: overload.id, sources: sources.slice(0, needed), returns: overload.returns, marksGrad },
    distance: total,
  };
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

function conversionFor(argument: Argument, kind: Kind): Conversion {
  switch (kind) {
    case Kind.Tensor:
      return Conversion.Handle;
    case Kind.Tensors:
    case Kind.TensorsAndNulls:
      return Conversion.Handles;
    case Kind.Generator:
      return Conversion.GeneratorId;
    case Kind.Integer:
    case Kind.BigInt:
      return argument.type.list && !argument.type.repeats ? Conversion.OneNumberList : Conversion.None;
    default:
      return Conversion.None;
  }
}

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
