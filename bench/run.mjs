/** Runs one benchmark: `npm run bench -- NAME [options]`. Each folder here that holds a `run.mjs` is one. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const names = fs.readdirSync(here).filter((name) => fs.existsSync(path.join(here, name, 'run.mjs')));
const [name, ...options] = process.argv.slice(2);

if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [options], where NAME is one of: ${names.join(', ')}`);
  process.exit(2);
}
const { status, error } = spawnSync(process.execPath, [path.join(here, name, 'run.mjs'), ...options], {
  stdio: 'inherit',
});
if (error) throw error;
process.exit(status ?? 1);
