/** The pages of `npm run docs` can be made, and no link or name in doc comments leads nowhere. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { root } from './pages';

test('typedoc warns of nothing', async () => {
  const typedoc = path.join(root, 'node_modules/typedoc/bin/typedoc');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [typedoc, '--emit', 'none'], { cwd: root });
  expect(`${stdout}${stderr}`).not.toMatch(/warning|error/i);
}, 120_000);
