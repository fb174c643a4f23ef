/** Says why a call fits no overload of an operator. */
import { ArgumentError } from '../errors';
import { checkDevice } from './device';
import { checkDtype } from './dtype';
import { Kind } from './kinds';
import { nearest } from './nearest';
import { refusalOf, requiresGradOption, type CallKinds } from './resolve';
import type { Argument, Overload } from './schema';

/**
 * The error for a call that `resolve` could not place.
 * @param name how the user wrote the operator, such as `torch.sum`
 */
export function explain(
  name: string,
  overloads: readonly Overload[],
  call: CallKinds,
  options: Readonly<Record<string, unknown>>,
): ArgumentError {
  const known = optionNames(overloads);
  for (const [option, kind] of call.options) {
    if (!known.has(option)) return unknownOption(name, option, known);
    if (kind === Kind.String) checkNamedValue(overloads, option, options[option]);
  }
  const lines = overloads.map((overload) => `  ${signature(name, overload)}: ${refusalOf(overload, call)}`);
  return new ArgumentError(`${name}: no overload takes these arguments.\n${lines.join('\n')}`);
}

function optionNames(overloads: readonly Overload[]): Set<string> {
  const names = new Set(overloads.flatMap((overload) => overload.arguments.map((argument) => argument.name)));
  names.delete('self');
  if (overloads.some(({ factory }) => factory)) names.add(requiresGradOption);
  return names;
}

function unknownOption(name: string, option: string, known: Set<string>): ArgumentError {
  const hint = nearest(option, known);
  const list = known.size === 0 ? 'It takes no options.' : `Its options: ${[...known].join(', ')}.`;
  return new ArgumentError(`${name}: unknown option "${option}"${hint ? `; did you mean "${hint}"?` : '.'} ${list}`);
}

/** A string where a dtype or a device belongs has an error of its own kind. */
function checkNamedValue(overloads: readonly Overload[], option: string, value: unknown): void {
  const bases = overloads.flatMap((overload) =>
    overload.arguments.filter((argument) => argument.name === option).map((argument) => argument.type.base),
  );
  if (bases.length === 0) return;
  if (bases.every((base) => base === 'ScalarType')) checkDtype(value);
  if (bases.every((base) => base === 'Device')) checkDevice(value);
}

/** `torch.sum(self: Tensor, dim: int[]?, keepdim: bool = False, *, dtype: ScalarType? = None)`. */
function signature(name: string, overload: Overload): string {
  const parts = overload.arguments.map(describeArgument);
  if (overload.positional < parts.length) parts.splice(overload.positional, 0, '*');
  return `${name}(${parts.join(', ')})`;
}

function describeArgument({ name, type, defaultValue, written }: Argument): string {
  if (written !== undefined) return `${name}: ${written}${defaultValue === undefined ? '' : ` = ${defaultValue}`}`;
  const element = `${type.base}${type.optionalElements ? '?' : ''}`;
  const whole = `${element}${type.list ? '[]' : ''}${type.optional ? '?' : ''}`;
  return `${name}: ${whole}${defaultValue === undefined ? '' : ` = ${defaultValue}`}`;
}
