/** How schemas are written as signatures of TypeScript. */
import type { Parameter } from '../../lib/tensor/composites/signature';
import type { Argument, ArgumentType, BaseType, Overload, ReturnValue } from '../../lib/tensor/schema';
import { withTypes } from './result-types';
import { isVariadic } from './selection';

const singleTypes: Record<BaseType, string> = {
  Tensor: 'Tensor',
  int: 'Integer',
  float: 'number',
  bool: 'boolean',
  str: 'string',
  Scalar: 'Scalar',
  ScalarType: 'Dtype',
  Device: 'Device',
  Layout: 'Layout',
  MemoryFormat: 'MemoryFormat',
  Generator: 'Generator',
};

/** Whether a single value stands for a list of it: for whole numbers always, for others where the package itself binds. */
function inputType(argument: Argument, composite: boolean): string {
  const { type, written } = argument;
  if (written !== undefined) return written;
  const single = singleTypes[type.base];
  const whole = !type.list
    ? single
    : type.base === 'int'
      ? 'Integers'
      : `${composite && type.base !== 'Tensor' ? `${single} | ` : ''}readonly ${type.optionalElements ? `(${single} | null)` : single}[]`;
  return type.optional ? `${whole} | null` : whole;
}

function outputType({ type, written }: { type: ArgumentType; written?: string | undefined }): string {
  if (written !== undefined) return written;
  const single = type.base === 'int' ? 'number' : singleTypes[type.base];
  return `${single}${type.list ? '[]' : ''}${type.optional ? ' | null' : ''}`;
}

function resultType(overload: Overload, self: boolean): string {
  const one = (result: ReturnValue): string => (self && result.argument === 0 ? 'this' : outputType(result));
  const { returns } = overload;
  if (returns.length === 0) return 'void';
  if (returns.length === 1) return one(returns[0]!);
  const labels = returns.map(({ name }) => camelLabel(name));
  const labelled = labels.every((label) => label !== '') && new Set(labels).size === labels.length;
  return `[${returns.map((result, index) => (labelled ? `${labels[index]!}: ${one(result)}` : one(result))).join(', ')}]`;
}

