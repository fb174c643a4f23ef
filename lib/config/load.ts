/** Reads and checks configurations. Which keys there are is the schema's to say: each room owns its own. */
import type { z } from 'zod';

import { ConfigError } from '../errors';
import { LayeredConfig } from './extend';
import { applyOverride, overridePlace, parseOverride, type Override } from './overrides';
import { problemsOf } from './problems';

export interface LoadConfigOptions {
  /** `a.b.c=value`, the value written as YAML; a later one wins. Lists are entered by place: `data.corpus.0=book.txt`. */
  overrides?: readonly string[];
  /** The file of a configuration that `extends` names without a path. */
  named?: (name: string) => string | undefined;
}

/**
 * Reads a YAML, JSON, JavaScript or TypeScript file and those it `extends`, sets the overrides, checks the result.
 * @param choose - the schema, or what chooses it by the value, overrides included
 * @throws ConfigError that names every problem, a line each: `file:line:column path message`, or
 * `override "a.b=c" path message`
 */
export function loadConfig<S extends z.ZodType>(
  file: string,
  choose: S | ((value: unknown) => S),
  options: LoadConfigOptions = {},
): z.output<S> {
  const layers = LayeredConfig.read(file, options.named);
  const files = layers.sources();
  let value: unknown = layers.value();
  const overrides: Override[] = [];
  const overrideProblems: string[] = [];
  for (const text of options.overrides ?? []) {
    const override = parseOverride(text);
    const result = 'problem' in override ? override : applyOverride(value, override);
    if ('problem' in result) {
      overrideProblems.push(`${overridePlace(text)} ${result.problem}`);
    } else {
      value = result.root;
      overrides.push(override as Override);
    }
  }
  const schema = typeof choose === 'function' ? choose(value) : choose;
  const result = schema.safeParse(value);
  const located = (result.success ? [] : problemsOf(result.error.issues, schema, value)).map(
    ({ path, part, message }) => {
      const { source, offset, depth } = layers.locate(path, part);
      const override = overrideOf(overrides, path, depth);
      return {
        file: files.indexOf(source),
        offset,
        override,
        line: `${override ? overridePlace(override.text) : source.place(offset)} ${line(path, message)}`,
      };
    },
  );
  const inFile = located.filter(({ override }) => !override).sort((a, b) => a.file - b.file || a.offset - b.offset);
  const inOverrides = located.filter(({ override }) => override);
  const lines = [
    ...new Set(files.flatMap((source) => source.faultLines())),
    ...[...inFile, ...inOverrides].map((problem) => problem.line),
    ...overrideProblems,
  ];
  if (lines.length > 0 || !result.success) throw new ConfigError(lines.join('\n'));
  return result.data;
}

/** The override that set the value at `path`, or that made a part around it which goes deeper than what the file has. */
function overrideOf(
  overrides: readonly Override[],
  path: readonly string[],
  depthInFile: number,
): Override | undefined {
  const common = (override: Override) => {
    const end = override.path.findIndex((name, index) => name !== path[index]);
    return end < 0 ? override.path.length : end;
  };
  return (
    overrides.findLast((override) => common(override) === override.path.length) ??
    overrides.findLast((override) => common(override) > depthInFile)
  );
}

/**
 * Checks a value that came through the API. The same errors, with `name` in the place of a position.
 * @throws ConfigError that names every problem, a line each: `name path message`
 */
export function parseConfig<S extends z.ZodType>(value: unknown, schema: S, name: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = problemsOf(result.error.issues, schema, value);
  throw new ConfigError(problems.map(({ path, message }) => `${name} ${line(path, message)}`).join('\n'));
}

const line = (path: readonly string[], message: string) =>
  [...(path.length > 0 ? [path.join('.')] : []), message].join(' ');
