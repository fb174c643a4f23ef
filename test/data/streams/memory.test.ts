import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { temporaryFolder } from '../temporary';

const folder = temporaryFolder();
const root = path.resolve(__dirname, '../../..');

test('two hundred megabytes of text pass, and memory stays flat', async () => {
  const register = path.join(root, 'scripts/register.cjs');
  const program = path.join(__dirname, 'programs/flat-memory.ts');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, ['-r', register, program, folder, '200'], {
    env,
  });
  const { tokens, held } = JSON.parse(stdout) as { tokens: number; held: number[] };
  expect(tokens).toBeGreaterThan(190e6);
  expect(held[0]).toBeGreaterThan(30);
  // Whatever is kept of what has passed would show: half of the text, 100 MB, passes between the two.
  expect(Math.max(...held.slice(6)) - Math.max(...held.slice(1, 5))).toBeLessThan(40);
}, 120_000);
