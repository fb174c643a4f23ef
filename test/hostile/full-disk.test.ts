/** A disk without room, played by a process that may write small files only: nothing half-written, and what stood there stays. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { temporaryFolder } from '../data/temporary';

const root = path.resolve(__dirname, '../..');
const folder = temporaryFolder();
const [filled, copy] = ['filled', 'copy'].map((name) => path.join(folder, name)) as [string, string];

/** Every file with its content. */
function contents(place: string): Record<string, string> {
  const files = fs.readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = path.join(parentPath, name);
      return [path.relative(place, file), fs.readFileSync(file, 'base64')];
    }),
  );
}

/** The program sets its own limit by it, part of util-linux. */
const hasLimits = spawnSync('prlimit', ['--version']).status === 0;

(hasLimits ? test : test.skip)(
  'where there is no room, each way of writing is refused, and everything is as before',
  () => {
    fs.mkdirSync(filled);
    const args = ['-r', path.join(root, 'scripts/register.cjs'), path.join(__dirname, 'programs/write.ts')];
    const output = execFileSync(process.execPath, [...args, filled, copy, '16384'], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: '', OMP_NUM_THREADS: '1' },
      encoding: 'utf8',
    });
    const results = JSON.parse(output) as Record<string, string>;
    expect(Object.keys(results)).toEqual(['x.safetensors', 'x.pt', 'x.txt', 'replaced', 'model', 'sharded']);
    for (const [name, result] of Object.entries(results)) {
      expect([name, result]).toEqual([name, expect.stringMatching(/^ERR_(STORAGE|CHECKPOINT) .*(too large|EFBIG)/i)]);
    }
    expect(Object.keys(contents(copy)).length).toBeGreaterThan(12);
    expect(contents(filled)).toEqual(contents(copy));
  },
  60_000,
);
