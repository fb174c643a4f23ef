/** `extends:` in a configuration: the files it stands on, put under it section by section. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';

import { ConfigError } from '../errors';
import { ConfigDocument } from './document';
import { isModule, readModule } from './module';
import { isSection, type ConfigSource, type Place, type Section } from './source';

/** One file's part of a configuration. */
interface Layer {
  source: ConfigSource;
  value: Section;
}

/** Keys that tell about the file, and are no part of the configuration. `$schema` is for editors. */
const fileKeys = ['extends', '$schema'];

export interface Located extends Place {
  source: ConfigSource;
}

/** A file and all that it extends. */
export class LayeredConfig {
  private constructor(
    /** What stands above comes first. */
    private readonly layers: readonly Layer[],
  ) {}

  /**
   * @param named - the file of a configuration that is known by name
   * @throws ConfigError for a file that cannot be read, or that extends itself
   */
  static read(file: string, named?: (name: string) => string | undefined): LayeredConfig {
    return new LayeredConfig(readLayers(file, named, []));
  }

  /** One that stands on no other. */
  static of(source: ConfigSource): LayeredConfig {
    return new LayeredConfig([{ source, value: source.root() }]);
  }

  /** All layers as one: sections are merged, everything else is replaced. */
  value(): Section {
    return this.layers.map(({ value }) => value).reduce((over, under) => merge(under, over) as Section);
  }

  sources(): ConfigSource[] {
    return [...new Set(this.layers.map(({ source }) => source))];
  }

  /** The file that has set the value at `path` and where in it; where none has, the highest that has what is around it. */
  locate(path: readonly string[], part: 'key' | 'value'): Located {
    let holders: { layer: Layer; node: unknown }[] = this.layers.map((layer) => ({ layer, node: layer.value }));
    for (const name of path) {
      const inner = holders
        .map(({ layer, node }) => ({ layer, node: childOf(node, name) }))
        .filter(({ node }) => node !== undefined);
      const end = inner.findIndex(({ node }) => !isSection(node));
      if (inner.length === 0) break;
      // What is no section replaces all that is below it, and is replaced by a section above.
      holders = end < 0 ? inner : inner.slice(0, Math.max(1, end));
    }
    const { source } = holders[0]!.layer;
    return { source, ...source.locate(path, part) };
  }
}

function childOf(node: unknown, name: string): unknown {
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) return undefined;
  return (node as Section)[name];
}

/** @param chain - the files that have led here */
function readLayers(file: string, named: ((name: string) => string | undefined) | undefined, chain: string[]): Layer[] {
  const source = isModule(file) ? readModule(file) : ConfigDocument.read(file);
  const root = source.root();
  const own = { source, value: Object.fromEntries(Object.entries(root).filter(([key]) => !fileKeys.includes(key))) };
  const here = [...chain, realpathSync(file)];
  const bases = basesOf(root['extends'], source).map(({ name, place }) => {
    const base = path.isAbsolute(name) ? name : path.join(path.dirname(file), name);
    // A folder of a known name, such as that of its runs, stands in nobody's way.
    const found = isFile(base) ? base : (named?.(name) ?? (existsSync(base) ? base : undefined));
    if (found === undefined) {
      const orName = named ? ', and no configuration of this name is shipped' : '';
      throw new ConfigError(`${place} extends ${name}: there is no file ${base}${orName}`);
    }
    if (here.includes(realpathSync(found))) {
      const circle = [...here.slice(here.indexOf(realpathSync(found))), realpathSync(found)];
      throw new ConfigError(`${place} extends goes in a circle: ${circle.map(relative).join(' -> ')}`);
    }
    return readLayers(found, named, here);
  });
  return [own, ...bases.reverse().flat()];
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

const relative = (file: string) => path.relative('', file) || file;

function basesOf(value: unknown, source: ConfigSource): { name: string; place: string }[] {
  if (value === undefined) return [];
  const names: unknown[] = Array.isArray(value) ? value : [value];
  return names.map((name, index) => {
    const place = source.place(
      source.locate(Array.isArray(value) ? ['extends', String(index)] : ['extends'], 'value').offset,
    );
    if (typeof name === 'string' && name !== '') return { name, place };
    throw new ConfigError(
      `${place} extends expected a file or a list of files, found ${JSON.stringify(name) ?? typeof name}`,
    );
  });
}

function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isSection(under) || !isSection(over)) return over;
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries(merged);
}
