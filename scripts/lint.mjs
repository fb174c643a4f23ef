/**
 * The checks of form: `npm run lint`; with `--fix` (`npm run format`) what can be put right is.
 * Each is one line of the result, and its output is shown when it fails.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** The script behind a package's command. */
function command(packageName, name = packageName) {
  const manifest = path.join(root, 'node_modules', packageName, 'package.json');
  const { bin } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  return path.join(path.dirname(manifest), typeof bin === 'string' ? bin : bin[name]);
}

/** clang-format as npm brings it; its install script, which may have been skipped, would have made it executable. */
function clangFormat() {
  const { clangFormatPath } = require('clang-format-node');
  fs.accessSync(clangFormatPath, fs.constants.R_OK);
  if (!(fs.statSync(clangFormatPath).mode & 0o100)) fs.chmodSync(clangFormatPath, 0o755);
  return clangFormatPath;
}

function nativeSources() {
  const names = fs.readdirSync(path.join(root, 'native'), { recursive: true });
  return names.filter((name) => /\.(cc|h|cu)$/.test(name)).map((name) => path.join('native', name));
}

function checks(fix) {
  const node = process.execPath;
  return [
    ['types', node, [command('typescript', 'tsc'), '-p', '.']],
    ['eslint', node, [command('eslint'), '.', '--max-warnings=0', ...(fix ? ['--fix'] : [])]],
    ['prettier', node, [command('prettier'), '.', '--log-level=warn', fix ? '--write' : '--check']],
    ['clang-format', clangFormat(), [...(fix ? ['-i'] : ['--dry-run', '--Werror']), ...nativeSources()]],
  ];
}

/** Runs all checks; gives how many passed and how many failed. */
export function lint({ fix = false } = {}) {
  const counts = { passed: 0, failed: 0 };
  for (const [name, program, args] of checks(fix)) {
    const started = Date.now();
    const { status, error, stdout, stderr } = spawnSync(program, args, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const passed = status === 0;
    counts[passed ? 'passed' : 'failed']++;
    console.log(`${passed ? 'pass' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    if (!passed) console.log(`${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`.trimEnd());
  }
  return counts;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { failed } = lint({ fix: process.argv.includes('--fix') });
  if (failed > 0) process.exitCode = 1;
}
