/** One YAML or JSON file: its value, and where each part of it stands. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document } from 'yaml';

import { ConfigError } from '../errors';
import { notJson } from './json';
import { readText } from './read-text';
import { startOf as start, type ConfigSource, type Fault, type Place } from './source';

/** A parsed text. `value` is there unless the syntax is broken. */
export interface ParsedYaml {
  faults: Fault[];
  /** Undefined when the text cannot be understood; `{ data: null }` when it is empty. */
  value: { data: unknown } | undefined;
  document: Document;
}

/** Parses one YAML 1.2 document. Duplicate keys are faults that leave a value. */
export function parseYaml(text: string, lines = new LineCounter()): ParsedYaml {
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const faults = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    offset: pos[0],
    message: clearerMessages[code] ?? message,
  }));
  if (faults.length === 0) faults.push(...unusableNodes(document));
  if (faults.length > 0) return { faults, value: undefined, document };
  try {
    return { faults: duplicateKeys(document, lines), value: { data: document.toJS() }, document };
  } catch (error) {
    // Thrown for a text whose aliases multiply beyond all measure.
    return { faults: [{ offset: 0, message: (error as Error).message }], value: undefined, document };
  }
}

const clearerMessages: Partial<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab is not allowed as indentation; use spaces',
  BLOCK_IN_FLOW: 'a key is not expected here; is a comma missing before it?',
  MULTIPLE_DOCS: 'a second YAML document begins here; a configuration is one',
};

function unusableNodes(document: Document): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Alias: (_, alias) => {
      if (!alias.resolve(document))
        faults.push({ offset: start(alias), message: `*${alias.source} names no anchor before it` });
    },
    Pair: (_, { key }) => {
      if (!isScalar(key)) faults.push({ offset: start(key), message: 'a key must be plain text' });
    },
  });
  return faults;
}

function duplicateKeys(document: Document, lines: LineCounter): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map: (_, map) => {
      const offsetByKey = new Map<string, number>();
      for (const { key } of map.items) {
        const name = keyName(key);
        const first = offsetByKey.get(name);
        if (first === undefined) offsetByKey.set(name, start(key));
        else
          faults.push({
            offset: start(key),
            message: `the key ${name} is given twice, first in line ${lines.linePos(first).line}`,
          });
      }
    },
  });
  return faults;
}

const keyName = (key: unknown) => String(isScalar(key) ? key.value : key);

/** A configuration as it was read, able to say where each part stands. */
export class ConfigDocument implements ConfigSource {
  private constructor(
    readonly file: string,
    private readonly lines: LineCounter,
    private readonly parsed: ParsedYaml,
  ) {}

  /** @throws ConfigError for a file that cannot be read or is not UTF-8 text */
  static read(file: string): ConfigDocument {
    const lines = new LineCounter();
    const parsed = parseYaml(readText(file), lines);
    if (/\.json$/i.test(file) && parsed.value) parsed.faults.push(...notJson(parsed.document));
    return new ConfigDocument(file, lines, parsed);
  }

  /** The root mapping. @throws ConfigError when the text is not one */
  root(): Record<string, unknown> {
    const { value, faults, document } = this.parsed;
    if (!value) throw new ConfigError(this.faultLines().join('\n'));
    if (isMap(document.contents)) return value.data as Record<string, unknown>;
    const empty = value.data === null && faults.length === 0;
    const found = empty ? 'nothing' : isSeq(document.contents) ? 'a list' : 'a single value';
    throw new ConfigError(
      `${this.place(start(document.contents ?? {}))} expected \`key: value\` lines, found ${found}`,
    );
  }

  /** Faults of the text itself, a line each, in file order. */
  faultLines(): string[] {
    return [...this.parsed.faults]
      .sort((a, b) => a.offset - b.offset)
      .map(({ offset, message }) => `${this.place(offset)} ${message}`);
  }

  /** Offset of the value at `path`, or of its key; of the innermost part around it that is in the file. */
  locate(path: readonly string[], part: 'key' | 'value'): Place {
    const { document } = this.parsed;
    let node: unknown = document.contents;
    let offset = start(node);
    for (const [depth, name] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document);
      const pair = isMap(node) ? node.items.findLast(({ key }) => keyName(key) === name) : undefined;
      const child = pair ? pair.value : isSeq(node) ? node.items[Number(name)] : undefined;
      if (child === undefined || child === null) return { offset, depth };
      offset = pair && part === 'key' && depth === path.length - 1 ? start(pair.key) : start(child);
      node = child;
    }
    return { offset, depth: path.length };
  }

  /** `file:line:column` of an offset. */
  place(offset: number): string {
    const { line, col } = this.lines.linePos(offset);
    return `${this.file}:${line}:${col}`;
  }
}
