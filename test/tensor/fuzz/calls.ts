/** What is called, and with what. */
import { functional } from '../../../lib/nn';
import { functionalComposites } from '../../../lib/nn/functional';
import { torch } from '../../../lib/tensor';
import { composites, type Composite } from '../../../lib/tensor/composites';
import type { Parameter } from '../../../lib/tensor/composites/signature';
import { functionNames, methodNames } from '../../../lib/tensor/generated/operators';
import { camelCase, overloadsOf, placeName, qualifiedName, type Overload } from '../../../lib/tensor/schema';
import type { Values } from './values';

export const callsPerBatch = 50;

export interface Target {
  name: string;
  /** What fits. */
  overloads: () => readonly Overload[];
  call: (args: unknown[]) => unknown;
}

type Call = (...args: unknown[]) => unknown;

const known = new Map<string, Overload[]>();

/** Schemas are read when they are first needed. */
function schemasOf(operator: string): () => Overload[] {
  return () => {
    let found = known.get(operator);
    if (found === undefined) known.set(operator, (found = overloadsOf(operator)));
    return found;
  };
}

function asFunction(holder: object, member: string): Call {
  return (holder as Record<string, Call>)[member]!;
}

function method(member: string): Target['call'] {
  const call = (torch.Tensor.prototype as unknown as Record<string, Call>)[member]!;
  return ([self, ...args]) => call.call(self, ...args);
}

/** Functions that stand in the place of an operator of the same name. */
const replacing = new Set(composites.filter(({ as }) => as === 'function' || as === 'both').map(({ name }) => name));

function operatorTargets(): Target[] {
  const functions = functionNames.flatMap((name) => {
    const { namespace, member } = placeName(name);
    if (namespace === undefined && replacing.has(member)) return [];
    const call = asFunction(namespace === undefined ? torch : torch[namespace], member);
    const place = namespace === undefined ? 'torch' : `torch.${namespace}`;
    return {
      name: `${place}.${member}`,
      overloads: schemasOf(qualifiedName(name)),
      call: (args: unknown[]) => call(...args),
    };
  });
  const methods = methodNames.map((name) => {
    const member = camelCase(name);
    return { name: `Tensor.${member}`, overloads: schemasOf(qualifiedName(name)), call: method(member) };
  });
  return [...functions, ...methods];
}

function compositeTargets(place: string, holder: object, list: readonly Composite[]): Target[] {
  return list.flatMap((composite) => {
    const { name, as } = composite;
    const overloads = (): readonly Overload[] => composite.signatures.slice(-1);
    const targets: Target[] = [];
    if (as === 'function' || as === 'both') {
      const call = asFunction(holder, name);
      targets.push({ name: `${place}.${name}`, overloads, call: (args) => call(...args) });
    }
    if (as === 'method' || as === 'both') targets.push({ name: `Tensor.${name}`, overloads, call: method(name) });
    return targets;
  });
}

export const targets: readonly Target[] = [
  ...operatorTargets(),
  ...compositeTargets('torch', torch, composites),
  ...compositeTargets('F', functional, functionalComposites),
];

/** Mostly what one of the overloads takes, then with slips: a value too many, one left out, one replaced by anything. */
export function randomCall(target: Target, values: Values): unknown[] {
  const { random } = values;
  const choices = target.overloads();
  if (choices.length === 0 || random.chance(0.1)) {
    return Array.from({ length: random.below(5) }, () => values.hostile());
  }
  const options: Record<string, unknown> = {};
  const args: unknown[] = [];
  for (const [index, argument] of random.pick(choices).arguments.entries()) {
    if (argument.hasDefault && random.chance(0.6)) continue;
    const value = fitting(argument, values);
    if (argument.keywordOnly || args.length < index || random.chance(0.1)) options[argument.name] = value;
    else args.push(value);
  }
  if (random.chance(0.15) && args.length > 0) args[random.below(args.length)] = values.hostile();
  if (random.chance(0.03)) args.push(values.hostile());
  if (random.chance(0.03)) args.pop();
  if (Object.keys(options).length > 0 || random.chance(0.05)) args.push(options);
  return args;
}

function fitting(argument: Overload['arguments'][number], values: Values): unknown {
  const { choices, unchecked } = argument as Partial<Parameter>;
  if (unchecked === true) return values.hostile();
  if (choices !== undefined && values.random.chance(0.9)) return values.random.pick(choices);
  return values.fitting(argument.type);
}
