/**
 * `npm test`: set-up, lint, jest. The last line is `N passed, N failed`, with each check of lint counted as one test.
 * Arguments go to jest (`npm test -- test/tensor`), and lint is then left out.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { lint } from '../scripts/lint.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const jestArguments = process.argv.slice(2);

function runNode(args, env = process.env) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status;
}

/** Runs jest and reads its counts. A suite that could not run at all counts as one failure. */
function jest() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-'));
  const report = path.join(folder, 'jest.json');
  // jest runs `import()` of ESM-only packages only under this flag.
  const env = { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules`.trim() };
  const status = runNode(['node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`, ...jestArguments], env);
  try {
    const result = JSON.parse(fs.readFileSync(report, 'utf8'));
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    const skipped = result.numPendingTests + result.numTodoTests;
    return { passed: result.numPassedTests, failed: status === 0 ? failed : Math.max(failed, 1), skipped };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // jest ended before it could report; it has said why
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const total = { passed: 0, failed: 0, skipped: 0 };
function add({ passed, failed, skipped = 0 }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

if (runNode(['setup.mjs']) !== 0) add({ passed: 0, failed: 1 });
else {
  if (jestArguments.length === 0) add(lint());
  add(jest());
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
