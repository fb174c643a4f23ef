/** libtorch's operator schemas, as this package reads them: argument types, names, and which overloads it offers. */
import { native, type NativeArgument, type NativeSchema, type OperatorId } from '../native';

const baseTypes = [
  'Tensor',
  'int',
  'float',
  'bool',
  'str',
  'Scalar',
  'ScalarType',
  'Device',
  'Layout',
  'MemoryFormat',
  'Generator',
] as const;

export type BaseType = (typeof baseTypes)[number];

/** `Tensor?[]` is a list whose elements are optional, `int[2]?` an optional list of repeated numbers. */
export interface ArgumentType {
  base: BaseType;
  list: boolean;
  /** `null` may be given. */
  optional: boolean;
  optionalElements: boolean;
  /** One number may stand for all of the list (`int[2] kernel_size`); the addon repeats it. */
  repeats: boolean;
}

export interface Argument {
  /** As users write it, in camelCase. */
  name: string;
  type: ArgumentType;
  keywordOnly: boolean;
  hasDefault: boolean;
  defaultValue: string | undefined;
  /** How TypeScript writes its type, where the schema's type does not say it. */
  written?: string | undefined;
}

export interface ReturnValue {
  /** Empty where the schema gives none. */
  name: string;
  type: ArgumentType;
  /** The argument that this result is, for operators that work in place. */
  argument: number | undefined;
  /** How TypeScript writes its type, where the schema's type does not say it. */
  written?: string | undefined;
}

export interface Overload {
  id: OperatorId;
  name: string;
  arguments: Argument[];
  /** How many arguments can be given by position. */
  positional: number;
  returns: ReturnValue[];
  /** Makes a new tensor from `dtype`, `device`, ...; takes the option `requiresGrad` besides. */
  factory: boolean;
}

/** `log_softmax` -> `logSoftmax`, `add_` -> `add_`, `conv2d` -> `conv2d`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[^_])_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export const namespaces = ['linalg', 'fft', 'special'] as const;
export type Namespace = (typeof namespaces)[number];

/** Where a function goes and what it is called there: `linalg_vector_norm` is `vectorNorm` of `linalg`. */
export function placeName(name: string): { namespace: Namespace | undefined; member: string } {
  const bare = name.replace(/^\w+::/, '');
  const namespace = namespaces.find((prefix) => bare.startsWith(`${prefix}_`));
  return { namespace, member: camelCase(namespace === undefined ? bare : bare.slice(namespace.length + 1)) };
}

/** The generated lists leave out the library where it is `aten`. */
export function qualifiedName(name: string): string {
  return name.includes('::') ? name : `aten::${name}`;
}

/** Reads a schema's type; undefined for those that have no form in JavaScript (Dimname, Stream, Storage, ...). */
export function parseType(text: string): ArgumentType | undefined {
  const parts = /^([A-Za-z]+)(\?)?(\[(\d*)\])?(\?)?$/.exec(text);
  if (parts === null) return undefined;
  const base = parts[1] === 'SymInt' ? 'int' : parts[1];
  if (!baseTypes.includes(base as BaseType)) return undefined;
  const list = parts[3] !== undefined;
  return {
    base: base as BaseType,
    list,
    optional: (list ? parts[5] : parts[2]) !== undefined,
    optionalElements: list && parts[2] !== undefined,
    repeats: Boolean(parts[4]),
  };
}

/**
 * The overloads of an operator that can be called from JavaScript. Left out: those that write into an `out` argument, and
 * those with a type that has no form in JavaScript.
 */
export function overloadsOf(name: string): Overload[] {
  return native
    .schemas(name)
    .map(readOverload)
    .filter((overload) => overload !== undefined)
    .sort(
      (a, b) => a.arguments.length - b.arguments.length || a.name.length - b.name.length || (a.name < b.name ? -1 : 1),
    );
}

function readOverload(schema: NativeSchema): Overload | undefined {
  const written = schema.arguments.some((argument) => argument.written && argument.keywordOnly);
  if (written) return undefined;
  const args = schema.arguments.map(readArgument);
  const returns = schema.returns.map(({ name, type, argument }) => {
    const parsed = parseType(type);
    return parsed && { name, type: parsed, argument };
  });
  if (args.includes(undefined) || returns.includes(undefined)) return undefined;
  const known = args as Argument[];
  const keywords = new Set(known.filter(({ keywordOnly }) => keywordOnly).map(({ name }) => name));
  return {
    id: schema.id,
    name: schema.overload,
    arguments: known,
    positional: known.filter(({ keywordOnly }) => !keywordOnly).length,
    returns: returns as ReturnValue[],
    factory:
      ['dtype', 'layout', 'device', 'pinMemory'].every((name) => keywords.has(name)) &&
      !known.some(({ name }) => name === 'nonBlocking'),
  };
}

function readArgument(argument: NativeArgument): Argument | undefined {
  const type = parseType(argument.type);
  return (
    type && {
      name: camelCase(argument.name),
      type,
      keywordOnly: argument.keywordOnly,
      hasDefault: argument.defaultValue !== undefined,
      defaultValue: argument.defaultValue,
    }
  );
}
