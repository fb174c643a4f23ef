/** What is called, and with what. */
import { torch } from '../../../lib/tensor';
import { functionNames, methodNames } from '../../../lib/tensor/generated/operators';
import { overloadsOf, placeName, camelCase, type Overload } from '../../../lib/tensor/schema';
import type { Values } from './values';

export const callsPerBatch = 50;

export interface Target {
  name: string;
  /** The operator whose overloads tell what fits. */
  operator: string;
  call: (args: unknown[]) => unknown;
}

type Members = Record<string, (...args: unknown[]) => unknown>;

function operatorTargets(): Target[] {
  const functions = functionNames.map((name) => {
    const { namespace, member } = placeName(name);
    const members = (namespace === undefined ? torch : torch[namespace]) as unknown as Members;
    return { name: `torch.${namespace ?? ''}.${member}`, operator: `aten::${name}`, call: (args: unknown[]) => members[member]!(...args) };
  });
  const methods = methodNames.map((name) => {
    const method = (torch.Tensor.prototype as unknown as Members)[camelCase(name)]!;
    return {
      name: `Tensor.${camelCase(name)}`,
      operator: `aten::${name}`,
      call: ([self, ...args]: unknown[]) => method.call(self as never, ...args),
    };
  });
  return [...functions, ...methods];
}

export const targets: readonly Target[] = operatorTargets();

const known = new Map<string, Overload[]>();
function overloads(operator: string): Overload[] {
  let found = known.get(operator);
  if (found === undefined) known.set(operator, (found = overloadsOf(operator)));
  return found;
}

/** Mostly what one of the overloads takes, then with slips: a value too many, one left out, one replaced by anything. */
export function randomCall(target: Target, values: Values): unknown[] {
  const { random } = values;
  const choices = overloads(target.operator);
  if (choices.length === 0 || random.chance(0.1)) {
    return Array.from({ length: random.below(5) }, () => values.hostile());
  }
  const overload = random.pick(choices);
  const options: Record<string, unknown> = {};
  const args: unknown[] = [];
  for (const [index, argument] of overload.arguments.entries()) {
    if (argument.hasDefault && random.chance(0.6)) {
      if (random.chance(0.5)) args.length = Math.min(args.length, index);
      continue;
    }
    const value = values.fitting(argument.type);
    if (argument.keywordOnly || args.length < index || random.chance(0.1)) options[argument.name] = value;
    else args.push(value);
  }
  if (random.chance(0.15) && args.length > 0) args[random.below(args.length)] = values.hostile();
  if (random.chance(0.03)) args.push(values.hostile());
  if (random.chance(0.03)) args.pop();
  if (Object.keys(options).length > 0 || random.chance(0.05)) args.push(options);
  return args;
}
