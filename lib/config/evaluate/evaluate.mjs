/**
 * Runs in a process of its own: `evaluate.mjs FILE COMPILER` writes the value of a configuration module to file descriptor 3. COMPILER is
 * the path of the user's TypeScript where Node needs it, else missing.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import v8 from 'node:v8';

const [file, compiler = ''] = process.argv.slice(2);
const url = pathToFileURL(file).href;

/** Functions and symbols have no place in a configuration, and could not leave this process. */
function strangers(value, path = 'it', seen = new Set()) {
  if (typeof value === 'function' || typeof value === 'symbol') return [`${path} is a ${typeof value}`];
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([key, inner]) =>
    strangers(inner, path === 'it' ? key : `${path}.${key}`, seen),
  );
}

async function configuration() {
  if (/\.[cm]?ts$/.test(file)) {
    if (!module.register) throw new Error(`Node ${process.version} is too old for TypeScript; use 20.6 or newer`);
    module.register('./typescript.mjs', import.meta.url, { data: { compiler } });
  }
  const loaded = await import(url);
  if (!('default' in loaded)) throw new Error('has no default export; write `export default { ... }`');
  // A module that was compiled to CommonJS has its default export inside.
  const exported = loaded.default?.__esModule ? loaded.default.default : loaded.default;
  const value = await (typeof exported === 'function' ? exported() : exported);
  const [stranger] = strangers(value);
  if (stranger !== undefined) throw new Error(`a configuration is plain data, but ${stranger}`);
  return value;
}

/** `file:line:column` inside the module, out of the stack; empty where it does not tell. */
function placeOf(error) {
  const stack = String(error?.stack ?? '');
  for (const name of [url, file]) {
    const at = stack.indexOf(`${name}:`);
    const place = at < 0 ? undefined : /^:\d+(:\d+)?/.exec(stack.slice(at + name.length))?.[0];
    if (place !== undefined) return `${fileURLToPath(url)}${place}`;
  }
  if (!(error instanceof SyntaxError)) return '';
  // Node keeps the place of bad syntax to itself, but shows it here.
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  return stderr.startsWith(`${file}:`) ? `${file}${/:\d+/.exec(stderr.slice(file.length))?.[0]}` : '';
}

function describe(error) {
  const message = error instanceof Error ? error.message : String(error);
  return {
    message: error instanceof Error && error.name !== 'Error' ? `${error.name}: ${message}` : message,
    place: placeOf(error),
  };
}

let outcome;
try {
  outcome = { value: await configuration() };
} catch (error) {
  outcome = { error: describe(error) };
}
fs.writeFileSync(3, v8.serialize(outcome));
process.exit(0); // whatever the module has left running
