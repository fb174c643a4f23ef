/** A configuration as it was read, to be checked as it stands or with settings put above it, once or many times. */
import type { z } from 'zod';

import { LayeredConfig } from './extend';
import { GivenValue } from './given';
import { applySetting, type Setting, type Unread } from './overrides';
import { problemsOf } from './problems';
import type { Section } from './source';

/** The schema, or what chooses it by the value, settings included. */
export type Choice<S extends z.ZodType> = S | ((value: unknown) => S);

export type Checked<T> = { data: T; problems?: undefined } | { data?: undefined; problems: string[] };

export class OpenConfig {
  private constructor(
    private readonly layers: LayeredConfig,
    /** What stands in all files together. */
    readonly value: Section,
  ) {}

  /** @param named - the file of a configuration that `extends` names without a path. @throws ConfigError */
  static read(file: string, named?: (name: string) => string | undefined): OpenConfig {
    const layers = LayeredConfig.read(file, named);
    return new OpenConfig(layers, layers.value());
  }

  /** A value that came through the API; `name` stands in the place of positions. */
  static of(value: Section, name: string): OpenConfig {
    return new OpenConfig(LayeredConfig.of(new GivenValue(name, value)), value);
  }

  /** The same without one of its keys. */
  without(key: string): OpenConfig {
    const { [key]: _, ...value } = this.value;
    return new OpenConfig(this.layers, value);
  }

  /** `file:line:column` of what stands at a path, or of its key. */
  place(path: readonly string[], part: 'key' | 'value'): string {
    const { source, offset } = this.layers.locate(path, part);
    return source.place(offset);
  }

  /** Faults of the texts themselves, a line each. */
  faults(): string[] {
    return [...new Set(this.layers.sources().flatMap((source) => source.faultLines()))];
  }

  /** What it comes to; or all problems, a line each: where, in file order and then those of the settings, the path, and what. */
  check<S extends z.ZodType>(choose: Choice<S>, settings: readonly (Setting | Unread)[]): Checked<z.output<S>> {
    let value: unknown = this.value;
    const set: Setting[] = [];
    const misplaced: string[] = [];
    for (const setting of settings) {
      const result = 'problem' in setting ? setting : applySetting(value, setting);
      if ('problem' in result) {
        const { keyPlace, place } = setting as Setting;
        misplaced.push(`${keyPlace ?? place} ${result.problem}`);
      } else {
        value = result.root;
        set.push(setting as Setting);
      }
    }
    const schema = typeof choose === 'function' ? choose(value) : choose;
    const result = schema.safeParse(value);
    const problems = [
      ...this.faults(),
      ...(result.success ? [] : this.#located(problemsOf(result.error.issues, schema, value), set)),
      ...misplaced,
    ];
    return problems.length === 0 && result.success ? { data: result.data } : { problems };
  }

  #located(problems: ReturnType<typeof problemsOf>, settings: readonly Setting[]): string[] {
    const files = this.layers.sources();
    const located = problems.map(({ path, part, message }) => {
      const { source, offset, depth } = this.layers.locate(path, part);
      const setting = settingOf(settings, path, depth);
      const isKey = part === 'key' && setting?.path.length === path.length;
      const place = (isKey ? setting.keyPlace : undefined) ?? setting?.place ?? source.place(offset);
      return { file: files.indexOf(source), offset, setting, line: `${place} ${describe(path, message)}` };
    });
    const inFile = located.filter(({ setting }) => !setting).sort((a, b) => a.file - b.file || a.offset - b.offset);
    return [...inFile, ...located.filter(({ setting }) => setting)].map(({ line }) => line);
  }
}

/** The setting that put the value at `path` there, or that made a part around it which goes deeper than what the file has. */
function settingOf(settings: readonly Setting[], path: readonly string[], depthInFile: number): Setting | undefined {
  const common = (setting: Setting) => {
    const end = setting.path.findIndex((name, index) => name !== path[index]);
    return end < 0 ? setting.path.length : end;
  };
  return (
    settings.findLast((setting) => common(setting) === setting.path.length) ??
    settings.findLast((setting) => common(setting) > depthInFile)
  );
}

/** A problem behind its place. */
export const describe = (path: readonly string[], message: string) =>
  [...(path.length > 0 ? [path.join('.')] : []), message].join(' ');
