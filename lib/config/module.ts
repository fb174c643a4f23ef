/** A configuration that is a JavaScript or TypeScript module: its default export, or what a function there gives. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { deserialize } from 'node:v8';

import { ConfigError } from '../errors';
import { GivenValue } from './given';
import { readText } from './read-text';

const evaluator = path.join(__dirname, 'evaluate', 'evaluate.mjs');
const patienceMs = 60_000;

export const isModule = (file: string) => /\.[cm]?[jt]s$/i.test(file);
const isTypeScript = (file: string) => /\.[cm]?ts$/i.test(file);

/** What the evaluation gives back. */
type Outcome = { value: unknown } | { error: { message: string; place: string } };

/**
 * Evaluates a module, in a process of its own: always as it is on disk now, and with TypeScript wherever Node or the user has it.
 * @throws ConfigError for a file that cannot be read or evaluated
 */
export function readModule(file: string): GivenValue {
  readText(file); // says what is wrong in our own words
  return new GivenValue(file, evaluate(file), 'a default export that is an object, or a function that gives one');
}

function evaluate(file: string): unknown {
  const { flags = [], compiler = [] } = isTypeScript(file) ? typeScriptSupport(file) : {};
  const args = [...flags, '--enable-source-maps', evaluator, path.resolve(file), ...compiler];
  // What the module prints goes to stderr: stdout is for results.
  const { output, error, status, signal } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 2, 2, 'pipe'],
    timeout: patienceMs,
    maxBuffer: 2 ** 28,
  });
  const bytes = (output as (Buffer | null)[] | null)?.[3];
  if (bytes && bytes.length > 0) {
    const outcome = deserialize(bytes) as Outcome;
    if ('value' in outcome) return outcome.value;
    throw new ConfigError(`${outcome.error.place || file}: ${outcome.error.message}`);
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ETIMEDOUT') throw new ConfigError(`${file}: gave no configuration within ${patienceMs / 1000} seconds`);
  const how = error
    ? error.message
    : (signal ?? `exit code ${status}${status === 13 ? ': it waits for what never comes' : ''}`);
  throw new ConfigError(`${file}: ended without giving a configuration (${how})`, { cause: error });
}

/** How Node is to understand TypeScript: by itself, by a flag, or by the user's compiler. @throws ConfigError where none of them is there */
function typeScriptSupport(file: string): { flags?: string[]; compiler?: [string] } {
  const features = process.features as { typescript?: unknown };
  if (features.typescript) return {};
  if (process.allowedNodeEnvironmentFlags.has('--experimental-strip-types'))
    return { flags: ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'] };
  try {
    return { compiler: [createRequire(path.resolve(file)).resolve('typescript')] };
  } catch (cause) {
    throw new ConfigError(
      `${file}: this Node (${process.version}) does not read TypeScript by itself; install the package typescript beside the ` +
        'configuration (npm i -D typescript), use Node 22.6 or newer, or write it as .mjs',
      { cause },
    );
  }
}
