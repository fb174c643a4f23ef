/**
 * Signatures of functions that PyTorch writes in Python, in the form of libtorch's schemas with these additions: names in
 * camelCase; `*tensors` for tensors given one by one or as a list; `mean|sum` for a string that must be one of these, and
 * `Scalar|fro` for a number or one of these; `any` for what the function itself checks.
 *
 *     stft(Tensor input, int nFft, int? hopLength=None, constant|reflect padMode="reflect") -> Tensor
 */
import { parseType, type Argument, type ArgumentType, type Overload } from '../schema';

/** An argument with what only these signatures say. */
export interface Parameter extends Argument {
  /** The strings it may be. */
  choices: readonly string[] | undefined;
  /** A list whose elements may be given one by one. */
  variadic: boolean;
  /** The default as a value. */
  fallback: unknown;
  /** Takes any value. */
  unchecked: boolean;
}

export interface Signature extends Overload {
  arguments: Parameter[];
}

/**
 * @param types how TypeScript writes the types of parameters that are `any`
 * @throws Error when the text is no signature: a mistake in this package
 */
export function parseSignature(text: string, types: Readonly<Record<string, string>> = {}): Signature {
  const parts = /^(\w+)\((.*)\) -> (.+)$/.exec(text);
  if (parts === null) throw new Error(`"${text}" is not a signature.`);
  const [, name, list, result] = parts as unknown as [string, string, string, string];
  const parameters: Parameter[] = [];
  let keywordOnly = false;
  for (const part of splitList(list)) {
    if (part === '*') keywordOnly = true;
    else parameters.push(parseParameter(part, keywordOnly, types));
  }
  const results = result.startsWith('(') ? splitList(result.slice(1, -1)) : result === 'void' ? [] : [result];
  return {
    id: -1,
    name,
    arguments: parameters,
    positional: parameters.filter((parameter) => !parameter.keywordOnly).length,
    returns: results.map((each) => {
      const [type, resultName = ''] = each.split(' ') as [string, string?];
      return {
        name: resultName,
        type: typeOf(type === 'any' ? 'str' : type),
        argument: undefined,
        written: types.result,
      };
    }),
    factory: false,
  };
}

function splitList(text: string): string[] {
  return text === '' ? [] : text.split(/, (?![^[]*\])/);
}

function typeOf(text: string): ArgumentType {
  const type = parseType(text);
  if (type === undefined) throw new Error(`"${text}" is not a type of a signature.`);
  return type;
}

function parseParameter(text: string, keywordOnly: boolean, types: Readonly<Record<string, string>>): Parameter {
  const parts = /^(\S+) (\*?)(\w+)(?:=(.+))?$/.exec(text);
  if (parts === null) throw new Error(`"${text}" is not a parameter.`);
  const [, typeText, star, name, defaultValue] = parts as unknown as [string, string, string, string, string?];
  const { type, choices, written } = parseParameterType(typeText);
  return {
    name,
    type,
    keywordOnly,
    hasDefault: defaultValue !== undefined,
    defaultValue,
    choices,
    written: types[name] ?? written,
    unchecked: typeText === 'any',
    variadic: star === '*',
    fallback: defaultValue === undefined ? undefined : parseDefault(defaultValue),
  };
}

function parseParameterType(text: string): Pick<Parameter, 'type' | 'choices' | 'written'> {
  if (text === 'any') return { type: typeOf('str?'), choices: undefined, written: 'unknown' };
  if (text === 'true') return { type: typeOf('bool'), choices: undefined, written: 'true' };
  if (!text.includes('|')) return { type: typeOf(text), choices: undefined, written: undefined };
  const optional = text.endsWith('?') ? '?' : '';
  const names = text.replace(/\?$/, '').split('|');
  const base = names[0] === 'Scalar' ? names.shift()! : 'str';
  const written = [...(base === 'Scalar' ? [base] : []), ...names.map((choice) => `'${choice}'`)];
  if (optional) written.push('null');
  return { type: typeOf(base + optional), choices: names, written: written.join(' | ') };
}

function parseDefault(text: string): unknown {
  if (text === 'None') return null;
  if (text === 'True' || text === 'False') return text === 'True';
  return JSON.parse(text);
}
