/**
 * Makes whatever a checkout lacks: npm dependencies by the lockfile, the TypeScript build, libtorch, the native build. What is
 * there and up to date is left alone, so that a second run takes no time. Needs nothing but Node.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const inRoot = (...parts) => path.join(root, ...parts);
const require = createRequire(import.meta.url);
const say = (text) => process.stderr.write(`${text}\n`);

/** A step that failed: what, the tool's own words, and what to do. */
class SetupError extends Error {}

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

/** All files under a folder of the checkout, relative to it, sorted. */
function filesUnder(folder) {
  if (!fs.existsSync(inRoot(folder))) return [];
  const names = fs.readdirSync(inRoot(folder), { recursive: true });
  return names.filter((name) => fs.statSync(inRoot(folder, name)).isFile()).sort();
}

/** Runs a tool quietly; its output is shown when it fails. */
async function run(what, command, args, advice) {
  say(`${what} ...`);
  const started = Date.now();
  const shell = process.platform === 'win32' && command === 'npm';
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (status !== 0) throw new SetupError(`${what} failed.\n${Buffer.concat(chunks).toString().trimEnd()}\n${advice}`);
  say(`  done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** npm keeps its own record of what it installed; it must hold just what the lockfile asks for on this platform. */
function dependenciesAreThere() {
  const record = inRoot('node_modules', '.package-lock.json');
  if (!fs.existsSync(record)) return false;
  const installed = readJson(record).packages;
  const wanted = Object.entries(readJson(inRoot('package-lock.json')).packages).filter(([place]) => place !== '');
  return wanted.every(([place, { version, optional, peer }]) =>
    installed[place] ? installed[place].version === version : optional || peer,
  );
}

async function dependencies() {
  if (dependenciesAreThere()) return;
  const advice = 'Look at the error above; without a network, an npm cache that holds the packages is needed.';
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('Installing npm dependencies', 'npm', args, advice);
}

const generatorOfSchemas = 'scripts/generate-schemas.ts';

/** The hash of all that the TypeScript build is made from. */
function hashOfTypeScript() {
  const hash = createHash('sha256');
  const sources = ['lib', 'scripts'].flatMap((folder) => filesUnder(folder).map((name) => path.join(folder, name)));
  const files = ['tsconfig.json', 'tsconfig.build.json', ...sources];
  for (const file of files) hash.update(`${file}\0`).update(fs.readFileSync(inRoot(file)));
  return hash.update(readJson(inRoot('node_modules', 'typescript', 'package.json')).version).digest('hex');
}

const isSource = (name) => name.endsWith('.ts') && !name.endsWith('.d.ts');
const withoutSuffix = (name) => name.replace(/(\.d\.ts|\.js|\.js\.map)$/, '');

/**
 * Makes an index load what it exports again only when that is asked for: who computes with tensors does not wait until studies
 * can be read. tsc writes `var room_1 = require("./room")`, and for each name a getter that gives `room_1.name`.
 */
function loadLazily(file) {
  const calls = new Map();
  const names = [];
  const script = fs
    .readFileSync(file, 'utf8')
    .replace(/^var (\w+) = (require\("[^"]+"\));$/gm, (_, room, call) => {
      calls.set(room, `(${room} ??= ${call})`);
      return `var ${room};`;
    })
    .replace(
      /^Object\.defineProperty\(exports, ("(\w+)"), \{ enumerable: true, get: function \(\) \{ return (\w+)(\.\w+); \} \}\);$/gm,
      (_, string, name, room, member) => {
        names.push(name);
        return `exportAgain(${string}, () => ${calls.get(room) ?? room}${member});`;
      },
    );
  if (calls.size === 0) return;
  const tail = [
    'function exportAgain(name, get) { Object.defineProperty(exports, name, { enumerable: true, get }); }',
    '// Never run: import statements look for names in forms like this one.',
    `0 && (module.exports = { ${names.join(', ')} });`,
  ];
  fs.writeFileSync(file, script.replace(/^(?=\/\/# sourceMappingURL)/m, `${tail.join('\n')}\n`));
}

/** Compiles lib/ to dist/, copies the files beside the sources, writes the schemas, and removes what no longer has a source. */
async function typescript() {
  const stamp = inRoot('dist', '.stamp');
  const hash = hashOfTypeScript();
  const names = filesUnder('lib');
  const modules = names.filter(isSource).map((name) => name.replace(/\.ts$/, ''));
  const assets = names.filter((name) => !name.endsWith('.ts'));
  const schemas = [path.join('schemas', 'study.json')];
  const isBuilt = fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === hash;
  const made = [...modules.map((name) => `${name}.js`), ...assets, ...schemas];
  if (isBuilt && made.every((name) => fs.existsSync(inRoot('dist', name)))) return;

  fs.rmSync(stamp, { force: true });
  const expected = new Set([...modules, ...assets, ...schemas, '.tsbuildinfo']);
  // tsc's record of an earlier build would keep it from writing again what is missing.
  if (!modules.every((name) => fs.existsSync(inRoot('dist', `${name}.js`))))
    fs.rmSync(inRoot('dist', '.tsbuildinfo'), { force: true });
  for (const name of filesUnder('dist')) {
    if (!expected.has(withoutSuffix(name))) fs.rmSync(inRoot('dist', name));
  }
  const tsc = require.resolve('typescript/bin/tsc');
  const advice = 'Correct the errors above and run the command again.';
  await run('Compiling TypeScript', process.execPath, [tsc, '-p', 'tsconfig.build.json'], advice);
  for (const name of modules.filter((each) => path.basename(each) === 'index'))
    loadLazily(inRoot('dist', `${name}.js`));
  for (const name of assets) {
    fs.mkdirSync(path.dirname(inRoot('dist', name)), { recursive: true });
    fs.copyFileSync(inRoot('lib', name), inRoot('dist', name));
  }
  const generate = ['-r', './scripts/register.cjs', generatorOfSchemas];
  await run('Writing the schemas of studies', process.execPath, generate, advice);
  fs.writeFileSync(stamp, hash);
}

async function native() {
  const { buildAddon, isBuilt } = require('./dist/setup/build.js');
  if (isBuilt(root)) return;
  const { locateLibtorch } = require('./dist/setup/locate.js');
  const { terminalProgress } = require('./dist/setup/progress.js');
  const libtorch = await locateLibtorch({ packageRoot: root, fetch: true, progress: terminalProgress });
  await buildAddon(root, libtorch, terminalProgress);
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Waits until no other set-up works in this checkout, then keeps others out. Gives the function that lets them in again. */
async function lock() {
  const file = inRoot('.setup.lock');
  for (let told = false; ; await sleep(300)) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(fs.existsSync(file) && fs.readFileSync(file, 'utf8'));
    if (holder && !isRunning(holder)) fs.rmSync(file, { force: true });
    else if (holder && !told) {
      say(`Waiting for another set-up (process ${holder}) ...`);
      told = true;
    }
  }
}

const unlock = await lock();
try {
  if (Number(process.versions.node.split('.')[0]) < 20)
    throw new SetupError(`Node 20 or newer is needed; this is ${process.version}.`);
  await dependencies();
  await typescript();
  await native();
} catch (error) {
  const isExpected = error instanceof SetupError || typeof error.code === 'string';
  say(isExpected ? error.message : error.stack);
  say('Set-up failed.');
  process.exitCode = 1;
} finally {
  unlock();
}
