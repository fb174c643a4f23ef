/** Reads and checks configurations. Which keys there are is the schema's to say: each room owns its own. */
import type { z } from 'zod';

import { ConfigError } from '../errors';
import { describe, OpenConfig, type Choice } from './open';
import { parseOverride } from './overrides';
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
  choose: Choice<S>,
  options: LoadConfigOptions = {},
): z.output<S> {
  const overrides = (options.overrides ?? []).map(parseOverride);
  const checked = OpenConfig.read(file, options.named).check(choose, overrides);
  if (checked.problems) throw new ConfigError(checked.problems.join('\n'));
  return checked.data;
}

/**
 * Checks a value that came through the API. The same errors, with `name` in the place of a position.
 * @throws ConfigError that names every problem, a line each: `name path message`
 */
export function parseConfig<S extends z.ZodType>(value: unknown, schema: S, name: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = problemsOf(result.error.issues, schema, value);
  throw new ConfigError(problems.map(({ path, message }) => `${name} ${describe(path, message)}`).join('\n'));
}
