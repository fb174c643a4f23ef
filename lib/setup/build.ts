import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

import { LoadError } from '../errors';
import { describeLibtorch, namedLibtorch, type Found } from './libtorch';
import type { Progress } from './progress';
import { addonFile, readRecord, writeRecord } from './record';
import { run, type Outcome } from './run';

/** A compiler working on libtorch's headers takes about this much. */
const bytesPerCompiler = 2 * 2 ** 30;

/** Whether the addon is there and was built from these sources for the libtorch that would be taken now. */
export function isBuilt(packageRoot: string): boolean {
  const record = readRecord(packageRoot);
  if (!record || !fs.existsSync(addonFile(packageRoot)) || record.sources !== hashSources(packageRoot)) return false;
  const named = namedLibtorch();
  if (named && named.root !== record.root) return false;
  try {
    return describeLibtorch(record.root).version === record.version;
  } catch {
    return false; // it has been removed or is incomplete, so it has to be found anew
  }
}

/** SHA-256 of everything that the addon is made from, libtorch aside. */
function hashSources(packageRoot: string): string {
  const hash = createHash('sha256');
  const native = path.join(packageRoot, 'native');
  const names = fs.readdirSync(native, { recursive: true, encoding: 'utf8' });
  const files = names.map((name) => path.join(native, name)).filter((file) => fs.statSync(file).isFile());
  for (const file of [path.join(packageRoot, 'CMakeLists.txt'), ...files.sort()]) {
    hash.update(`${path.relative(packageRoot, file)}\0`).update(fs.readFileSync(file));
  }
  const require = createRequire(path.join(packageRoot, 'package.json'));
  for (const tool of ['cmake-js', 'node-addon-api']) {
    hash.update(`${tool} ${(require(`${tool}/package.json`) as { version: string }).version}\0`);
  }
  return hash.digest('hex');
}

/**
 * Builds the addon for a libtorch and records that. What has not changed since the last build is not compiled again. The
 * compiler's whole output is kept in `build/build.log`.
 * @throws LoadError with the errors when it fails.
 */
export async function buildAddon(packageRoot: string, libtorch: Found, progress: Progress): Promise<void> {
  const sources = hashSources(packageRoot); // before, so that a change during the build is noticed by the next
  const started = Date.now();
  progress.line(`Building the native addon for libtorch ${libtorch.version} (${libtorch.how}: ${libtorch.root}) ...`);
  await configure(packageRoot, libtorch);
  const bar = new CompileBar(progress);
  const build = await cmake(packageRoot, ['build', '--parallel', String(compilersAtOnce())], bar.onLine);
  bar.stop();
  keepLog(packageRoot, build.output);
  if (build.status !== 0) throw new LoadError(explain('The native addon could not be compiled.', build));
  const { root, version, cuda, how } = libtorch;
  await writeRecord(packageRoot, { root, version, cuda, how, sources });
  progress.line(`Built in ${Math.round((Date.now() - started) / 1000)} s.`);
}

/** CMake's own variable, else as many as the cores and the memory allow. */
function compilersAtOnce(): number {
  const asked = Number(process.env.CMAKE_BUILD_PARALLEL_LEVEL);
  if (asked > 0) return asked;
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / bytesPerCompiler)));
}

async function configure(packageRoot: string, libtorch: Found): Promise<void> {
  const args = ['configure', `--CDTORCH_ROOT=${libtorch.root}`];
  let outcome = await cmake(packageRoot, args);
  const cache = path.join(packageRoot, 'build', 'CMakeCache.txt');
  if (outcome.status !== 0 && fs.existsSync(cache)) {
    // What an earlier configuration left (another generator, compiler or folder) may be to blame.
    fs.rmSync(cache);
    fs.rmSync(path.join(packageRoot, 'build', 'CMakeFiles'), { recursive: true, force: true });
    outcome = await cmake(packageRoot, args);
  }
  if (outcome.status === 0) return;
  keepLog(packageRoot, outcome.output);
  throw new LoadError(explain('The native build could not be configured.', outcome));
}

/** Runs the package's cmake-js. */
async function cmake(packageRoot: string, args: string[], onLine?: (line: string) => void): Promise<Outcome> {
  const require = createRequire(path.join(packageRoot, 'package.json'));
  const script = require.resolve('cmake-js/bin/cmake-js');
  const all = [script, ...args, '--directory', packageRoot, '--log-level', 'error'];
  return run(process.execPath, all, onLine ? { onLine } : {});
}

function keepLog(packageRoot: string, text: string): void {
  fs.mkdirSync(path.join(packageRoot, 'build'), { recursive: true });
  fs.writeFileSync(path.join(packageRoot, 'build', 'build.log'), text);
}

/** Matches the progress lines of Ninja (`[3/80] ...`), save of its look for new files, and of Make (`[ 12%] ...`). */
const progressLine = /^\[\s*(\d+)(?:\/(\d+)|%)\] (?!Re-)/;

/** Everything that the tools said but their progress, and what to do about the usual causes. */
function explain(what: string, { output }: Outcome): string {
  const advice: [RegExp, string][] = [
    [/CMake executable is not found/, 'Install CMake (3.18 or newer).'],
    [
      /No CMAKE_CXX_COMPILER could be found|CMAKE_CXX_COMPILER not set/,
      'Install a C++20 compiler (g++ 11 or clang 14, or newer).',
    ],
    [/CMake [\d.]+ or higher is required/, 'Install a newer CMake.'],
    [
      /Killed (signal|fatal)|killed: |out of memory/i,
      'Memory ran out: set CMAKE_BUILD_PARALLEL_LEVEL=1 and try again.',
    ],
    [/No space left on device/, 'The disk is full.'],
  ];
  const lines = output.split('\n').filter((line) => !progressLine.test(line));
  const hints = advice.filter(([sign]) => sign.test(output)).map(([, hint]) => hint);
  return [what, ...lines, ...hints, '`npx torchwright doctor` says what is missing.'].join('\n');
}

/** Turns the build tool's progress lines into a bar. */
class CompileBar {
  private bar: ReturnType<Progress['bar']> | undefined;

  constructor(private readonly progress: Progress) {}

  readonly onLine = (line: string): void => {
    const [, done, total] = progressLine.exec(line) ?? [];
    if (done === undefined) return;
    this.bar ??= this.progress.bar('compiling', Number(total ?? 100), total === undefined ? '%' : 'steps');
    this.bar.update(Number(done));
  };

  stop(): void {
    this.bar?.stop();
  }
}
