/** `a.b.c=value` from a command line: sets one value of a configuration before it is checked. */
import { parseYaml } from './document';

/** One value that is put above what files say. */
export interface Setting {
  path: string[];
  value: unknown;
  /** Where it was given, as a problem's line begins. */
  place: string;
  /** The same of its key, where that stands elsewhere. */
  keyPlace?: string;
}

/** What could not be read as a setting. */
export type Unread = Pick<Setting, 'place'> & { problem: string };

/** How a position in an override is named. */
const overridePlace = (text: string) => `override "${text}"`;

/** Reads an override, or says what is wrong with it. The value is YAML: `3e-4`, `true`, `[a, b]`, `{ bpe: 512 }`. */
export function parseOverride(text: string): Setting | Unread {
  const place = overridePlace(text);
  const { path, rest } = splitOverride(text);
  if (!path) return { place, problem: 'expected section.key=value, such as train.learningRate=1e-3' };
  const { faults, value } = parseYaml(rest);
  const [fault] = faults;
  if (fault || !value) return { place, problem: `the value is not YAML: ${fault?.message ?? 'it cannot be read'}` };
  return { path, value: value.data, place };
}

/**
 * Reads `a.b.c=value,value`: the values as in a YAML list without its brackets, so that `[1, 2]` is one value, `[1], [2]` are two, and a text
 * with a comma stands in quotes. A single value is an override like any other.
 */
export function parseChoices(text: string): Setting[] | Unread {
  const { path, rest } = splitOverride(text);
  const { faults, value } = parseYaml(`[${rest}\n]`);
  if (path && faults.length === 0 && Array.isArray(value?.data) && value.data.length > 1)
    return value.data.map((choice: unknown) => ({ path, value: choice, place: overridePlace(text) }));
  const single = parseOverride(text);
  return 'problem' in single ? single : [single];
}

/** No path where there is none that could be set. */
function splitOverride(text: string): { path: string[] | undefined; rest: string } {
  const sign = text.indexOf('=');
  const path = pathOf(text.slice(0, Math.max(0, sign)));
  return { path: sign < 0 ? undefined : path, rest: text.slice(sign + 1) };
}

/** The parts of `a.b.c`; undefined where one is missing. */
export function pathOf(key: string): string[] | undefined {
  const path = key.split('.');
  return path.includes('') ? undefined : path;
}

/**
 * A copy of `root` with the value in place. Sections that are not there yet are made; whether they may be there is the schema's to say.
 * Copies, because YAML aliases share parts.
 */
export function applySetting(root: unknown, { path, value }: Setting): { root: unknown } | { problem: string } {
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