function camelLabel(name: string): string {
  return /^(out\d?|self|result\d*)?$/.test(name)
    ? ''
    : name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Words that may not name a parameter in strict code. */
const reserved = new Set('function default with in this new var eval arguments public static'.split(' '));

export function parameterName(name: string): string {
  return reserved.has(name) ? `${name}_` : name;
}

function field(argument: Argument, composite: boolean): string {
  return `${argument.name}${argument.hasDefault ? '?' : ''}: ${inputType(argument, composite)}`;
}

function optionsType(args: readonly Argument[], factory: boolean, composite: boolean): string | undefined {
  const fields = args.map((argument) => field(argument, composite));
  if (factory) fields.push('requiresGrad?: boolean');
  if (fields.length === 0) return undefined;
  return (factory ? sharedFactoryOptions(args) : undefined) ?? `{ ${fields.join('; ')} }`;
}

/** Options that all factories have come from one named type. */
function sharedFactoryOptions(args: readonly Argument[]): string | undefined {
  const common = new Set(['dtype', 'layout', 'device', 'pinMemory']);
  if (args.some((argument) => common.has(argument.name) && !argument.hasDefault)) return undefined;
  const own = args.filter(({ name }) => !common.has(name)).map((argument) => field(argument, false));
  const typed = args.some(({ name, written }) => name === 'dtype' && written !== undefined);
  const shared = typed ? 'FactoryOptions<T>' : 'FactoryOptions';
  return own.length === 0 ? shared : `${shared} & { ${own.join('; ')} }`;
}

/**
 * An overload's signatures, with what is known of the results' dtypes and ranks: arguments by position with the keyword-only ones as options; the same with all that has a
 * default, or all but the first tensor, moved into the options; and sizes or tensors one by one.
 * @param name of the member
 * @param self the first argument is the tensor whose method it is
 */
export function signatures(name: string, overload: Overload, self: boolean, composite: boolean): string[] {
  return withTypes(name, overload, self).flatMap(({ overload: typed, typeParameters }) =>
    plainSignatures(typed, self, composite).map((line) => {
      // Sizes one by one are a list of all of them.
      const parameters = typeParameters.map((each) =>
        /\.\.\.\w+: S\b/.test(line) ? each.replace('S extends Integers', 'S extends readonly Integer[]') : each,
      );
      return parameters.length === 0 ? line : `<${parameters.join(', ')}>${line}`;
    }),
  );
}

function plainSignatures(overload: Overload, self: boolean, composite: boolean): string[] {
  const args = self ? overload.arguments.slice(1) : overload.arguments;
  const positional = args.filter(({ keywordOnly }) => !keywordOnly);
  const keywords = args.filter(({ keywordOnly }) => keywordOnly);
  const result = resultType(overload, self);
  if (positional.some((argument) => (argument as Partial<Parameter>).variadic === true)) {
    return variadicSignatures(positional, keywords, overload, result);
  }
  const required = positional.filter((argument) => !argument.hasDefault).length;
  const splits = new Set([positional.length, required, self ? 0 : Math.min(1, positional.length)]);
  const lines = [...splits].map((split) => {
    const rest = [...positional.slice(split), ...keywords];
    const options = optionsType(rest, overload.factory, composite);
    const mayLackOptions = rest.every(({ hasDefault }) => hasDefault);
    // Nothing can be left out before an options object that must be there.
    const last = options === undefined || mayLackOptions ? required : split;
    const parts = positional
      .slice(0, split)
      .map(
        (argument, index) =>
          `${parameterName(argument.name)}${index >= last ? '?' : ''}: ${inputType(argument, composite)}`,
      );
    if (options !== undefined) parts.push(`options${mayLackOptions ? '?' : ''}: ${options}`);
    return `(${parts.join(', ')}): ${result}`;
  });
  if (!composite && isVariadic(overload, self ? 1 : 0))
    lines.push(...oneByOne(positional[0]!, keywords, overload, result));
  return lines;
}

/** Sizes one by one, with and without options after them. */
function oneByOne(list: Argument, keywords: readonly Argument[], overload: Overload, result: string): string[] {
  const options = optionsType(keywords, overload.factory, false);
  const name = parameterName(list.name);
  const type = list.written ?? 'Integer[]';
  const plain = `(...${name}: ${type}): ${result}`;
  return options === undefined
    ? [plain]
    : [plain, `(...${name}AndOptions: [...${name}: ${type}, options: ${options}]): ${result}`];
}

function variadicSignatures(
  positional: readonly Argument[],
  keywords: readonly Argument[],
  overload: Overload,
  result: string,
): string[] {
  const list = positional.at(-1) as Parameter;
  const before = positional
    .slice(0, -1)
    .map((argument) => `${parameterName(argument.name)}: ${inputType(argument, true)}`);
  const options = optionsType(keywords, overload.factory, true);
  const call = (...parts: string[]): string => `(${[...before, ...parts].join(', ')}): ${result}`;
  const spread = list.unchecked ? list.written! : 'Tensor[]';
  const lines = list.unchecked
    ? []
    : [call(`${list.name}: readonly Tensor[]`, ...(options === undefined ? [] : [`options?: ${options}`]))];
  lines.push(call(`...${list.name}: ${spread}`));
  if (options !== undefined)
    lines.push(call(`...${list.name}AndOptions: [...${list.name}: ${spread}, options: ${options}]`));
  return lines;
}

/** `Defaults: keepdim false, dtype null.` for an overload's arguments that have one. */
export function defaultsOf(overload: Overload): string {
  const parts = overload.arguments.flatMap(({ name, type, hasDefault, defaultValue }) => {
    if (!hasDefault || defaultValue === 'None' || defaultValue === 'null' || type.base === 'Device') return [];
    return [`${name} ${writtenDefault(type, defaultValue!)}`];
  });
  return parts.length === 0 ? '' : `Defaults: ${parts.join(', ')}.`;
}

function writtenDefault(type: ArgumentType, value: string): string {
  if (type.base === 'bool' && !type.list) return value === '1' || /^true$/i.test(value) ? 'true' : 'false';
  if (type.base === 'MemoryFormat' || type.base === 'ScalarType' || type.base === 'Layout') return 'as libtorch has it';
  return value.replace(/^"(.*)"$/, "'$1'").replace(/\*\//g, '* /');
}
