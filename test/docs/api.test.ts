/** The pages of `npm run docs` can be made, and no link or name in doc comments and guides leads nowhere. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { temporaryFolder } from '../train/tokens';
import { root } from './pages';

test('typedoc warns of nothing', async () => {
  const folder = temporaryFolder();
  try {
    const typedoc = path.join(root, 'node_modules/typedoc/bin/typedoc');
    const args = [typedoc, '--out', folder, '--logLevel', 'Warn'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
    expect(`${stdout}${stderr}`).toBe('');
    expect(fs.readdirSync(path.join(folder, 'documents'))).toContain('coming-from-pytorch.html');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}, 300_000);
