/**
 * `npm run bench`: runs every program bench/<room>/<name>.bench.ts, one after the other; `npm run bench -- NAME` those whose path
 * contains NAME. Each measures both sides of one claim and prints a ratio.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const [wanted = '', ...rest] = process.argv.slice(2);
const names = fs.readdirSync(here, { recursive: true }).filter((name) => name.endsWith('.bench.ts') && name.includes(wanted));
if (names.length === 0) console.error(`No benchmark has ${JSON.stringify(wanted)} in its name.`);

let failed = names.length === 0;
for (const name of names.sort()) {
  console.log(`== ${name}`);
  const program = ['-r', path.join(root, 'scripts/register.cjs'), path.join(here, name), ...rest];
  if (spawnSync(process.execPath, program, { cwd: root, stdio: 'inherit' }).status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
