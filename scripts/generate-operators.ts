/**
 * Writes lib/tensor/generated/operators.ts from the schemas of the loaded libtorch: what operators there are, where each
 * appears (`operator-selection.ts` says which and where), and the TypeScript signatures of their overloads.
 *
 *     node -r ./scripts/register.cjs scripts/generate-operators.ts
 */
import fs from 'node:fs';
import path from 'node:path';

import { native } from '../lib/native';
import {
  overloadsOf,
  type Argument,
  type ArgumentType,
  type BaseType,
  type Overload,
  namespaces,
} from '../lib/tensor/schema';
import { isMethod, placeOf, type Place } from './operator-selection';

export const generatedFile = path.resolve(__dirname, '../lib/tensor/generated/operators.ts');

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

function inputType(type: ArgumentType): string {
  const single = singleTypes[type.base];
  const whole = !type.list
    ? single
    : type.base === 'int'
      ? 'Integers'
      : `readonly ${type.optionalElements ? `(${single} | null)` : single}[]`;
  return type.optional ? `${whole} | null` : whole;
}

function outputType(type: ArgumentType): string {
  const single = type.base === 'int' ? 'number' : singleTypes[type.base];
  return `${single}${type.list ? '[]' : ''}${type.optional ? ' | null' : ''}`;
}

function resultType(overload: Overload, self: boolean): string {
  const types = overload.returns.map(({ type, argument }) => (self && argument === 0 ? 'this' : outputType(type)));
  return types.length === 0 ? 'void' : types.length === 1 ? types[0]! : `[${types.join(', ')}]`;
}

/** Words that may not name a parameter in strict code. */
const reserved = new Set([
  'function',
  'default',
  'with',
  'in',
  'this',
  'new',
  'var',
  'eval',
  'arguments',
  'public',
  'static',
]);

function parameter(argument: Argument, optional: boolean): string {
  const name = reserved.has(argument.name) ? `${argument.name}_` : argument.name;
  return `${name}${optional ? '?' : ''}: ${inputType(argument.type)}`;
}

function optionsParameter(args: readonly Argument[], factory: boolean): string | undefined {
  const fields = args.map(
    (argument) => `${argument.name}${isOptional(argument) ? '?' : ''}: ${inputType(argument.type)}`,
  );
  if (factory) fields.push('requiresGrad?: boolean');
  if (fields.length === 0) return undefined;
  const shared = factory ? sharedFactoryOptions(args) : undefined;
  return `options${args.every(isOptional) ? '?' : ''}: ${shared ?? `{ ${fields.join('; ')} }`}`;
}

/** Options that all factories have come from one named type. */
function sharedFactoryOptions(args: readonly Argument[]): string | undefined {
  const common = new Set(['dtype', 'layout', 'device', 'pinMemory']);
  const rest = args.filter(({ name }) => !common.has(name));
  if (args.some((argument) => common.has(argument.name) && !isOptional(argument))) return undefined;
  const own = rest.map((argument) => `${argument.name}${isOptional(argument) ? '?' : ''}: ${inputType(argument.type)}`);
  return own.length === 0 ? 'FactoryOptions' : `FactoryOptions & { ${own.join('; ')} }`;
}

function isOptional(argument: Argument): boolean {
  return argument.hasDefault;
}

/**
 * An overload's signatures: arguments by position with the keyword-only ones as options, and the same with all that has a
 * default, or all but the first tensor, moved into the options.
 */
function signatures(overload: Overload, self: boolean): string[] {
  const args = self ? overload.arguments.slice(1) : overload.arguments;
  const positional = args.filter(({ keywordOnly }) => !keywordOnly);
  const keywords = args.filter(({ keywordOnly }) => keywordOnly);
  const required = positional.filter((argument) => !argument.hasDefault).length;
  const splits = new Set([positional.length, required, self ? 0 : Math.min(1, positional.length)]);
  return [...splits].map((split) => {
    const options = optionsParameter([...positional.slice(split), ...keywords], overload.factory);
    // Nothing can be left out before an options object that must be there.
    const last = options === undefined || options.startsWith('options?') ? required : split;
    const parts = positional.slice(0, split).map((argument, index) => parameter(argument, index >= last));
    if (options !== undefined) parts.push(options);
    return `(${parts.join(', ')}): ${resultType(overload, self)}`;
  });
}

function members(places: readonly Place[], overloads: Map<string, Overload[]>, self: boolean): string {
  return places
    .flatMap((place) => {
      const taken = overloads.get(place.operator)!.filter((overload) => !self || isMethod(overload));
      const lines = new Set(taken.flatMap((overload) => signatures(overload, self)));
      return [...lines].map((line) => `  ${place.name}${line};`);
    })
    .join('\n');
}

function nameList(places: readonly Place[]): string {
  return places.map(({ operator }) => `  '${operator.slice('aten::'.length)}',`).join('\n');
}

/** The text of the generated file for the loaded libtorch. */
export function generate(): string {
  const overloads = new Map<string, Overload[]>();
  const places: Place[] = [];
  for (const operator of native.operatorNames().sort()) {
    if (!operator.startsWith('aten::')) continue;
    const found = overloadsOf(operator);
    const place = placeOf(operator, found);
    if (place === undefined) continue;
    overloads.set(operator, found);
    places.push(place);
  }
  refuseCollisions(places);
  const functions = places.filter((place) => place.function);
  const inNamespace = (name: Place['namespace']) => functions.filter(({ namespace }) => namespace === name);
  const methods = places.filter(({ method }) => method);
  return [
    `// Generated by scripts/generate-operators.ts from libtorch ${native.versions().loaded.replace(/\+.*/, '')}. Do not edit.`,
    "import type { Device } from '../device';",
    "import type { Dtype } from '../dtype';",
    "import type { Layout, MemoryFormat } from '../kinds';",
    "import type { Generator } from '../random';",
    "import type { FactoryOptions, Integer, Integers, Scalar } from '../signature';",
    "import type { Tensor } from '../tensor';",
    '',
    '/** Operators that are methods of a tensor, which is their first argument. */',
    "declare module '../tensor' {",
    '  interface Tensor<out D extends Dtype, out R extends number> {',
    members(methods, overloads, true),
    '}',
    '}',
    '',
    '/** Operators that are functions of `torch`. */',
    'export interface TorchOperators {',
    members(inNamespace(undefined), overloads, false),
    '}',
    ...namespaces.flatMap((name) => [
      '',
      `/** Operators that are functions of \`torch.${name}\`. */`,
      `export interface ${name[0]!.toUpperCase()}${name.slice(1)}Operators {`,
      members(inNamespace(name), overloads, false),
      '}',
    ]),
    '',
    "/** Names of the tensor's methods in libtorch. */",
    'export const methodNames: readonly string[] = [',
    nameList(methods),
    '];',
    '',
    '/** Names in libtorch of the functions of `torch` and its namespaces. */',
    'export const functionNames: readonly string[] = [',
    nameList(functions),
    '];',
    '',
  ].join('\n');
}

function refuseCollisions(places: readonly Place[]): void {
  const seen = new Map<string, string>();
  for (const { namespace, name, operator } of places) {
    const key = `${namespace ?? ''}.${name}`;
    if (seen.has(key)) throw new Error(`${operator} and ${seen.get(key)} are both called ${key}`);
    seen.set(key, operator);
  }
}

if (require.main === module) {
  fs.writeFileSync(`${generatedFile}.tmp`, generate());
  fs.renameSync(`${generatedFile}.tmp`, generatedFile);
}
