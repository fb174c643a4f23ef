/** JSON as strict as its users are: UTF-8 only, and no key twice, where JSON.parse would silently take the last. */

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws SyntaxError for what is not UTF-8, not JSON, or has a key twice in one object */
export function parseJson(json: string | Uint8Array): unknown {
  const text = typeof json === 'string' ? json : decode(json);
  const value: unknown = JSON.parse(text);
  const key = repeatedKey(text);
  if (key === undefined) return value;
  throw new SyntaxError(`the key ${shown(key)} is given twice`);
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new SyntaxError('it is not UTF-8', { cause });
  }
}

const shown = (key: string) => JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}...` : key);

/** The first key that an object of a JSON text has twice. The text is known to be JSON, so that only strings and brackets matter. */
function repeatedKey(text: string): string | undefined {
  /** For each open bracket, the keys so far; null for a list. */
  const open: (Set<string> | null)[] = [];
  let keys: Set<string> | null = null;
  let keyIsNext = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (keys !== null && keyIsNext) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
        keyIsNext = false;
      }
      at = end - 1;
    } else if (character === '{' || character === '[') {
      open.push(keys);
      keys = character === '{' ? new Set() : null;
      keyIsNext = true;
    } else if (character === '}' || character === ']') {
      keys = open.pop() ?? null;
    } else if (character === ',') {
      keyIsNext = true;
    }
  }
  return undefined;
}

/** Where the string that begins at `start` is over. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
}
