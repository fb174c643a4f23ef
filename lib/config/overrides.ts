/** `a.b.c=value` from a command line: sets one value of a configuration before it is checked. */
import { parseYaml } from './document';

export interface Override {
  /** As the user typed it. */
  text: string;
  path: string[];
  value: unknown;
}

/** How a position in an override is named. */
export const overridePlace = (text: string) => `override "${text}"`;

/** Reads an override, or says what is wrong with it. The value is YAML: `3e-4`, `true`, `[a, b]`, `{ bpe: 512 }`. */
export function parseOverride(text: string): Override | { problem: string } {
  const sign = text.indexOf('=');
  const path = text.slice(0, Math.max(0, sign)).split('.');
  if (sign < 0 || path.includes('')) return { problem: 'expected section.key=value, such as train.learningRate=1e-3' };
  const { faults, value } = parseYaml(text.slice(sign + 1));
  const [fault] = faults;
  if (fault || !value) return { problem: `the value is not YAML: ${fault?.message ?? 'it cannot be read'}` };
  return { text, path, value: value.data };
}

/**
 * A copy of `root` with the override's value in place. Sections that are not there yet are made; whether they may be
 * there is the schema's to say. Copies, because YAML aliases share parts.
 */
export function applyOverride(root: unknown, { path, value }: Override): { root: unknown } | { problem: string } {
  try {
    return { root: withValue(root, path, 0, value) };
  } catch (error) {
    if (error instanceof WrongPath) return { problem: error.message };
    throw error;
  }
}

class WrongPath extends Error {}

function withValue(node: unknown, path: readonly string[], depth: number, value: unknown): unknown {
  const name = path[depth];
  if (name === undefined) return value;
  const here = path.slice(0, depth).join('.');
  if (Array.isArray(node)) {
    if (!/^\d+$/.test(name) || Number(name) >= node.length) {
      throw new WrongPath(`${here} is a list of ${node.length}; ${name} is not one of its places (they count from 0)`);
    }
    return node.map((item: unknown, index) =>
      index === Number(name) ? withValue(item, path, depth + 1, value) : item,
    );
  }
  if (node !== undefined && node !== null && typeof node !== 'object') {
    throw new WrongPath(`${here} is ${JSON.stringify(node)}, not a section; ${name} cannot be set in it`);
  }
  const section = (node ?? {}) as Record<string, unknown>;
  const child = Object.hasOwn(section, name) ? section[name] : undefined;
  return { ...section, [name]: withValue(child, path, depth + 1, value) };
}
